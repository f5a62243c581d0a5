"""Average-linkage clusters of a pool, from one hierarchy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from altune.numerics.geometry.distances import Points, blocks, squared_distances
from altune.numerics.geometry.neighbours import nearest_neighbours

MOST_ROWS = 5_000
"""The hierarchy is built of at most so many rows: it needs their distances in pairs, 100 MB for 5,000."""


def linked_clusters(points: Points, cluster_size: float) -> NDArray[np.intp]:
    """Return the cluster of each point, ``(n_points,)``, about ``cluster_size`` points in each on average.

    Agglomerative clustering by average linkage of Euclidean distances. Of more than 5,000 points a fixed
    random 5,000 are clustered, and each of the others joins the cluster of the nearest of them.

    Examples
    --------
    >>> from altune.numerics.geometry.distances import make_points
    >>> labels = linked_clusters(make_points(np.array([[0.0], [0.1], [5.0], [5.1]])), 2)
    >>> bool(labels[0] == labels[1] != labels[2] == labels[3])
    True
    """
    n = len(points)
    wanted = max(1, round(n / cluster_size))
    if n <= MOST_ROWS:
        return _linked(points, wanted)
    chosen = np.sort(np.random.default_rng(0).choice(n, MOST_ROWS, replace=False))
    sample = points.take(chosen)
    labels = _linked(sample, min(wanted, MOST_ROWS))
    return labels[nearest_neighbours(points, sample, 1).positions[:, 0]]


def _linked(points: Points, n_clusters: int) -> NDArray[np.intp]:
    if len(points) < 2:
        return np.zeros(len(points), dtype=np.intp)
    condensed = np.empty(len(points) * (len(points) - 1) // 2)
    filled = 0
    for block in blocks(len(points), len(points)):
        squared = squared_distances(Points(points.values[block], points.norms[block]), points)
        for row in range(block.start, block.stop):
            later = squared[row - block.start, row + 1 :]
            condensed[filled : filled + len(later)] = np.sqrt(later)
            filled += len(later)
    tree = linkage(condensed, method="average")
    return np.asarray(fcluster(tree, n_clusters, criterion="maxclust"), dtype=np.intp) - 1
