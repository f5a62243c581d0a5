"""What a campaign costs with the confirmed recipe and with each baseline, and whether it is worth labelling at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.analysis.answer import plain_name
from altune.core.text import join_words
from altune.simulation.objectives import Objective
from altune.simulation.pricing import has_prices
from altune.simulation.scenario import Scenario
from altune.tuning.confirmation import Confirmation
from altune.tuning.played import Played

RECIPE = "recipe"
_SMALL = 1e-6


@dataclass(frozen=True)
class Range:
    """A quantity on the report blocks: its mean, and its smallest and largest value."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: NDArray[Any]) -> Range:
        """Return the range of the values of the blocks, one or more."""
        return cls(float(np.mean(values)), float(np.min(values)), float(np.max(values)))

    def to_dict(self) -> dict[str, float]:
        """Return plain JSON values."""
        return {"mean": self.mean, "low": self.low, "high": self.high}

    @property
    def average(self) -> str:
        """The mean in words, with the smallest and the largest value where they differ."""
        ends = str(self)
        return ends if " " not in ends else f"{amount(self.mean)} on average ({ends})"

    def __str__(self) -> str:
        low, high = amount(self.low), amount(self.high)
        return low if low == high else f"{low} to {high}"


@dataclass(frozen=True)
class Cost:
    """What a campaign with one recipe costs on the report blocks.

    Attributes
    ----------
    total : money for labels and loops.
    labels : labels bought.
    loops : round trips to the annotators, each of which costs the price of a loop; the first sample is one.
    other : money beside the scenario's prices per label and per loop, such as surcharges and annotators' own prices.
    computing : money for computing, at the price of an hour.
    """

    total: Range
    labels: Range
    loops: Range
    other: Range
    computing: Range

    @classmethod
    def of(cls, played: Played, scenario: Scenario) -> Cost:
        """Return what a recipe cost on the blocks that it was played on."""
        curves = played.curves
        total = np.array([curve.cost[-1] for curve in curves])
        labels = np.array([curve.labels[-1] for curve in curves])
        # Curves of altune 0.1.0 have neither round trips nor the number of labels at the usual price.
        loops = np.array([curve.round_trips[-1] if len(curve.round_trips) else len(curve) for curve in curves])
        priced = np.array([curve.priced[-1] if len(curve.priced) else curve.labels[-1] for curve in curves])
        other = total - priced * scenario.price_per_label - loops * scenario.price_per_loop
        hours = np.array([curve.seconds for curve in curves]) / 3600.0
        computing = hours * scenario.price_per_hour
        return cls(*(Range.of(values) for values in (total, labels, loops, other, computing)))

    def parts(self, scenario: Scenario) -> str:
        """Return what the total is made of, such as ``200 labels at 1 and 21 loops at 2``."""
        parts = [
            f"{self.labels} labels at {amount(scenario.price_per_label)}",
            f"{self.loops} loops at {amount(scenario.price_per_loop)}",
        ]
        if max(abs(self.other.low), abs(self.other.high)) > _SMALL:
            parts.append(f"{self.other} for other prices")
        return join_words(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        return {name: value.to_dict() for name, value in vars(self).items()}


@dataclass(frozen=True)
class LabelNothing:
    """What it is worth to buy no label, beside what the recipes are worth.

    Attributes
    ----------
    metric : name of the score that has a value, in words.
    score : mean score of the prior predictor, which always predicts the most frequent class.
    value : its value; nothing is spent.
    worth : mean net value of the confirmed recipe (``recipe``) and of each baseline, by name.
    """

    metric: str
    score: float
    value: float
    worth: Mapping[str, float]

    @property
    def advised(self) -> bool:
        """Whether all recipes are worth less than buying no label."""
        return max(self.worth.values()) < self.value

    @property
    def sentence(self) -> str:
        """The advice in one sentence."""
        others = [f"{_name(name)} {amount(value)}" for name, value in self.worth.items() if name != RECIPE]
        return (
            f"At these prices, label nothing: always predicting the most frequent class has {self.metric} "
            f"{self.score:.3f} and is worth {amount(self.value)} without a label, while the recipe is worth "
            f"{amount(self.worth[RECIPE])} after its costs, {join_words(others)}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        return {"advised": self.advised, "score": self.score, "value": self.value, "worth": dict(self.worth)}


def costs_of(confirmation: Confirmation, scenario: Scenario) -> dict[str, Cost]:
    """Return the costs of the confirmed recipe (``recipe``) and of each baseline; empty if no prices were given."""
    if not has_prices(scenario):
        return {}
    played = {RECIPE: confirmation.recipe, **confirmation.baselines}
    return {name: Cost.of(of_recipe, scenario) for name, of_recipe in played.items()}


def label_nothing(confirmation: Confirmation, scenario: Scenario) -> LabelNothing | None:
    """Return what it is worth to buy no label; None if the net value is not an objective."""
    if "net_value" not in scenario.objective_names:
        return None
    objective: Objective = scenario.make_objective("net_value")
    played = {RECIPE: confirmation.recipe, **confirmation.baselines}
    score = float(np.mean([curve.prior[objective.metric] for curve in confirmation.recipe.curves]))
    worth = {name: float(objective.each(of_recipe.curves).mean()) for name, of_recipe in played.items()}
    return LabelNothing(objective.metric_text, score, objective.value * score, worth)


def cost_sentences(confirmation: Confirmation, scenario: Scenario) -> list[str]:
    """Return the sentence on what the campaign costs; nothing if no prices were given."""
    costs = costs_of(confirmation, scenario)
    if not costs:
        return []
    recipe = costs.pop(RECIPE)
    costs.pop(confirmation.candidates[confirmation.selected].baseline, None)  # the recipe itself
    parts = f"{recipe.parts(scenario)}, where the first sample counts as a loop"
    text = f"The campaign costs {recipe.total.average} with this recipe: {parts}"
    same = [name for name, cost in costs.items() if str(cost.total) == str(recipe.total)]
    others = [f"as much as {join_words([_name(name) for name in same])}"] if same else []
    others += [f"{_name(name)} costs {cost.total.average}" for name, cost in costs.items() if name not in same]
    return [f"{text}{''.join(f'; {other}' for other in others)}."]


def money_sentences(
    confirmations: Mapping[str, Confirmation], scenarios: Mapping[str, Scenario]
) -> tuple[list[str], list[str]]:
    """Return the advice to label nothing, where it is better, and the sentences on costs, for each data set by name."""
    advice, costs = [], []
    for name, confirmation in confirmations.items():
        prefix = f"{name}: " if len(confirmations) > 1 else ""
        nothing = label_nothing(confirmation, scenarios[name])
        advice += [prefix + nothing.sentence] if nothing is not None and nothing.advised else []
        costs += [prefix + sentence for sentence in cost_sentences(confirmation, scenarios[name])]
    return advice, costs


def money_of(confirmation: Confirmation, scenario: Scenario) -> dict[str, Any]:
    """Return ``cost`` and ``label_nothing`` of the command line's ``--json``, each None where it does not apply."""
    costs, nothing = costs_of(confirmation, scenario), label_nothing(confirmation, scenario)
    return {
        "cost": {name: cost.to_dict() for name, cost in costs.items()} or None,
        "label_nothing": None if nothing is None else nothing.to_dict(),
    }


def price_words(scenario: Scenario) -> str:
    """Return all prices of a scenario in words.

    >>> price_words(Scenario(price_per_loop=5.0, price_per_review=2.0))
    '1 a label, 5 a loop, 2 a review'
    """
    parts = [f"{amount(scenario.price_per_label)} a label", f"{amount(scenario.price_per_loop)} a loop"]
    if scenario.price_per_review is not None:
        parts.append(f"{amount(scenario.price_per_review)} a review")
    if any(scenario.price_of_class):
        parts.append(f"{', '.join(map(amount, scenario.price_of_class))} more by class")
    if scenario.price_of_difficulty:
        parts.append(f"{amount(scenario.price_of_difficulty)} more for a row of mean difficulty")
    if scenario.price_per_auto_label:
        parts.append(f"{amount(scenario.price_per_auto_label)} an automatic label")
    if scenario.price_per_hour:
        parts.append(f"{amount(scenario.price_per_hour)} an hour of computing")
    if scenario.value:
        parts.append(f"a score of 1 is worth {amount(scenario.value)}")
    return ", ".join(parts)


def amount(value: float) -> str:
    """Return an amount of money or a count, with decimals only where they matter.

    >>> amount(242.0), amount(0.25), amount(1234.56), amount(35.5)
    ('242', '0.25', '1235', '35.5')
    """
    if abs(value) >= 100 or float(value).is_integer():
        return f"{value:.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _name(name: str) -> str:
    return "the recipe" if name == RECIPE else plain_name(name)
