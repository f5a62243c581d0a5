"""Facility location: rows that stand for the others, by lazy greedy on a sparse graph of neighbours."""

from __future__ import annotations

import heapq

import numpy as np
from scipy import sparse

from altune.core.types import RowNumbers
from altune.numerics.geometry.distances import Array, Points
from altune.numerics.geometry.neighbours import nearest_neighbours

_TIE = 1e-12


def similarity_graph(points: Points, n_neighbours: int) -> sparse.csc_array:
    """Return s_ij = exp(−d²_ij / 2h²) for the nearest neighbours j of each i, and s_ii = 1; 0 elsewhere.

    h² is the mean squared distance of a point to its neighbours. Column j holds what picking j is worth to
    the others, ``(n_points, n_points)``, with ``n_neighbours + 1`` entries a row.
    """
    n = len(points)
    own = np.arange(n)
    if n == 1:
        return sparse.csc_array(np.ones((1, 1)))
    near = nearest_neighbours(points, points, n_neighbours, same=True)
    k = near.positions.shape[1]
    mean = float(near.squared.mean()) or 1.0
    values = np.concatenate([np.ones(n), np.exp(-near.squared.ravel() / (2.0 * mean))])
    rows = np.concatenate([own, np.repeat(own, k)])
    columns = np.concatenate([own, near.positions.ravel()])
    return sparse.csc_array((values, (rows, columns)), shape=(n, n))


def locate_facilities(
    similarity: sparse.csc_array, allowed: RowNumbers, covered: RowNumbers, size: int, rng: np.random.Generator
) -> RowNumbers:
    """Pick points one by one for the largest Σ_i max_{j picked} s_ij, the greedy 1 − 1/e approximation.

    Lazy: a point's gain only falls as others are picked, so it is computed again just when it leads.

    Parameters
    ----------
    similarity : s_ij of 0 or more, ``(n_points, n_points)``, sparse.
    allowed : points that may be picked.
    covered : points that count as picked already.
    size : points wanted; all allowed ones where there are fewer.
    rng : breaks ties.

    Returns
    -------
    positions within the points, ``(min(size, len(allowed)),)``, distinct, in the order of picking.

    Notes
    -----
    G. Nemhauser, L. Wolsey, M. Fisher, Mathematical Programming, 1978; M. Minoux, *Accelerated Greedy
    Algorithms*, 1978.
    """
    best = np.zeros(similarity.shape[0])
    for point in covered:
        _raise(similarity, int(point), best)
    chance = rng.random(len(allowed)).tolist()
    heap = [
        (-_gain(similarity, point, best), draw, point) for point, draw in zip(allowed.tolist(), chance, strict=True)
    ]
    heapq.heapify(heap)
    picked: list[int] = []
    while heap and len(picked) < size:
        _, draw, point = heapq.heappop(heap)
        gain = _gain(similarity, point, best)
        if heap and gain < -heap[0][0] - _TIE:
            heapq.heappush(heap, (-gain, draw, point))
            continue
        _raise(similarity, point, best)
        picked.append(point)
    return np.array(picked, dtype=np.intp)


def _column(similarity: sparse.csc_array, point: int) -> tuple[RowNumbers, Array]:
    part = slice(similarity.indptr[point], similarity.indptr[point + 1])
    rows: RowNumbers = similarity.indices[part].astype(np.intp)
    values: Array = similarity.data[part]
    return rows, values


def _gain(similarity: sparse.csc_array, point: int, best: Array) -> float:
    rows, values = _column(similarity, point)
    return float(np.maximum(values - best[rows], 0.0).sum())


def _raise(similarity: sparse.csc_array, point: int, best: Array) -> None:
    rows, values = _column(similarity, point)
    best[rows] = np.maximum(best[rows], values)
