"""What prices do. A price that is given acts on the objective, or the request says so or is refused.

Money counts in ``net_value`` and ``cost``, as objectives or in constraints, and in areas over cost. If a price is
given, nothing of these is asked for and ``over`` is not given, an area is integrated over cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from altune.core.errors import ScenarioError
from altune.core.text import join_words
from altune.simulation.objectives import KINDS
from altune.simulation.scenario import Scenario

PRICES = (
    "price_per_label",
    "price_per_loop",
    "price_per_review",
    "price_of_class",
    "price_of_difficulty",
    "price_per_auto_label",
)
"""Fields of a scenario that make up the cost of a trajectory, beside the annotators' own prices."""

OF_NET_VALUE = ("value", "price_per_hour")
"""Fields of a scenario that count in the objective ``net_value`` only."""

OWN_PRICES = "the annotators' prices"
_OPTIONS = {
    "price_per_label": "--label-price",
    "price_per_loop": "--loop-price",
    "price_per_hour": "--hour-price",
    "value": "--value",
}


def has_prices(scenario: Scenario) -> bool:
    """Return whether a scenario has other prices than the default ones, or asks for money."""
    return bool(_unusual(scenario, PRICES)) or _own_prices(scenario) or scenario.over == "cost" or asks_money(scenario)


def asks_money(scenario: Scenario) -> bool:
    """Return whether an objective or a constraint is an amount of money, so that prices act on it."""
    return any(KINDS[name].money for name in _asked(scenario))


def settle_prices(
    scenario: Scenario, given: Mapping[str, Any], described: Scenario | None = None
) -> tuple[Scenario, tuple[str, ...]]:
    """Make the prices of a request act, and say what they do.

    Parameters
    ----------
    scenario : the scenario of the request.
    given : fields that the request names one by one, as options of a command do.
    described : the scenario that the request takes its other fields from, if there is one.

    Returns
    -------
    The scenario, whose areas are over cost if prices are given and nothing else asks for money; and one line for each
    price that acts in a way that was not asked for, or not at all.

    Raises
    ------
    ScenarioError
        If the request names a price that changes nothing and does not say ``over``, or ``over`` changes nothing.
    """
    written = described.model_fields_set if described is not None else frozenset()
    areas = [name for name in scenario.objective_names if KINDS[name].area]
    _refuse_over(scenario, given)
    notes = _only_in_net_value(scenario, given, written)
    prices = [name for name in PRICES if name in given or name in _unusual(scenario, written)]
    prices += [OWN_PRICES] if _own_prices(scenario) and ("annotators" in given or "annotators" in written) else []
    if not prices or asks_money(scenario) or (areas and scenario.over == "cost"):
        return scenario, notes
    chosen = "over" in given or "over" in written
    if areas and not chosen:
        settled = scenario.model_copy(update={"over": "cost"})
        return settled, (*notes, f"{_named(prices)} given, so {join_words(areas)} {_are(areas)} over cost, not labels")
    if areas:
        return scenario, (*notes, "the area is over labels, so prices change only what the campaign costs")
    named = [name for name in prices if name in given or (name == OWN_PRICES and "annotators" in given)]
    if named and not chosen:
        raise ScenarioError(_unused(scenario, named))
    return scenario, (*notes, _unused(scenario, prices))


def _asked(scenario: Scenario) -> tuple[str, ...]:
    return (*scenario.objective_names, *(bound.name for bound in scenario.make_constraints()))


def _unusual(scenario: Scenario, names: Iterable[str]) -> list[str]:
    fields = Scenario.model_fields
    return [name for name in PRICES if name in names and getattr(scenario, name) != fields[name].get_default()]


def _own_prices(scenario: Scenario) -> bool:
    return any(annotator.price is not None for annotator in scenario.annotators)


def _refuse_over(scenario: Scenario, given: Mapping[str, Any]) -> None:
    if given.get("over") == "cost" and not any(KINDS[name].area for name in _asked(scenario)):
        raise ScenarioError(
            f"over cost (--over cost) changes areas only, and {join_words(list(scenario.objective_names))} is none; "
            "use the objective aulc, or net_value with a value"
        )


def _only_in_net_value(scenario: Scenario, given: Mapping[str, Any], written: Iterable[str]) -> tuple[str, ...]:
    if "net_value" in _asked(scenario):
        return ()
    notes = []
    for name in OF_NET_VALUE:
        line = f"{_worded(name)} counts in the objective net_value only, which is not asked for (--objective net_value)"
        if name in given:
            raise ScenarioError(line)
        if name in written and getattr(scenario, name):
            notes.append(line)
    return tuple(notes)


def _unused(scenario: Scenario, prices: list[str]) -> str:
    objective = scenario.objective_names[0]
    names = join_words(list(scenario.objective_names))
    return (
        f"{names} {'does' if len(scenario.objective_names) == 1 else 'do'} not depend on "
        f"{join_words([_worded(name) for name in prices])}: use an area, which is then over cost (--objective aulc), "
        f"net_value with a value (--objective net_value --value V), cost as a second objective (--objective "
        f"{objective},cost), a bound (--constraint 'cost <= MONEY'), or --over labels to know the cost alone"
    )


def _named(prices: list[str]) -> str:
    verb = "are" if prices == [OWN_PRICES] else _are(prices)
    return f"{join_words([_worded(name) for name in prices])} {verb}"


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _worded(name: str) -> str:
    return f"{name} ({_OPTIONS[name]})" if name in _OPTIONS else name
