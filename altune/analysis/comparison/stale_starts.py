"""Stale starts: runs that realise their own gain too late.

A run is stale that has realised less than a quarter of its own eventual gain by a quarter of the budget. Both are
counted from the run's first model, so that a run is measured by itself and not by a lucky one.
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
"""A run is stale that has realised less than this share of its gain by this share of the budget."""


@dataclass(frozen=True)
class StaleStarts:
    """How many runs of a recipe are stale.

    Attributes
    ----------
    recipe : its name.
    stale, runs : how many runs are, and how many there are.
    low, high : Wilson's 95 % interval of the share, as if runs were independent.
    """

    recipe: str
    stale: int
    runs: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share of stale runs, in [0, 1]."""
        return self.stale / self.runs

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"stale": self.stale, "runs": self.runs, "share": self.share, "low": self.low, "high": self.high}


def stale_starts(
    named_curves: Mapping[str, Sequence[LearningCurve]], metric: str, budget: int
) -> tuple[StaleStarts, ...]:
    """Return how many runs of each recipe are stale, in the given order.

    Parameters
    ----------
    named_curves : curves of each recipe, one for each block.
    metric : the score.
    budget : labels.
    """
    same_blocks(named_curves)
    return tuple(
        counted(name, sum(is_stale(curve, metric, budget) for curve in curves), len(curves))
        for name, curves in named_curves.items()
    )


def over_data_sets(found: Sequence[Sequence[StaleStarts]]) -> tuple[StaleStarts, ...]:
    """Return the same over several data sets: each recipe's runs put together."""
    return tuple(
        counted(own[0].recipe, sum(one.stale for one in own), sum(one.runs for one in own))
        for own in zip(*found, strict=True)
    )


def counted(recipe: str, stale: int, runs: int) -> StaleStarts:
    """Return so many stale runs of so many, with their interval.

    >>> counted("margin", 1, 10).share
    0.1
    """
    interval = wilson_interval(stale, runs)
    return StaleStarts(recipe, stale, runs, interval.low, interval.high)


def stale_share(curves: Sequence[LearningCurve], metric: str, budget: int) -> float:
    """Return the share of runs that are stale, in [0, 1].

    The gain is counted from the run's first model to the score in hand at the whole budget; a run that
    gains nothing has nothing to realise and is not stale.
    """
    same_blocks({"curves": curves})
    return float(np.mean([is_stale(curve, metric, budget) for curve in curves]))


def is_stale(curve: LearningCurve, metric: str, budget: int) -> bool:
    """Return whether a run realised less than a quarter of its gain by a quarter of the budget."""
    start = float(curve.scores[metric][0])
    early, final = curve.at(np.array([STALE * budget, budget]), metric)
    return bool(early - start < STALE * (final - start))
