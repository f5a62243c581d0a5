"""How much the objective of a recipe varies over blocks: what an unlucky user gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from altune.numerics.statistics import Interval
from altune.simulation.objectives import Direction

UNLUCKY = 0.1


@dataclass(frozen=True)
class Spread:
    """The objective of one recipe over its blocks.

    Attributes
    ----------
    recipe : name of the recipe.
    values : the objective on each block, in the order of the blocks.
    mean : mean with its 95 % interval.
    unlucky : the value that nine of ten blocks exceed: the 10 % quantile, or the 90 % quantile if less is better.
    worst, best : the worst and the best value.
    """

    recipe: str
    values: tuple[float, ...]
    mean: Interval
    unlucky: float
    worst: float
    best: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            **self.mean.to_dict(),
            "p10": self.unlucky,
            "worst": self.worst,
            "best": self.best,
            "values": list(self.values),
        }


def spread_of(recipe: str, values: ArrayLike, mean: Interval, direction: Direction = "maximize") -> Spread:
    """Return how much the objective of a recipe varies over blocks.

    Parameters
    ----------
    recipe : name of the recipe.
    values : the objective on each block.
    mean : their mean with its interval.
    direction : whether more is better.

    >>> from altune.numerics.statistics import mean_interval
    >>> spread_of("margin", [30, 50], mean_interval([30, 50]), "minimize").worst
    50.0
    """
    x = np.asarray(values, dtype=np.float64)
    more = direction == "maximize"
    low, high = float(x.min()), float(x.max())
    return Spread(
        recipe=recipe,
        values=tuple(x.tolist()),
        mean=mean,
        unlucky=float(np.quantile(x, UNLUCKY if more else 1 - UNLUCKY)),
        worst=low if more else high,
        best=high if more else low,
    )
