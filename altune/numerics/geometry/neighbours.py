"""Exact nearest neighbours, with memory for one block of distances at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from altune.core.types import Array, RowNumbers
from altune.numerics.geometry.distances import Points, blocks, squared_distances


class Neighbours(NamedTuple):
    """Nearest neighbours: ``positions`` and ``squared`` distances, both ``(n_points, k)``, nearest first."""

    positions: RowNumbers
    squared: Array


def nearest_neighbours(points: Points, others: Points, k: int, *, same: bool = False) -> Neighbours:
    """Return the ``k`` points of ``others`` nearest to each of ``points``, in O(n·m·d).

    Parameters
    ----------
    points : points whose neighbours are searched.
    others : points to search; at least one, or two if ``same``.
    k : number of neighbours, 1 or more; all points if there are fewer.
    same : whether ``others`` are ``points`` themselves; a point is then not its own neighbour.

    Examples
    --------
    >>> from altune.numerics.geometry.distances import make_points
    >>> points = make_points(np.array([[0.0], [0.25], [0.75]]))
    >>> nearest_neighbours(points, points, 1, same=True).positions.ravel().tolist()
    [1, 0, 1]
    """
    k = min(k, len(others) - same)
    positions = np.empty((len(points), k), dtype=np.intp)
    squared = np.empty((len(points), k))
    for block in blocks(len(points), len(others)):
        distances = squared_distances(points.take(block), others)
        if same:
            distances[np.arange(len(distances)), np.arange(block.start, block.stop)] = np.inf
        nearest = np.argpartition(distances, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(distances, nearest, axis=1)
        order = np.argsort(near, axis=1, kind="stable")
        positions[block] = np.take_along_axis(nearest, order, axis=1)
        squared[block] = np.take_along_axis(near, order, axis=1)
    return Neighbours(positions, squared)
