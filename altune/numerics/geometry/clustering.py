"""k-means and k-medoids, and the points that represent clusters."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans

from altune.core.settings import no_warnings
from altune.core.types import Array, RowNumbers
from altune.numerics.geometry.distances import (
    Points,
    blocks,
    is_sparse,
    random_argmax,
    squared_distances,
    squared_norms,
)

MINIBATCH_ROWS = 5_000
"""Above this number of points k-means uses minibatches: full passes would cost more than they gain."""

LEAST_WEIGHT = 1e-6
"""Smallest weight of a point in k-means, relative to the largest one."""

MEDOID_ROWS = 2_000
"""Points of a cluster that compete to be its medoid, at most."""

MEDOID_PASSES = 20


class Clustering(NamedTuple):
    """Clusters of points: ``labels``, ``(n_points,)``, and ``centres``, ``(n_clusters, n_features)``."""

    labels: NDArray[np.intp]
    centres: Array


def kmeans(points: Points, n_clusters: int, rng: np.random.Generator, weights: Array | None = None) -> Clustering:
    """Cluster by k-means from one k-means++ start; above ``MINIBATCH_ROWS`` points by minibatches.

    Parameters
    ----------
    points : at least one.
    n_clusters : number of clusters, 1 or more; at most the number of points is used.
    rng : draws the seed.
    weights : weight of each point, ``(n_points,)``, 0 or more; equal weights if None or all 0.
    """
    if weights is not None:
        # With too few positive weights, k-means++ would have no point left to draw.
        weights = np.maximum(weights, LEAST_WEIGHT * weights.max()) if weights.max() > 0 else None
    n_clusters = min(n_clusters, len(points))
    seed = int(rng.integers(2**31 - 1))
    if len(points) > MINIBATCH_ROWS:
        model = MiniBatchKMeans(n_clusters, n_init=1, batch_size=4096, random_state=seed)
    else:
        model = KMeans(n_clusters, n_init=1, random_state=seed)
    return _fitted(model, points, weights)


def kmeans_from(points: Points, seeds: RowNumbers) -> Clustering:
    """Cluster by k-means with the given points as initial centres."""
    centres = points.values[seeds]
    start = centres.toarray() if is_sparse(centres) else centres
    return _fitted(KMeans(len(seeds), init=start, n_init=1), points, None)


def _fitted(model: Any, points: Points, weights: Array | None) -> Clustering:
    with no_warnings():
        # A pool with fewer distinct points than clusters is valid; a warning in every loop would be noise.
        model.fit(points.values, sample_weight=weights)
    return Clustering(model.labels_.astype(np.intp), np.asarray(model.cluster_centers_, dtype=np.float64))


def nearest_to_centres(points: Points, centres: Array, rng: np.random.Generator) -> RowNumbers:
    """Return the point nearest to each centre, or the next nearest if that one was returned for an earlier centre.

    Parameters
    ----------
    points : at least as many as there are centres.
    centres : ``(n_centres, n_features)``, dense.

    Returns
    -------
    positions within ``points``, ``(n_centres,)``, distinct.
    """
    norms = squared_norms(centres)
    picked = np.empty(len(centres), dtype=np.intp)
    taken = np.zeros(len(points), dtype=bool)
    for turn, centre in enumerate(centres):
        squared = points.norms + norms[turn] - 2.0 * (points.values @ centre)
        closeness = -np.maximum(squared, 0.0)
        closeness[taken] = -np.inf
        picked[turn] = random_argmax(closeness, rng)
        taken[picked[turn]] = True
    return picked


def central_points(points: Points, size: int, rng: np.random.Generator, weights: Array | None = None) -> RowNumbers:
    """Return ``size`` distinct points, each the nearest to one of ``size`` k-means centres; all if there are fewer.

    ``weights``, ``(n_points,)``, are the weights of the points in the clustering.
    """
    if size >= len(points):
        return rng.permutation(len(points))
    return nearest_to_centres(points, kmeans(points, size, rng, weights).centres, rng)


def medoids(points: Points, size: int, rng: np.random.Generator) -> RowNumbers:
    """Return ``size`` distinct points with a small sum of distances from every point to its nearest one.

    Starts from k-means, then alternates two steps until nothing changes: assign each point to its nearest medoid, and
    move each medoid to the member with the smallest sum of distances to its cluster.

    Notes
    -----
    L. Kaufman and P. J. Rousseeuw, *Finding Groups in Data*, 1990; the alternation is that of H.-S. Park and C.-H. Jun,
    *A simple and fast algorithm for K-medoids clustering*, Expert Systems with Applications, 2009. In a cluster of more
    than 2,000 points, a random 2,000 compete and are measured against each other.
    """
    current = central_points(points, size, rng)
    if size >= len(points):
        return current
    for _ in range(MEDOID_PASSES):
        nearest = _nearest_medoid(points, points.take(current))
        moved = current.copy()
        for cluster in range(len(current)):
            # If duplicates are medoids, the first one gets all points; the others are left where they are.
            members = np.flatnonzero(nearest == cluster)
            if len(members):
                moved[cluster] = _medoid(points, members, current[cluster], rng)
        if np.array_equal(moved, current):
            break
        current = moved
    return current


def _nearest_medoid(points: Points, centres: Points) -> NDArray[np.intp]:
    nearest = np.empty(len(points), dtype=np.intp)
    for block in blocks(len(points), len(centres)):
        rows = points.take(block)
        nearest[block] = squared_distances(rows, centres).argmin(axis=1)
    return nearest


def _medoid(points: Points, members: RowNumbers, current: int, rng: np.random.Generator) -> int:
    if len(members) > MEDOID_ROWS:
        members = np.union1d(rng.choice(members, MEDOID_ROWS, replace=False), [current])
    cluster = points.take(members)
    sums = np.sqrt(squared_distances(cluster, cluster)).sum(axis=1)
    position = np.flatnonzero(members == current)
    if len(position) and sums[position[0]] <= sums.min() * (1 + 1e-9):
        return current  # moving between tied members could alternate for ever
    return int(members[random_argmax(-sums, rng)])
