"""Facility location: rows that represent the others, by lazy greedy selection on a sparse graph of neighbours."""

from __future__ import annotations

import heapq

import numpy as np
from scipy import sparse

from altune.core.types import Array, RowNumbers
from altune.numerics.geometry.distances import Points
from altune.numerics.geometry.neighbours import nearest_neighbours

_TIE = 1e-12


def similarity_graph(points: Points, n_neighbours: int) -> sparse.csc_array:
    """Return s_ij = exp(−d²_ij / 2h²) for the nearest neighbours j of each i, s_ii = 1, and 0 elsewhere.

    h² is the mean squared distance of a point to its neighbours. Column j holds the similarity of j to each point that
    it can represent. The result is ``(n_points, n_points)`` with ``n_neighbours + 1`` entries per row.
    """
    n = len(points)
    diagonal = np.arange(n)
    if n == 1:
        return sparse.csc_array(np.ones((1, 1)))
    near = nearest_neighbours(points, points, n_neighbours, same=True)
    k = near.positions.shape[1]
    mean = float(near.squared.mean()) or 1.0
    values = np.concatenate([np.ones(n), np.exp(-near.squared.ravel() / (2.0 * mean))])
    rows = np.concatenate([diagonal, np.repeat(diagonal, k)])
    columns = np.concatenate([diagonal, near.positions.ravel()])
    return sparse.csc_array((values, (rows, columns)), shape=(n, n))


def locate_facilities(
    similarity: sparse.csc_array, allowed: RowNumbers, covered: RowNumbers, size: int, rng: np.random.Generator
) -> RowNumbers:
    """Select points greedily for the largest Σ_i max_{j selected} s_ij; it reaches at least 1 − 1/e of the maximum.

    Parameters
    ----------
    similarity : s_ij of 0 or more, ``(n_points, n_points)``, sparse.
    allowed : points that may be selected.
    covered : points that count as selected already.

    Notes
    -----
    G. Nemhauser, L. Wolsey, M. Fisher, Mathematical Programming, 1978; M. Minoux, *Accelerated Greedy Algorithms*,
    1978.
    """
    best = np.zeros(similarity.shape[0])
    for point in covered:
        _raise(similarity, int(point), best)
    # Lazy greedy: the objective is submodular, so the gain of a point can only shrink as others are selected, and a
    # gain computed earlier is an upper bound of the present one. Only the point at the top of the heap is computed
    # again; if its gain still reaches the bound of the next one, no other point can have a larger gain. The random
    # number in each entry decides between equal bounds.
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
    entries = slice(similarity.indptr[point], similarity.indptr[point + 1])
    rows: RowNumbers = similarity.indices[entries].astype(np.intp)
    values: Array = similarity.data[entries]
    return rows, values


def _gain(similarity: sparse.csc_array, point: int, best: Array) -> float:
    """Return by how much selecting a point raises the objective."""
    rows, values = _column(similarity, point)
    return float(np.maximum(values - best[rows], 0.0).sum())


def _raise(similarity: sparse.csc_array, point: int, best: Array) -> None:
    """Raise the largest similarity of each row to a selected point."""
    rows, values = _column(similarity, point)
    best[rows] = np.maximum(best[rows], values)
