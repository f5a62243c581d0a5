"""Clusters of a pool by average linkage, cut from one hierarchy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from altune.numerics.geometry.distances import Points, blocks, squared_distances
from altune.numerics.geometry.neighbours import nearest_neighbours

MOST_ROWS = 5_000
"""Points in the hierarchy, at most: it needs the distances of all pairs, 100 MB for 5,000 points."""


def linked_clusters(points: Points, cluster_size: float) -> NDArray[np.intp]:
    """Return the cluster of each point, ``(n_points,)``, with ``cluster_size`` points per cluster on average.

    The clusters are agglomerative, by average linkage of Euclidean distances. Of more than 5,000 points, a fixed random
    5,000 are clustered, and each other point joins the cluster of the nearest of them.

    Examples
    --------
    >>> from altune.numerics.geometry.distances import make_points
    >>> labels = linked_clusters(make_points(np.array([[0.0], [0.1], [5.0], [5.1]])), 2)
    >>> bool(labels[0] == labels[1] != labels[2] == labels[3])
    True
    """
    n = len(points)
    n_clusters = max(1, round(n / cluster_size))
    if n <= MOST_ROWS:
        return _linked(points, n_clusters)
    # The seed is fixed so that the clusters depend on the features alone, and all trajectories can share them.
    chosen = np.sort(np.random.default_rng(0).choice(n, MOST_ROWS, replace=False))
    sample = points.take(chosen)
    labels = _linked(sample, min(n_clusters, MOST_ROWS))
    return labels[nearest_neighbours(points, sample, 1).positions[:, 0]]


def _linked(points: Points, n_clusters: int) -> NDArray[np.intp]:
    if len(points) < 2:
        return np.zeros(len(points), dtype=np.intp)
    # scipy's condensed form holds the upper triangle only, row by row. It is filled from blocks, so that the square
    # matrix, twice as large, never exists.
    condensed = np.empty(len(points) * (len(points) - 1) // 2)
    filled = 0
    for block in blocks(len(points), len(points)):
        squared = squared_distances(points.take(block), points)
        for row in range(block.start, block.stop):
            later = squared[row - block.start, row + 1 :]
            condensed[filled : filled + len(later)] = np.sqrt(later)
            filled += len(later)
    tree = linkage(condensed, method="average")
    return np.asarray(fcluster(tree, n_clusters, criterion="maxclust"), dtype=np.intp) - 1
