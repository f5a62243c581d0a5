"""What each recipe takes: seconds, labels and money; and who is on the front of score against them."""

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
"""What may be spent, in words; less is better."""


@dataclass(frozen=True)
class Spent:
    """What a trajectory of a recipe takes over blocks: medians of seconds, means of the rest.

    A run that meets a busy machine, or the first of a process, takes many times the usual seconds.

    Attributes
    ----------
    recipe : its name.
    fit_seconds, query_seconds, evaluation_seconds : wall seconds of a whole trajectory; no two machines agree on them.
    labels : labels bought by the end.
    cost : money spent by the end, in the scenario's unit.
    loops : loops after the first model.
    blocks : how many blocks these are of.
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
        """Seconds of computing that a campaign would take: fits and queries; a real one has no test rows to score."""
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


def spent_over(found: Sequence[Sequence[Spent]]) -> tuple[Spent, ...]:
    """Return the same over several data sets: means over them, each counting alike."""
    amounts = ("fit_seconds", "query_seconds", "evaluation_seconds", "labels", "cost", "loops")
    return tuple(
        Spent(
            recipe=own[0].recipe,
            **{name: _mean([getattr(one, name) for one in own]) for name in amounts},
            blocks=sum(one.blocks for one in own),
        )
        for own in zip(*found, strict=True)
    )


def resources_that_differ(spent: Sequence[Spent]) -> tuple[str, ...]:
    """Return the resources of :data:`RESOURCES` of which the recipes do not all take the same, time being the last.

    Money is left out where it is in proportion to labels: it would say the same again.
    """
    found = [name for name in RESOURCES if np.ptp([getattr(one, name) for one in spent]) > 0]
    if "labels" in found and "cost" in found:
        prices = [one.cost / one.labels for one in spent]
        found = [name for name in found if name != "cost" or np.ptp(prices) > 1e-9 * max(prices)]
    return tuple(found)


def recipes_on_front(
    values: Sequence[float], spent: Sequence[Spent], direction: Direction, resources: Sequence[str]
) -> tuple[str, ...]:
    """Return the recipes that no other betters in the objective and in everything that is spent.

    Parameters
    ----------
    values : mean objective of each recipe.
    spent : what each takes, in the same order.
    direction : whether more of the objective is better.
    resources : names of :data:`RESOURCES`.
    """
    table = np.array(
        [[value, *(getattr(one, name) for name in resources)] for value, one in zip(values, spent, strict=True)]
    )
    directions: list[Direction] = [direction]
    directions += ["minimize"] * len(resources)
    return tuple(spent[place].recipe for place in pareto_front(table, directions))


def _median(values: Sequence[Any]) -> float:
    return float(np.median(values))


def _mean(values: Sequence[Any]) -> float:
    return float(np.mean(values))
