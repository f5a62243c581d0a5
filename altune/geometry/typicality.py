"""Typicality: how dense it is around a point, and the typical points of many clusters.

Source: G. Hacohen, A. Dekel, D. Weinshall, *Active Learning on a Budget: Opposite Strategies Suit High
and Low Budgets*, ICML 2022, and the authors' code. Their code takes the mean of *squared* distances
where the paper writes distances; this module follows the paper.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from altune.geometry.clustering import kmeans
from altune.geometry.distances import Array, Points, blocks, random_argmax, squared_distances
from altune.pool import Rows

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
    n_neighbours : 1 or more; cut to the number of other points.

    Returns
    -------
    finite and positive, in the inverse of the unit of ``points.values``; 1e12 at most, reached by
    duplicates.

    Examples
    --------
    >>> from altune.geometry.distances import make_points
    >>> typicality(make_points(np.array([[0.0], [0.25], [0.75]])), 1).round(9).tolist()
    [4.0, 4.0, 2.0]
    """
    n_neighbours = min(n_neighbours, len(points) - 1)
    if n_neighbours < 1:
        return np.ones(len(points))
    mean = np.empty(len(points))
    for block in blocks(len(points), len(points)):
        squared = squared_distances(Points(points.values[block], points.norms[block]), points)
        squared[np.arange(len(squared)), np.arange(block.start, block.stop)] = np.inf
        nearest = np.partition(squared, n_neighbours - 1, axis=1)[:, :n_neighbours]
        mean[block] = np.sqrt(nearest).mean(axis=1)
    return 1.0 / np.maximum(mean, _LEAST_DISTANCE)


def typical_points(points: Points, n_labelled: int, size: int, rng: np.random.Generator) -> Rows:
    """Pick the most typical unlabelled point of one cluster after the other (TypiClust).

    1. k-means into min(n_labelled + size, 500) clusters of labelled and unlabelled points together.
    2. Leave clusters of at most 5 points for the end; order the others by labelled points (few first),
       then by size (large first), ties by chance.
    3. In that order, over and over: pick the unlabelled point of the cluster with the largest typicality
       among its unlabelled points, with min(20, half of them) neighbours, and take it out. A cluster with
       nothing left is skipped.

    Parameters
    ----------
    points : labelled ones first, then those that may be picked.
    n_labelled : how many are labelled, 0 or more.
    size : points wanted; all unlabelled ones where there are fewer.
    rng : seeds the clustering and breaks ties.

    Returns
    -------
    positions within ``points``, ``(min(size, n_unlabelled),)``, distinct, in the order of picking.

    Notes
    -----
    In a cluster of more than 10,000 unlabelled points, a random 10,000 compete, each other's neighbours.
    """
    size = min(size, len(points) - n_labelled)
    if size <= 0:
        return np.empty(0, dtype=np.intp)
    clusters = kmeans(points, min(n_labelled + size, MOST_CLUSTERS), rng).labels
    members = [n_labelled + found for found in _members(clusters[n_labelled:], int(clusters.max()) + 1)]
    picked: list[int] = []
    for cluster in _turns(clusters, n_labelled, members, rng):
        pick = _most_typical(points, members[cluster], rng)
        members[cluster] = members[cluster][members[cluster] != pick]
        picked.append(pick)
        if len(picked) == size:
            break
    return np.array(picked, dtype=np.intp)


def _members(labels: NDArray[np.intp], n_clusters: int) -> list[Rows]:
    order = np.argsort(labels, kind="stable")
    return list(np.split(order, np.searchsorted(labels[order], np.arange(1, n_clusters))))


def _turns(clusters: NDArray[np.intp], n_labelled: int, members: list[Rows], rng: np.random.Generator) -> Iterator[int]:
    """Yield clusters with something left to pick: the large ones round and round, then the small ones."""
    sizes = np.bincount(clusters, minlength=len(members))
    labelled = np.bincount(clusters[:n_labelled], minlength=len(members))
    order = np.lexsort((rng.random(len(members)), -sizes, labelled))
    for group in (order[sizes[order] > SMALL_CLUSTER], order[sizes[order] <= SMALL_CLUSTER]):
        while any(len(members[cluster]) for cluster in group):
            for cluster in group:
                if len(members[cluster]):
                    yield int(cluster)


def _most_typical(points: Points, members: Rows, rng: np.random.Generator) -> int:
    if len(members) > LARGE_CLUSTER:
        members = rng.choice(members, LARGE_CLUSTER, replace=False)
    neighbours = max(1, min(MOST_NEIGHBOURS, len(members) // 2))
    return int(members[random_argmax(typicality(points.take(members), neighbours), rng)])
