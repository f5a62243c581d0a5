"""What a price does to each objective: it acts, or the request says so or is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from altune.core.errors import ScenarioError
from altune.simulation.environment import make_environment
from altune.simulation.objectives import KINDS
from altune.simulation.pricing import PRICES, asks_money, has_prices, settle_prices
from altune.simulation.scenario import Scenario
from altune.workflows.simulate import simulate
from tests.helpers.curves import curve

GIVEN: dict[str, Any] = {
    "price_per_label": 2.0,
    "price_per_loop": 5.0,
    "price_per_review": 2.0,
    "price_of_class": (0.0, 1.0, 2.0),
    "price_of_difficulty": 1.0,
    "price_per_auto_label": 0.5,
}
AREAS = [name for name, kind in KINDS.items() if kind.area]
MONEY = {"net_value": {"value": 100.0}, "cost": {}}
OTHERS = [name for name in KINDS if name not in (*AREAS, *MONEY)]


def settled(described: Scenario | None = None, **given: Any) -> tuple[Scenario, tuple[str, ...]]:
    base = described.to_dict() if described is not None else {}
    return settle_prices(Scenario.from_dict({**base, **given}), given, described)


def asked(name: str) -> Any:
    """Return an objective as it may be asked for: those of spending follow one of the score."""
    return ("final_score", name) if name in ("labels", "loops", "seconds", "cost") else name


def test_every_price_of_a_scenario_is_known() -> None:
    fields = {name for name in Scenario.model_fields if name.startswith("price")}
    assert fields == {*PRICES, "price_per_hour"}
    assert set(GIVEN) == set(PRICES)


@pytest.mark.parametrize("price", GIVEN)
@pytest.mark.parametrize("name", AREAS)
def test_an_area_is_over_cost_if_prices_are_given(name: str, price: str) -> None:
    scenario, [line] = settled(objective=name, **{price: GIVEN[price]})
    assert scenario.over == "cost"
    assert line.startswith(price)
    assert line.endswith(f"given, so {name} is over cost, not labels")


@pytest.mark.parametrize("price", GIVEN)
@pytest.mark.parametrize("name", OTHERS)
def test_a_price_that_no_objective_depends_on_is_refused_with_what_to_use(name: str, price: str) -> None:
    with pytest.raises(ScenarioError, match=rf"depend on {price}.*--objective aulc.*net_value.*cost.*--constraint"):
        settled(objective=asked(name), **{price: GIVEN[price]})


@pytest.mark.parametrize("name", MONEY)
def test_prices_act_on_money_as_it_is(name: str) -> None:
    scenario, notes = settled(objective=asked(name), price_per_loop=5.0, **MONEY[name])
    assert (scenario.over, notes) == ("labels", ())
    assert asks_money(scenario)


def test_a_bound_on_money_keeps_an_area_over_labels() -> None:
    scenario, notes = settled(objective="aulc", constraints=["cost <= 100"], price_per_loop=5.0)
    assert (scenario.over, notes) == ("labels", ())
    assert settled(objective="final_score", constraints=["cost <= 100"], price_per_label=2.0)[1] == ()
    assert settled(objective=("aulc", "cost"), price_per_label=2.0)[0].over == "labels"


def test_what_was_chosen_is_kept() -> None:
    scenario, notes = settled(over="labels", price_per_label=2.0)
    assert scenario.over == "labels"
    assert notes == ("the area is over labels, so prices change only what the campaign costs",)
    assert settled(over="cost", price_per_label=2.0)[1] == ()
    [line] = settled(objective="final_score", over="labels", price_per_label=2.0)[1]
    assert line.startswith("final_score does not depend on price_per_label")
    assert settled() == (Scenario(), ())


def test_a_file_of_prices_acts_or_says_that_it_does_not() -> None:
    file = Scenario.from_dict({"price_per_loop": 5.0})
    assert settled(file)[0].over == "cost"
    [line] = settled(file, objective="final_score")[1]
    assert line.startswith("final_score does not depend on price_per_loop (--loop-price): use an area")
    stored = Scenario.from_dict(file.to_dict())  # as a run stores it, with every field
    assert settled(stored) == (stored, ("the area is over labels, so prices change only what the campaign costs",))
    assert settled(Scenario.from_dict({"price_per_loop": 0.0, "price_per_label": 1.0})) == (Scenario(), ())


def test_the_annotators_own_prices_are_prices() -> None:
    scenario, [line] = settled(annotators=[{"price": 2.0}, {}])
    assert (scenario.over, line) == ("cost", "the annotators' prices are given, so aulc is over cost, not labels")
    with pytest.raises(ScenarioError, match="final_score does not depend on the annotators' prices"):
        settled(objective="final_score", annotators=[{"price": 2.0}])
    stored = scenario.model_copy(update={"over": "labels"})
    assert settle_prices(stored, {}) == (stored, ()), "nothing is given"
    assert not has_prices(Scenario())
    assert has_prices(scenario)


@pytest.mark.parametrize(("name", "value"), [("value", 100.0), ("price_per_hour", 3.0)])
def test_what_counts_in_net_value_only_is_refused_without_it(name: str, value: float) -> None:
    with pytest.raises(ScenarioError, match=rf"{name} .* counts in the objective net_value only"):
        settled(**{name: value})
    assert settled(objective="net_value", **{"value": 1.0, name: value})[1] == ()
    [line] = settled(Scenario.from_dict({name: value}))[1]
    assert line.startswith(name)


@pytest.mark.parametrize("name", ["final_score", "aulc_dense", "aubc_lu", "labels_to_target"])
def test_cost_instead_of_labels_needs_an_area(name: str) -> None:
    with pytest.raises(ScenarioError, match=f"changes areas only, and {name} is none"):
        settled(objective=name, over="cost")
    settled(objective=name, constraints=["aulc >= 0.5"], over="cost")


def test_only_areas_are_measured_over_money() -> None:
    scenario = Scenario(budget=10, over="cost", price_per_loop=5.0, loops=3)
    ends = {name: scenario.make_objective(name).end for name in KINDS}
    # 10 labels at 1, and 3 loops beside the first sample at 5
    assert {name for name, end in ends.items() if end == 10 + 4 * 5} == set(AREAS)
    assert {end for name, end in ends.items() if name not in AREAS} == {10.0}


def test_labels_to_a_target_that_is_never_reached_are_the_budget_whatever_the_area_is_over() -> None:
    stopped_early = curve([2, 4], [0.1, 0.2])
    scenario = Scenario(budget=10, over="cost", target_score=0.9)
    assert scenario.make_objective("labels_to_target")(stopped_early) == 10.0


def test_a_price_per_loop_changes_the_area_by_the_amount_worked_out_by_hand() -> None:
    free, priced = (
        simulate("random_sampling", "iris", n_blocks=1, budget=30, loops=3, objective="aulc", **prices)
        for prices in ({}, {"price_per_loop": 4.0})
    )
    [played] = priced.curves
    assert played.cost.tolist() == (played.labels + 4.0 * np.arange(1, 5)).tolist()
    edges = [0, *played.cost.tolist(), 30 + 4 * 4]
    scores = [played.prior["accuracy"], *played.scores["accuracy"].tolist()]
    area = sum(score * (end - start) for score, start, end in zip(scores, edges[:-1], edges[1:], strict=True))
    assert priced.mean == pytest.approx(area / (30 + 4 * 4))
    assert priced.mean != pytest.approx(free.mean)
    assert priced.to_dict()["blocks"][0]["cost"] == played.cost.tolist()


def test_an_environment_says_what_its_prices_do() -> None:
    assert make_environment("iris", budget=30, price_per_label=2.0).advice() == [
        "price_per_label (--label-price) is given, so aulc is over cost, not labels"
    ]
    assert make_environment("iris", budget=30).advice() == []
