"""Covering by balls of one radius: the radius that keeps clusters apart, the graph, and the greedy cover.

Source: O. Yehuda, A. Dekel, G. Hacohen, D. Weinshall, *Active Learning Through a Covering Lens* (ProbCover),
NeurIPS 2022. As in the authors' code a ball is open: it holds the points nearer than its radius.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from altune.core.types import RowNumbers
from altune.numerics.geometry.distances import Array, Points, blocks, random_argmax, squared_distances

Graph = sparse.csr_array
"""Sparse 0/1 matrix: row i has a 1 in the columns that the ball around point i holds."""


def squared_to_other_cluster(
    points: Points, labels: NDArray[np.intp], others: Points, other_labels: NDArray[np.intp]
) -> Array:
    """Return the squared distance of each point to the nearest of ``others`` in another cluster; ∞ without any."""
    nearest = np.full(len(points), np.inf)
    for block in blocks(len(points), len(others)):
        squared = squared_distances(Points(points.values[block], points.norms[block]), others)
        nearest[block] = nearest_of_other_cluster(squared, labels[block], other_labels)
    return nearest


def nearest_of_other_cluster(squared: Array, labels: NDArray[np.intp], other_labels: NDArray[np.intp]) -> Array:
    """Return the same from all squared distances, ``(n_points, n_others)``."""
    nearest: Array = squared.min(axis=1, initial=np.inf, where=labels[:, None] != other_labels[None, :])
    return nearest


def pure_squared_radius(squared: Array, purity: float) -> float:
    """Return the largest squared radius at which a share ``purity`` of the balls holds one cluster only.

    A ball is pure up to the distance of its centre to the nearest point of another cluster, so the answer is
    a quantile of these distances: no grid of radii has to be tried.

    Parameters
    ----------
    squared : squared distance of each point to the nearest of another cluster, ``(n_points,)``.
    purity : α in (0, 1].

    Examples
    --------
    >>> pure_squared_radius(np.array([4.0, 1.0, 9.0, 16.0]), 0.75)
    4.0
    """
    impure = int(np.floor((1.0 - purity) * len(squared) + 1e-9))
    return float(np.partition(squared, impure)[impure]) if impure < len(squared) else np.inf


def ball_graph(points: Points, others: Points, squared_radius: float) -> Graph:
    """Return which of ``others`` the open ball around each point holds, ``(n_points, n_others)``."""
    parts = (
        squared_distances(Points(points.values[block], points.norms[block]), others)
        for block in blocks(len(points), len(others))
    )
    return ball_graph_of(parts, len(others), squared_radius)


def ball_graph_of(parts: Iterable[Array], n_others: int, squared_radius: float) -> Graph:
    """Return the same from squared distances to all others, some rows after the other."""
    limit = squared_radius * (1.0 - 1e-9)  # what lies on the radius, up to rounding, is outside
    counts, columns = [np.zeros(1, dtype=np.int64)], []
    for squared in parts:
        inside = squared < limit
        counts.append(inside.sum(axis=1))
        columns.append(np.nonzero(inside)[1].astype(np.int32))
    indices = np.concatenate(columns) if columns else np.empty(0, dtype=np.int32)
    pointers = np.cumsum(np.concatenate(counts))
    return sparse.csr_array(
        (np.ones(len(indices), dtype=np.int8), indices, pointers), shape=(len(pointers) - 1, n_others)
    )


def greedy_cover(
    graph: Graph, reached_by: Graph, open_: NDArray[np.bool_], allowed: RowNumbers, size: int, rng: np.random.Generator
) -> RowNumbers:
    """Pick points one by one, each the one whose ball covers the most points not covered yet.

    Where nothing is left to cover, the rest are picked at random. Time O(edges) in all.

    Parameters
    ----------
    graph : what the ball around each point covers, ``(n_points, n_points)``.
    reached_by : its transpose.
    open_ : what is still to be covered, ``(n_points,)``.
    allowed : points that may be picked, sorted.
    size : points wanted; all allowed ones where there are fewer.
    rng : breaks ties.

    Returns
    -------
    points, ``(min(size, n_allowed),)``, distinct, in the order of picking.
    """
    open_ = open_.copy()
    degrees = np.full(graph.shape[0], -np.inf)
    degrees[allowed] = np.asarray(graph @ open_.astype(np.int64), dtype=np.float64)[allowed]
    picked = np.empty(min(size, len(allowed)), dtype=np.intp)
    for turn in range(len(picked)):
        pick = random_argmax(degrees, rng)
        picked[turn] = pick
        inside = columns_of(graph, [pick])
        fresh = inside[open_[inside]]
        open_[fresh] = False
        degrees -= np.bincount(columns_of(reached_by, fresh), minlength=len(degrees))
        degrees[pick] = -np.inf
    return picked


def columns_of(graph: Graph, rows: Iterable[Any]) -> NDArray[np.int32]:
    """Return the columns of the 1s of some rows, one row after the other.

    >>> columns_of(sparse.csr_array(np.array([[0, 1], [1, 1]])), [1, 0]).tolist()
    [0, 1, 1]
    """
    # scipy takes longer to set up a matrix of the rows than a whole pick takes here
    parts = [graph.indices[graph.indptr[row] : graph.indptr[row + 1]] for row in rows]
    found: NDArray[np.int32] = np.concatenate(parts) if parts else np.empty(0, dtype=np.int32)
    return found
