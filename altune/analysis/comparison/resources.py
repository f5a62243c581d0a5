"""What each recipe takes: seconds, labels and money; and the Pareto front of the objective and these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from altune.simulation.curve import LearningCurve
from altune.simulation.objectives import Direction
from altune.tuning.preference import pareto_front

RESOURCES: dict[str, str] = {
    "labels": "labels bought",
    "cost": "money spent",
    "seconds": "seconds of computing",
}
"""Resources by name, in words; less is better."""


@dataclass(frozen=True)
class Spent:
    """What a trajectory of a recipe takes: medians of seconds over the blocks, means of the rest.

    Medians, since a trajectory on a busy machine, or the first one of a process, takes many times as long.

    Attributes
    ----------
    recipe : name of the recipe.
    fit_seconds, query_seconds, evaluation_seconds : wall seconds of a whole trajectory on this machine.
    labels : labels bought by the end.
    cost : money spent by the end, in the scenario's unit.
    loops : loops after the first model.
    blocks : number of blocks.
    """

    recipe: str
    fit_seconds: float
    query_seconds: float
    evaluation_seconds: float
    labels: float
    cost: float
    loops: float
    blocks: int

    @property
    def seconds(self) -> float:
        """Seconds of computing in a campaign: fits and queries; a campaign has no test rows to score."""
        return self.fit_seconds + self.query_seconds

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {name: value for name, value in asdict(self).items() if name != "recipe"} | {"seconds": self.seconds}


def spent_by(named_curves: Mapping[str, Sequence[LearningCurve]]) -> tuple[Spent, ...]:
    """Return what each recipe takes, in the given order."""
    return tuple(
        Spent(
            recipe=name,
            fit_seconds=_median([curve.fit_seconds.sum() for curve in curves]),
            query_seconds=_median([curve.query_seconds.sum() for curve in curves]),
            evaluation_seconds=_median([curve.evaluation_seconds.sum() for curve in curves]),
            labels=_mean([curve.labels[-1] for curve in curves]),
            cost=_mean([curve.cost[-1] for curve in curves]),
            loops=_mean([len(curve) - 1 for curve in curves]),
            blocks=len(curves),
        )
        for name, curves in named_curves.items()
    )


def spent_over(by_data: Sequence[Sequence[Spent]]) -> tuple[Spent, ...]:
    """Return what each recipe takes, as means over several data sets of equal weight."""
    amounts = ("fit_seconds", "query_seconds", "evaluation_seconds", "labels", "cost", "loops")
    return tuple(
        Spent(
            recipe=of_recipe[0].recipe,
            **{name: _mean([getattr(spent, name) for spent in of_recipe]) for name in amounts},
            blocks=sum(spent.blocks for spent in of_recipe),
        )
        for of_recipe in zip(*by_data, strict=True)
    )


def resources_that_differ(recipes: Sequence[Spent]) -> tuple[str, ...]:
    """Return the resources of :data:`RESOURCES` of which the recipes take different amounts, in that order.

    Money in proportion to labels is left out.
    """
    names = [name for name in RESOURCES if np.ptp([getattr(spent, name) for spent in recipes]) > 0]
    if "labels" in names and "cost" in names:
        prices = [spent.cost / spent.labels for spent in recipes]
        names = [name for name in names if name != "cost" or np.ptp(prices) > 1e-9 * max(prices)]
    return tuple(names)


def recipes_on_front(
    values: Sequence[float], recipes: Sequence[Spent], direction: Direction, resources: Sequence[str]
) -> tuple[str, ...]:
    """Return the recipes on the Pareto front of the objective and the resources.

    Parameters
    ----------
    values : mean objective of each recipe.
    recipes : what each recipe takes, in the same order.
    direction : whether more of the objective is better.
    resources : names of :data:`RESOURCES`.
    """
    table = np.array(
        [[value, *(getattr(spent, name) for name in resources)] for value, spent in zip(values, recipes, strict=True)]
    )
    directions: list[Direction] = [direction]
    directions += ["minimize"] * len(resources)
    return tuple(recipes[index].recipe for index in pareto_front(table, directions))


def _median(values: Sequence[Any]) -> float:
    return float(np.median(values))


def _mean(values: Sequence[Any]) -> float:
    return float(np.mean(values))
