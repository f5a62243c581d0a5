"""Coverage of the rows of a pool by chosen rows, on a graph of nearest neighbours, and greedy batches that add to it.

An edge joins a row i to each of its nearest neighbours j, with the similarity s_ij = exp(−(d_ij/σ)²), where σ is the
median over the rows of the distance to the 10th neighbour. A chosen row covers itself with 1 and the rows along its
edges, in either direction, with s. The coverage c_j of a row is the largest of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from altune.core.types import Array, RowNumbers
from altune.numerics.geometry.distances import Points

MOST_SCORE = 6.0
"""Bound of z-scores, in standard deviations."""
_SCALE_NEIGHBOUR = 10
_FLAT = 1e-12
"""A deviation this small, relative to the mean, is a rounding error of the mean of equal numbers."""
KEPT_REACH = 2_048
"""Up to this number of rows a graph keeps what its rows reach, at most 40 MiB: most rows are picked again and again."""


@dataclass(frozen=True, eq=False)
class NeighbourGraph:
    """Edges from each row to its nearest neighbours.

    Attributes
    ----------
    neighbours : neighbours of each row, nearest first, ``(n_rows, k)``; k is less than asked for in a tiny pool.
    similarity : similarity s of each edge in [0, 1], ``(n_rows, k)``.
    sigma : distance σ at which the similarity is 1/e.
    sources : rows whose edges end at row j, at ``ends[j]:ends[j + 1]``, ``(n_rows · k,)``.
    similarity_in : their similarities, ``(n_rows · k,)``.
    ends : see ``sources``, ``(n_rows + 1,)``.
    """

    neighbours: RowNumbers
    similarity: Array
    sigma: float
    sources: RowNumbers
    similarity_in: Array
    ends: NDArray[np.intp]
    _reached: dict[int, Reach] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.neighbours)


class Reach(NamedTuple):
    """What a chosen row reaches: rows with their similarity, and the edges that end at these rows."""

    rows: RowNumbers
    similarity: Array
    sources: RowNumbers
    edge_similarity: Array
    ends_at: NDArray[np.intp]


def neighbour_graph(points: Points, k: int) -> NeighbourGraph:
    """Return the exact graph of the ``k`` nearest neighbours, in O(n²·d) with memory for a block of distances.

    Parameters
    ----------
    points : rows of the pool, dense or CSR.
    k : number of neighbours, 1 or more; all other rows if there are fewer.

    Examples
    --------
    >>> from altune.numerics.geometry.distances import make_points
    >>> neighbour_graph(make_points(np.array([[0.0], [1.0], [3.0]])), 1).neighbours.ravel().tolist()
    [1, 0, 1]
    """
    from sklearn.neighbors import NearestNeighbors  # slow to import

    n = len(points)
    k = min(k, n - 1)
    if k < 1:
        neighbours, distances = np.empty((n, 0), dtype=np.intp), np.empty((n, 0))
    else:
        # Equally near rows compete for the last edges. A fixed shuffle decides among them, not the order of the rows.
        order = np.random.default_rng(0).permutation(n)
        search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points.values[order])
        near, positions = search.kneighbors()
        neighbours, distances = np.empty((n, k), dtype=np.intp), np.empty((n, k))
        neighbours[order], distances[order] = order[positions], near
    sigma = _scale(distances)
    similarity = np.exp(-((distances / sigma) ** 2))
    flat = np.argsort(neighbours, axis=None, kind="stable")
    ends = np.searchsorted(neighbours.ravel()[flat], np.arange(n + 1))
    return NeighbourGraph(neighbours, similarity, sigma, flat // max(k, 1), similarity.ravel()[flat], ends)


def similarities_to(points: Points, others: Points, graph: NeighbourGraph) -> Array:
    """Return the largest similarity of each of ``points`` to rows outside of the graph, ``(len(points),)``.

    Parameters
    ----------
    points : rows of the graph.
    others : rows that are not part of it; each has as many edges as a row of the graph.
    graph : graph of ``points``, whose σ is used.
    """
    from altune.numerics.geometry.neighbours import nearest_neighbours

    reached = np.zeros(len(points))
    if len(others) and graph.neighbours.shape[1]:
        near = nearest_neighbours(others, points, graph.neighbours.shape[1])
        np.maximum.at(reached, near.positions, np.exp(-near.squared / graph.sigma**2))
    return reached


def _scale(distances: Array) -> float:
    """Return σ, positive even where most rows have many duplicates."""
    if not distances.shape[1]:
        return 1.0
    to_tenth = distances[:, min(_SCALE_NEIGHBOUR, distances.shape[1]) - 1]
    median = float(np.median(to_tenth))
    if median > 0:
        return median
    positive = distances[distances > 0]
    return float(np.median(positive)) if len(positive) else 1.0


def coverage_by(graph: NeighbourGraph, rows: RowNumbers) -> Array:
    """Return the coverage c of each row of a graph by ``rows``, in [0, 1], ``(n_rows,)``."""
    covered = np.zeros(len(graph))
    if not len(rows):
        return covered
    np.maximum.at(covered, graph.neighbours[rows], graph.similarity[rows])
    edges, _ = _edges_into(graph, rows)
    np.maximum.at(covered, graph.sources[edges], graph.similarity_in[edges])
    covered[rows] = 1.0
    return covered


def _edges_into(graph: NeighbourGraph, rows: RowNumbers) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return positions of the edges that end at each of ``rows`` in turn, and their number for each of them."""
    begins = graph.ends[rows]
    counts = graph.ends[rows + 1] - begins
    offsets = np.repeat(begins - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    return np.arange(len(offsets)) + offsets, counts


class CoverageGains:
    """How much each row would add to the coverage: w_i(1 − c_i) + Σ_j w_j·max(0, s_ij − c_j) over its neighbours j.

    Parameters
    ----------
    graph : graph of nearest neighbours.
    weights : weight w of covering each row, 0 or more, ``(n_rows,)``.
    covered : coverage c so far, in [0, 1], ``(n_rows,)``.

    Attributes
    ----------
    values : the gains, ``(n_rows,)``, kept up to date by :meth:`add`.
    """

    def __init__(self, graph: NeighbourGraph, weights: Array, covered: Array) -> None:
        self._weights = weights
        self._covered = covered.copy()
        open_share = graph.similarity
        if covered.any():
            open_share = open_share - covered[graph.neighbours]
            np.maximum(open_share, 0.0, out=open_share)
        by_neighbour = np.einsum("ij,ij->i", weights[graph.neighbours], open_share)
        self.values: Array = weights * (1.0 - covered) + by_neighbour

    def add(self, reach: Reach) -> None:
        """Cover what a chosen row reaches."""
        before = self._covered[reach.rows]
        after = np.maximum(before, reach.similarity)
        weights = self._weights[reach.rows]
        self._covered[reach.rows] = after
        self.values[reach.rows] -= weights * (after - before)
        edges, to = reach.edge_similarity, reach.ends_at
        lost = np.maximum(0.0, edges - before[to]) - np.maximum(0.0, edges - after[to])
        np.subtract.at(self.values, reach.sources, weights[to] * lost)


def reach_of(graph: NeighbourGraph, row: int) -> Reach:
    """Return what a row reaches along its edges in either direction; a small graph keeps it."""
    reach = graph._reached.get(row)
    if reach is None:
        reach = _find_reach(graph, row)
        if len(graph) <= KEPT_REACH:
            graph._reached[row] = reach
    return reach


def _find_reach(graph: NeighbourGraph, row: int) -> Reach:
    begin, end = graph.ends[row], graph.ends[row + 1]
    rows = np.concatenate([[row], graph.neighbours[row], graph.sources[begin:end]])
    similarity = np.concatenate([[1.0], graph.similarity[row], graph.similarity_in[begin:end]])
    rows, first = np.unique(rows, return_index=True)
    edges, counts = _edges_into(graph, rows)
    ends_at = np.repeat(np.arange(len(rows)), counts)
    return Reach(rows, similarity[first], graph.sources[edges], graph.similarity_in[edges], ends_at)


class CoverageTerm(NamedTuple):
    """A weighted term of a greedy score that changes with each row that is picked."""

    weight: float
    gains: CoverageGains


def z_scores(values: Array) -> Array:
    """Return (values − mean)/(standard deviation), within ±6; zeros where the deviation is 0.

    Parameters
    ----------
    values : any finite numbers, ``(n,)``.

    Examples
    --------
    >>> z_scores(np.array([1.0, 3.0])).tolist()
    [-1.0, 1.0]
    """
    _, spread, apart = _moments(values)
    if not spread:
        return np.zeros(len(values))
    apart /= spread
    np.maximum(apart, -MOST_SCORE, out=apart)
    return np.minimum(apart, MOST_SCORE, out=apart)


def greedy_batch(
    graph: NeighbourGraph,
    fixed: Array,
    terms: Sequence[CoverageTerm],
    candidates: RowNumbers,
    size: int,
    rng: np.random.Generator,
) -> RowNumbers:
    """Pick rows one by one, each the best by a fixed score plus the weighted z-scores of its coverage gains.

    The z-scores use the mean and the standard deviation over the candidates at the start of the batch.

    Parameters
    ----------
    graph : graph of nearest neighbours.
    fixed : part of the score that no pick changes, ``(n_candidates,)``.
    terms : parts that picks change; their gains are updated after each pick but the last.
    candidates : rows that may be picked, ``(n_candidates,)``.
    size : number of rows, at most ``n_candidates``.
    rng : breaks ties.

    Returns
    -------
    ndarray of shape (size,)
        Positions among the candidates, in the order of picking.
    """
    moments = [_moments(term.gains.values[candidates]) for term in terms]
    active = [(term, *found[:2]) for term, found in zip(terms, moments, strict=True) if term.weight and found[1]]
    open_score = fixed.copy()
    score, values = np.empty_like(fixed), np.empty_like(fixed)
    picked: list[int] = []
    for _ in range(size):
        np.copyto(score, open_score)
        for term, centre, spread in active:
            np.take(term.gains.values, candidates, out=values, mode="clip")  # any other mode copies first
            _add_z_scores(score, values, centre, spread, term.weight)
        best = np.flatnonzero(score == score.max())
        position = int(best[0] if len(best) == 1 else rng.choice(best))
        picked.append(position)
        open_score[position] = -np.inf
        if active and len(picked) < size:
            reach = reach_of(graph, int(candidates[position]))
            for term, _, _ in active:
                term.gains.add(reach)
    return np.array(picked, dtype=np.intp)


def _moments(values: Array) -> tuple[float, float, Array]:
    """Return mean, standard deviation (0 where it is only rounding) and differences to the mean."""
    n = max(1, len(values))
    centre = float(np.add.reduce(values)) / n
    apart = values - centre
    spread = sqrt(float(np.add.reduce(apart * apart)) / n)
    return centre, spread if spread > _FLAT * max(1.0, abs(centre)) else 0.0, apart


def _add_z_scores(score: Array, values: Array, centre: float, spread: float, weight: float) -> None:
    """Add weighted z-scores as those of :func:`z_scores` to ``score`` without new arrays; they overwrite ``values``."""
    values -= centre
    values *= weight / spread
    most = MOST_SCORE * abs(weight)
    np.maximum(values, -most, out=values)
    np.minimum(values, most, out=values)
    score += values
