"""The numbers of the figure of a Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from altune.report.figures.points import FrontAxis, FrontPoint
from altune.simulation.objectives import Direction
from altune.tuning.preference import pareto_front

Array = NDArray[np.float64]


class FrontPair(NamedTuple):
    """One panel: positions of its objectives on the two axes, and the corners of the front's line.

    The line begins at the best value of ``along``.
    """

    along: int
    up: int
    x: tuple[float, ...]
    y: tuple[float, ...]


class FrontNumbers(NamedTuple):
    """Numbers of the figure: positions of the points on the front of all objectives, and a panel for each pair."""

    front: tuple[int, ...]
    pairs: tuple[FrontPair, ...]


def pareto_front_numbers(points: Sequence[FrontPoint], axes: Sequence[FrontAxis]) -> FrontNumbers:
    """Return the points on the front, and a panel for each pair of objectives, the earlier one on the vertical axis.

    The line of a panel separates what feasible trials have reached in these two objectives from what none has. It
    steps at right angles, since nothing between two trials was played. With three objectives or more a trial may be
    on the front of all and off the line of a pair.

    Parameters
    ----------
    points : trials and baselines.
    axes : the objectives, two or more.
    """
    feasible = [index for index, point in enumerate(points) if point.role in ("trial", "picked")]
    values = np.array([points[index].values for index in feasible], dtype=np.float64).reshape(-1, len(axes))
    front = pareto_front(values, [axis.direction for axis in axes])
    return FrontNumbers(
        tuple(feasible[index] for index in front),
        tuple(_pair(points, values, axes, up, along) for up, along in combinations(range(len(axes)), 2)),
    )


def _pair(points: Sequence[FrontPoint], values: Array, axes: Sequence[FrontAxis], up: int, along: int) -> FrontPair:
    if not len(values):
        return FrontPair(along, up, (), ())
    directions = (axes[along].direction, axes[up].direction)
    both = values[:, [along, up]]
    front = np.unique(both[pareto_front(both, directions)], axis=0)
    # The line runs from the best value of `along` to the best value of `up`, and at both ends to the edge of the data.
    ordered = front if directions[0] == "minimize" else front[::-1]
    worst_along, worst_up = (_worst(points, axis, axes[axis].direction) for axis in (along, up))
    x = [ordered[0, 0], *ordered[:, 0], worst_along]
    y = [worst_up, *ordered[:, 1], ordered[-1, 1]]
    return FrontPair(along, up, tuple(map(float, x)), tuple(map(float, y)))


def _worst(points: Sequence[FrontPoint], axis: int, direction: Direction) -> float:
    return (max if direction == "minimize" else min)(point.values[axis] for point in points)
