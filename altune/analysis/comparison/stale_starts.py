"""Stale starts: trajectories that gain too late.

A trajectory is stale if it has made less than a quarter of its own gain by a quarter of the budget. The gain is counted
from its first model to the end, so that a trajectory is compared with itself only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from altune.analysis.paired import same_blocks
from altune.numerics.statistics import wilson_interval
from altune.simulation.curve import LearningCurve

STALE = 0.25
"""A trajectory is stale if it has made less than this share of its gain by this share of the budget."""


@dataclass(frozen=True)
class StaleStarts:
    """The number of stale trajectories of a recipe.

    Attributes
    ----------
    recipe : name of the recipe.
    stale, runs : number of stale trajectories, and of all.
    low, high : Wilson's 95 % interval of the share, as if trajectories were independent.
    """

    recipe: str
    stale: int
    runs: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Share of stale trajectories, in [0, 1]."""
        return self.stale / self.runs

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"stale": self.stale, "runs": self.runs, "share": self.share, "low": self.low, "high": self.high}


def stale_starts(
    named_curves: Mapping[str, Sequence[LearningCurve]], metric: str, budget: int
) -> tuple[StaleStarts, ...]:
    """Return the number of stale trajectories of each recipe, in the given order.

    Parameters
    ----------
    named_curves : curves of each recipe, one for each block.
    metric : name of the score.
    budget : budget in labels.
    """
    same_blocks(named_curves)
    return tuple(
        counted(name, sum(is_stale(curve, metric, budget) for curve in curves), len(curves))
        for name, curves in named_curves.items()
    )


def over_data_sets(by_data: Sequence[Sequence[StaleStarts]]) -> tuple[StaleStarts, ...]:
    """Return the number of stale trajectories of each recipe on all data sets together."""
    return tuple(
        counted(
            of_recipe[0].recipe, sum(starts.stale for starts in of_recipe), sum(starts.runs for starts in of_recipe)
        )
        for of_recipe in zip(*by_data, strict=True)
    )


def counted(recipe: str, stale: int, runs: int) -> StaleStarts:
    """Return a number of stale trajectories with its interval.

    >>> counted("margin", 1, 10).share
    0.1
    """
    interval = wilson_interval(stale, runs)
    return StaleStarts(recipe, stale, runs, interval.low, interval.high)


def stale_share(curves: Sequence[LearningCurve], metric: str, budget: int) -> float:
    """Return the share of trajectories that are stale, in [0, 1].

    The gain is counted from the first model to the whole budget; a trajectory without gain is not stale.
    """
    same_blocks({"curves": curves})
    return float(np.mean([is_stale(curve, metric, budget) for curve in curves]))


def is_stale(curve: LearningCurve, metric: str, budget: int) -> bool:
    """Return whether a trajectory made less than a quarter of its gain by a quarter of the budget."""
    start = float(curve.scores[metric][0])
    early, final = curve.at(np.array([STALE * budget, budget]), metric)
    return bool(early - start < STALE * (final - start))
