"""k-means and k-medoids over points, and the rows that stand for their clusters."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from altune.core.types import RowNumbers
from altune.numerics.geometry.distances import (
    Array,
    Points,
    blocks,
    is_sparse,
    random_argmax,
    squared_distances,
    squared_norms,
)

MINIBATCH_ROWS = 5_000
"""Above so many rows k-means takes minibatches: a full pass at each step would cost more than it gives."""

LEAST_WEIGHT = 1e-6
MEDOID_ROWS = 2_000
MEDOID_PASSES = 20


class Clustering(NamedTuple):
    """Clusters of points: ``labels``, ``(n_points,)``, and ``centres``, ``(n_clusters, n_features)``."""

    labels: NDArray[np.intp]
    centres: Array


def kmeans(points: Points, n_clusters: int, rng: np.random.Generator, weights: Array | None = None) -> Clustering:
    """Cluster by k-means from one k-means++ start; minibatches above ``MINIBATCH_ROWS`` points.

    Parameters
    ----------
    points : at least one.
    n_clusters : clusters wanted, 1 or more; cut to the number of points.
    rng : gives the seed.
    weights : what each point counts for, ``(n_points,)``, 0 or more; equal ones by default or where all are 0.
    """
    if weights is not None:
        # a weight of 0 would leave k-means++ without a point to draw where few have more
        weights = np.maximum(weights, LEAST_WEIGHT * weights.max()) if weights.max() > 0 else None
    n_clusters = min(n_clusters, len(points))
    seed = int(rng.integers(2**31 - 1))
    if len(points) > MINIBATCH_ROWS:
        model = MiniBatchKMeans(n_clusters, n_init=1, batch_size=4096, random_state=seed)
    else:
        model = KMeans(n_clusters, n_init=1, random_state=seed)
    return _fitted(model, points, weights)


def kmeans_from(points: Points, seeds: RowNumbers) -> Clustering:
    """Cluster by k-means with these points as the first centres."""
    centres = points.values[seeds]
    start = centres.toarray() if is_sparse(centres) else centres
    return _fitted(KMeans(len(seeds), init=start, n_init=1), points, None)


def _fitted(model: Any, points: Points, weights: Array | None) -> Clustering:
    with warnings.catch_warnings():
        # fewer distinct points than clusters is a valid pool, not something to tell in each loop
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(points.values, sample_weight=weights)
    return Clustering(model.labels_.astype(np.intp), np.asarray(model.cluster_centers_, dtype=np.float64))


def nearest_to_centres(points: Points, centres: Array, rng: np.random.Generator) -> RowNumbers:
    """Return the point nearest to each centre, or the next nearest where that one stands for another already.

    Parameters
    ----------
    points : at least as many as there are centres.
    centres : ``(n_centres, n_features)``, dense.
    rng : breaks ties.

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
    """Return ``size`` distinct points, each nearest to one of ``size`` k-means centres (all where fewer).

    ``weights``, ``(n_points,)``, are what each point counts for in the clustering.
    """
    if size >= len(points):
        return rng.permutation(len(points))
    return nearest_to_centres(points, kmeans(points, size, rng, weights).centres, rng)


def medoids(points: Points, size: int, rng: np.random.Generator) -> RowNumbers:
    """Return ``size`` distinct points with a small sum of distances from every point to its nearest one.

    Alternates between giving points to their nearest medoid and moving each medoid to the member with
    the smallest sum of distances to its cluster, from a k-means start, until nothing moves.

    Notes
    -----
    L. Kaufman and P. J. Rousseeuw, *Finding Groups in Data*, 1990; the alternation is that of H.-S.
    Park and C.-H. Jun, *A simple and fast algorithm for K-medoids clustering*, Expert Systems with
    Applications, 2009. In a cluster of more than 2,000 points, a random 2,000 compete and are measured
    against each other.
    """
    current = central_points(points, size, rng)
    if size >= len(points):
        return current
    for _ in range(MEDOID_PASSES):
        owner = _owners(points, points.take(current))
        moved = current.copy()
        for cluster in range(len(current)):
            # where duplicates are medoids too, all points go to the first, and the others stay where they are
            members = np.flatnonzero(owner == cluster)
            if len(members):
                moved[cluster] = _medoid(points, members, current[cluster], rng)
        if np.array_equal(moved, current):
            break
        current = moved
    return current


def _owners(points: Points, centres: Points) -> NDArray[np.intp]:
    owner = np.empty(len(points), dtype=np.intp)
    for block in blocks(len(points), len(centres)):
        part = Points(points.values[block], points.norms[block])
        owner[block] = squared_distances(part, centres).argmin(axis=1)
    return owner


def _medoid(points: Points, members: RowNumbers, current: int, rng: np.random.Generator) -> int:
    if len(members) > MEDOID_ROWS:
        members = np.union1d(rng.choice(members, MEDOID_ROWS, replace=False), [current])
    cluster = points.take(members)
    sums = np.sqrt(squared_distances(cluster, cluster)).sum(axis=1)
    here = np.flatnonzero(members == current)
    if len(here) and sums[here[0]] <= sums.min() * (1 + 1e-9):
        return current  # a tie is no reason to move: else the passes would not end
    return int(members[random_argmax(-sums, rng)])
