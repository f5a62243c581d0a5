"""Covering points with balls of one radius: the radius that separates clusters, the graph, and the greedy cover.

Source: O. Yehuda, A. Dekel, G. Hacohen, D. Weinshall, *Active Learning Through a Covering Lens* (ProbCover),
NeurIPS 2022. As in the authors' code, a ball is open: it holds the points that are nearer than its radius.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from altune.core.types import Array, RowNumbers
from altune.numerics.geometry.distances import Points, blocks, random_argmax, squared_distances

Graph = sparse.csr_array
"""Sparse 0/1 matrix: row i has a 1 in the columns of the points that the ball around point i holds."""


def squared_to_other_cluster(
    points: Points, labels: NDArray[np.intp], others: Points, other_labels: NDArray[np.intp]
) -> Array:
    """Return the squared distance of each point to the nearest of ``others`` in another cluster, ``(n_points,)``.

    It is ∞ if no point of ``others`` is in another cluster.
    """
    nearest = np.full(len(points), np.inf)
    for block in blocks(len(points), len(others)):
        squared = squared_distances(points.take(block), others)
        nearest[block] = nearest_of_other_cluster(squared, labels[block], other_labels)
    return nearest


def nearest_of_other_cluster(squared: Array, labels: NDArray[np.intp], other_labels: NDArray[np.intp]) -> Array:
    """Return the same as :func:`squared_to_other_cluster`, from all squared distances, ``(n_points, n_others)``."""
    nearest: Array = squared.min(axis=1, initial=np.inf, where=labels[:, None] != other_labels[None, :])
    return nearest


def pure_squared_radius(squared: Array, purity: float) -> float:
    """Return the largest squared radius at which a share ``purity`` of the balls holds points of one cluster only.

    A ball is pure up to the distance from its centre to the nearest point of another cluster. The radius is therefore
    a quantile of these distances, and no grid of radii has to be tried.

    Parameters
    ----------
    squared : squared distance of each point to the nearest point of another cluster, ``(n_points,)``.
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
    squared = (squared_distances(points.take(block), others) for block in blocks(len(points), len(others)))
    return ball_graph_of(squared, len(others), squared_radius)


def ball_graph_of(squared_blocks: Iterable[Array], n_others: int, squared_radius: float) -> Graph:
    """Return the same as :func:`ball_graph`, from blocks of squared distances of points to all others."""
    # The arrays of the CSR format are filled block by block, so that only one block of distances exists at a time and
    # memory grows with the number of edges. A relative 1e-9 keeps points on the border outside in spite of rounding.
    limit = squared_radius * (1.0 - 1e-9)
    counts, columns = [np.zeros(1, dtype=np.int64)], []
    for squared in squared_blocks:
        inside = squared < limit
        counts.append(inside.sum(axis=1))
        columns.append(np.nonzero(inside)[1].astype(np.int32))
    indices = np.concatenate(columns) if columns else np.empty(0, dtype=np.int32)
    pointers = np.cumsum(np.concatenate(counts))
    return sparse.csr_array(
        (np.ones(len(indices), dtype=np.int8), indices, pointers), shape=(len(pointers) - 1, n_others)
    )


def greedy_cover(
    graph: Graph,
    reached_by: Graph,
    uncovered: NDArray[np.bool_],
    allowed: RowNumbers,
    size: int,
    rng: np.random.Generator,
) -> RowNumbers:
    """Select points greedily, each the one whose ball covers the most uncovered points.

    Once all points are covered, the remaining ones are selected at random. Takes O(edges) in all.

    Parameters
    ----------
    graph : points that the ball around each point holds, ``(n_points, n_points)``.
    reached_by : its transpose.
    uncovered : whether each point still has to be covered, ``(n_points,)``.
    allowed : points that may be selected, sorted.
    """
    uncovered = uncovered.copy()
    degrees = np.full(graph.shape[0], -np.inf)
    degrees[allowed] = np.asarray(graph @ uncovered.astype(np.int64), dtype=np.float64)[allowed]
    picked = np.empty(min(size, len(allowed)), dtype=np.intp)
    for turn in range(len(picked)):
        pick = random_argmax(degrees, rng)
        picked[turn] = pick
        inside = columns_of(graph, [pick])
        fresh = inside[uncovered[inside]]
        uncovered[fresh] = False
        # Every point is covered once, and its edges are then subtracted once: hence O(edges) over all selections.
        degrees -= np.bincount(columns_of(reached_by, fresh), minlength=len(degrees))
        degrees[pick] = -np.inf
    return picked


def columns_of(graph: Graph, rows: Iterable[Any]) -> NDArray[np.int32]:
    """Return the columns of the 1s of some rows, concatenated in the order of the rows.

    >>> columns_of(sparse.csr_array(np.array([[0, 1], [1, 1]])), [1, 0]).tolist()
    [0, 1, 1]
    """
    # Indexing the matrix itself would take scipy longer than the whole selection of a point.
    parts = [graph.indices[graph.indptr[row] : graph.indptr[row + 1]] for row in rows]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int32)
