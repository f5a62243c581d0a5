"""Points that cover others: farthest-first traversal, and sampling by squared distance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from altune.core.types import Array, RowNumbers
from altune.numerics.geometry.distances import (
    Points,
    blocks,
    is_sparse,
    random_argmax,
    squared_distances,
    squared_to_nearest,
    without_rounding,
)

EXACT_PAIR_ROWS = 5_000
"""Up to this number of points the farthest pair is searched among all pairs, in O(N²d)."""


def farthest_first(points: Points, covered: Points, size: int, rng: np.random.Generator) -> RowNumbers:
    """Select points greedily, each the farthest from all covered and selected ones: argmax_u min_l d(u, l).

    The largest distance of a point to the covered and selected ones is at most twice the smallest possible. Takes
    O(N·size·d) time and O(N) memory.

    Parameters
    ----------
    points : points that may be selected.
    covered : points that are covered already; if there are none, the first point is selected at random.

    Notes
    -----
    T. F. Gonzalez, *Clustering to minimize the maximum intercluster distance*, Theoretical Computer Science, 1985;
    O. Sener and S. Savarese, *Active Learning for Convolutional Neural Networks: A Core-Set Approach*, ICLR 2018.
    """
    nearest = squared_to_nearest(points, covered)
    return farthest_of(nearest, lambda pick: distances_to(points, pick), min(size, len(points)), rng)


def farthest_of(
    nearest: Array, distances_from: Callable[[int], Array], size: int, rng: np.random.Generator
) -> RowNumbers:
    """Select points greedily, each the farthest from the covered and selected ones.

    Parameters
    ----------
    nearest : squared distance of each point to the nearest covered one, ``(n_points,)``; −∞ for points that may not
        be selected.
    distances_from : returns the squared distances of all points to one of them, ``(n_points,)``.
    size : number of points to select, at most the number of those that may be selected.
    """
    nearest, picked = nearest.copy(), np.empty(size, dtype=np.intp)
    for turn in range(size):
        pick = random_argmax(nearest, rng)
        picked[turn] = pick
        np.minimum(nearest, distances_from(pick), out=nearest)
        nearest[pick] = -np.inf  # if only duplicates of selected points remain, all distances are 0
    return picked


def sample_by_squared_distance(
    distances_from: Callable[[int], Array],
    nearest: Array,
    size: int,
    rng: np.random.Generator,
    first: int | None = None,
) -> RowNumbers:
    """Draw points in turn with probability D² / Σ D², D the distance to the nearest covered or drawn point.

    If all remaining points coincide with drawn ones, the draw is uniform. Only one column of distances exists at a
    time.

    Parameters
    ----------
    distances_from : returns the squared distances of all points to one of them, ``(n_points,)``.
    nearest : squared distance of each point to the nearest covered one, ``(n_points,)``; all ∞ if none is covered.
    first : the first point; None to draw it.

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
    """Return the two points that are farthest apart, of at least two points.

    Exact up to ``EXACT_PAIR_ROWS`` points. Beyond, start at a random point and move to the farthest one while the
    distance grows; the distance found is at least half of the largest.
    """
    if len(points) <= EXACT_PAIR_ROWS:
        farthest = np.empty(len(points))
        for block in blocks(len(points), len(points)):
            rows = points.take(block)
            farthest[block] = squared_distances(rows, points).max(axis=1)
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
    """Draw a point with a probability in proportion to ``nearest``, which is 0 for drawn points."""
    largest = nearest.max()
    if not 0.0 < largest < np.inf:
        return int(rng.choice(np.flatnonzero(free)))
    cumulated = np.cumsum(nearest / largest)
    drawn = int(np.searchsorted(cumulated, rng.random() * cumulated[-1], side="right"))
    return drawn if drawn < len(nearest) and nearest[drawn] > 0 else int(np.flatnonzero(nearest)[-1])
