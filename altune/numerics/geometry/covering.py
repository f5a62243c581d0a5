"""RowNumbers that cover a cloud of points: farthest first, and sampling by squared distance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from altune.core.types import RowNumbers
from altune.numerics.geometry.distances import (
    Array,
    Points,
    blocks,
    is_sparse,
    random_argmax,
    squared_distances,
    squared_to_nearest,
    without_rounding,
)

EXACT_PAIR_ROWS = 5_000
"""Up to so many rows the farthest pair is found among all pairs, in O(N²d)."""


def farthest_first(points: Points, covered: Points, size: int, rng: np.random.Generator) -> RowNumbers:
    """Pick points one by one, each the farthest from all covered and picked ones: argmax_u min_l d(u, l).

    The largest distance left to cover is at most twice the smallest possible. Time O(N·size·d), memory
    O(N).

    Parameters
    ----------
    points : what may be picked.
    covered : what is covered already; where there is nothing, the first pick is a random one.
    size : points wanted; all of them where there are fewer.
    rng : breaks ties.

    Returns
    -------
    positions within ``points``, ``(min(size, len(points)),)``, distinct, in the order of picking.

    Notes
    -----
    T. F. Gonzalez, *Clustering to minimize the maximum intercluster distance*, Theoretical Computer
    Science, 1985; O. Sener and S. Savarese, *Active Learning for Convolutional Neural Networks: A
    Core-Set Approach*, ICLR 2018.
    """
    nearest = squared_to_nearest(points, covered)
    return farthest_of(nearest, lambda pick: distances_to(points, pick), min(size, len(points)), rng)


def farthest_of(
    nearest: Array, distances_from: Callable[[int], Array], size: int, rng: np.random.Generator
) -> RowNumbers:
    """Pick points one by one, each the farthest from what is covered.

    Parameters
    ----------
    nearest : squared distances to what is covered already, ``(n_points,)``; −∞ for points that may not be picked.
    distances_from : gives the squared distances of all points to one of them, ``(n_points,)``.
    size : points wanted, at most as many as may be picked.
    rng : breaks ties.

    Returns
    -------
    positions, ``(size,)``, distinct, in the order of picking.
    """
    nearest, picked = nearest.copy(), np.empty(size, dtype=np.intp)
    for turn in range(size):
        pick = random_argmax(nearest, rng)
        picked[turn] = pick
        np.minimum(nearest, distances_from(pick), out=nearest)
        nearest[pick] = -np.inf  # so that a duplicate cannot bring the same row back
    return picked


def sample_by_squared_distance(
    distances_from: Callable[[int], Array],
    nearest: Array,
    size: int,
    rng: np.random.Generator,
    first: int | None = None,
) -> RowNumbers:
    """Draw points one by one with probability D² / Σ D², D the distance to the nearest one drawn so far.

    Where every point left lies on a drawn one, the draw is uniform. Only one column of distances is
    alive at a time.

    Parameters
    ----------
    distances_from : gives the squared distances of all points to one of them, ``(n_points,)``.
    nearest : squared distances to what is covered already, ``(n_points,)``; ∞ everywhere where nothing
    is. size : points wanted; all of them where there are fewer. rng : draws. first : the first point,
    where it is not to be drawn.

    Returns
    -------
    positions, ``(min(size, n_points),)``, distinct, in the order of drawing.

    Notes
    -----
    D. Arthur and S. Vassilvitskii, *k-means++: The Advantages of Careful Seeding*, SODA 2007.
    """
    nearest = nearest.copy()
    free = np.ones(len(nearest), dtype=bool)
    picked = np.empty(min(size, len(nearest)), dtype=np.intp)
    for turn in range(len(picked)):
        pick = first if turn == 0 and first is not None else _draw(nearest, free, rng)
        picked[turn] = pick
        free[pick] = False
        np.minimum(nearest, distances_from(pick), out=nearest)
        nearest[pick] = 0.0
    return picked


def farthest_pair(points: Points, rng: np.random.Generator) -> tuple[int, int]:
    """Return the two points farthest apart (two points at least).

    Exact up to ``EXACT_PAIR_ROWS`` points; beyond, walk from a random point to the farthest one and on
    from there while the distance grows, which never misses by more than a factor of two.
    """
    if len(points) <= EXACT_PAIR_ROWS:
        farthest = np.empty(len(points))
        for block in blocks(len(points), len(points)):
            part = Points(points.values[block], points.norms[block])
            farthest[block] = squared_distances(part, points).max(axis=1)
        start = random_argmax(farthest, rng)
        distance = distances_to(points, start)
    else:
        start, reached = int(rng.integers(len(points))), -1.0
        distance = distances_to(points, start)
        while distance.max() > reached:
            reached, start = float(distance.max()), int(distance.argmax())
            distance = distances_to(points, start)
    distance[start] = -1.0
    return start, random_argmax(distance, rng)


def distances_to(points: Points, position: int) -> Array:
    """Return the squared distances of all points to the one at ``position``, ``(n_points,)``."""
    if is_sparse(points.values):
        return squared_distances(points, points.take(np.array([position])))[:, 0]
    squared = points.values @ points.values[position]
    squared *= 2.0
    lengths = points.norms + points.norms[position]
    return without_rounding(np.subtract(lengths, squared, out=squared), lengths)


def _draw(nearest: Array, free: NDArray[np.bool_], rng: np.random.Generator) -> int:
    top = nearest.max()  # what was drawn is at 0
    if not 0.0 < top < np.inf:
        return int(rng.choice(np.flatnonzero(free)))
    cumulated = np.cumsum(nearest / top)
    drawn = int(np.searchsorted(cumulated, rng.random() * cumulated[-1], side="right"))
    return drawn if drawn < len(nearest) and nearest[drawn] > 0 else int(np.flatnonzero(nearest)[-1])
