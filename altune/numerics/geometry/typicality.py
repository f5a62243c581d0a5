"""Typicality, the density around a point, and the most typical points of many clusters.

Source: G. Hacohen, A. Dekel, D. Weinshall, *Active Learning on a Budget: Opposite Strategies Suit High and Low
Budgets*, ICML 2022, and the authors' code. Their code takes the mean of *squared* distances where the paper writes
distances; this module follows the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from altune.core.types import Array, RowNumbers
from altune.numerics.geometry.distances import Points, blocks, random_argmax, squared_distances

MOST_CLUSTERS = 500
SMALL_CLUSTER = 5
MOST_NEIGHBOURS = 20
LARGE_CLUSTER = 10_000
_LEAST_DISTANCE = 1e-12


def typicality(points: Points, n_neighbours: int) -> Array:
    """Return 1 / (mean distance to the ``n_neighbours`` nearest other points), ``(n_points,)``.

    Parameters
    ----------
    points : at least one; a single point has typicality 1.
    n_neighbours : 1 or more; all other points if there are fewer.

    Returns
    -------
    finite and positive, in the inverse of the unit of ``points.values``; at most 1e12, the typicality of duplicates.

    Examples
    --------
    >>> from altune.numerics.geometry.distances import make_points
    >>> typicality(make_points(np.array([[0.0], [0.25], [0.75]])), 1).round(9).tolist()
    [4.0, 4.0, 2.0]
    """
    n_neighbours = min(n_neighbours, len(points) - 1)
    if n_neighbours < 1:
        return np.ones(len(points))
    mean = np.empty(len(points))
    for block in blocks(len(points), len(points)):
        squared = squared_distances(points.take(block), points)
        squared[np.arange(len(squared)), np.arange(block.start, block.stop)] = np.inf
        mean[block] = _mean_distance(squared, n_neighbours)
    return 1.0 / np.maximum(mean, _LEAST_DISTANCE)


def typicality_of_pairs(squared: Array, n_neighbours: int) -> Array:
    """Return the same as :func:`typicality`, from the squared distances of all pairs, ``(n_points, n_points)``."""
    n_neighbours = min(n_neighbours, len(squared) - 1)
    if n_neighbours < 1:
        return np.ones(len(squared))
    squared = squared.copy()
    np.fill_diagonal(squared, np.inf)
    return 1.0 / np.maximum(_mean_distance(squared, n_neighbours), _LEAST_DISTANCE)


def _mean_distance(squared: Array, n_nearest: int) -> Array:
    nearest = np.partition(squared, n_nearest - 1, axis=1)[:, :n_nearest]
    mean: Array = np.sqrt(nearest).mean(axis=1)
    return mean


def typical_rows(
    clusters: NDArray[np.intp],
    labelled: RowNumbers,
    candidates: RowNumbers,
    size: int,
    rng: np.random.Generator,
    typicality_within: Callable[[RowNumbers, int], Array],
) -> RowNumbers:
    """Select the most typical candidate of one cluster after the other (TypiClust).

    1. Order the clusters by the number of labelled rows, fewest first, then by size, largest first; ties are broken at
       random. Clusters of at most 5 rows come after all others.
    2. Go through the clusters in this order, repeatedly. Select the candidate of the cluster with the largest
       typicality among its candidates, with min(20, half of them) neighbours. Skip clusters without candidates.

    Parameters
    ----------
    clusters : cluster of each row of the pool, ``(n_rows,)``. Their number should be that of the labelled rows and the
        rows to select, at most 500.
    labelled, candidates : labelled rows, and rows that may be selected.
    size : number of rows to select; all candidates if there are fewer.
    typicality_within : returns the typicality of rows among each other with a number of neighbours, ``(n_given,)``.

    Returns
    -------
    candidates, ``(min(size, n_candidates),)``, distinct, in the order of selection.

    Notes
    -----
    In a cluster of more than 10,000 candidates, a random 10,000 compete and are measured against each other.
    """
    size = min(size, len(candidates))
    if size <= 0:
        return np.empty(0, dtype=np.intp)
    n_clusters = int(clusters.max()) + 1
    n_labelled = np.bincount(clusters[labelled], minlength=n_clusters)
    members = _members(candidates, clusters[candidates], n_clusters)
    picked: list[int] = []
    for cluster in _turns(n_labelled, members, rng):
        pick = _most_typical(members[cluster], rng, typicality_within)
        members[cluster] = members[cluster][members[cluster] != pick]
        picked.append(pick)
        if len(picked) == size:
            break
    return np.array(picked, dtype=np.intp)


def _members(rows: RowNumbers, labels: NDArray[np.intp], n_clusters: int) -> list[RowNumbers]:
    order = np.argsort(labels, kind="stable")
    return list(np.split(rows[order], np.searchsorted(labels[order], np.arange(1, n_clusters))))


def _turns(n_labelled: NDArray[np.intp], members: list[RowNumbers], rng: np.random.Generator) -> Iterator[int]:
    """Yield clusters that have candidates: the large ones repeatedly until they are empty, then the small ones."""
    sizes = n_labelled + np.array([len(rows) for rows in members])
    order = np.lexsort((rng.random(len(members)), -sizes, n_labelled))
    for group in (order[sizes[order] > SMALL_CLUSTER], order[sizes[order] <= SMALL_CLUSTER]):
        while any(len(members[cluster]) for cluster in group):
            for cluster in group:
                if len(members[cluster]):
                    yield int(cluster)


def _most_typical(
    members: RowNumbers, rng: np.random.Generator, typicality_within: Callable[[RowNumbers, int], Array]
) -> int:
    if len(members) > LARGE_CLUSTER:
        members = rng.choice(members, LARGE_CLUSTER, replace=False)
    neighbours = max(1, min(MOST_NEIGHBOURS, len(members) // 2))
    return int(members[random_argmax(typicality_within(members, neighbours), rng)])
