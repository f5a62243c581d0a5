"""Information density: how alike a row is to the pool as a whole."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from altune.core.types import Features
from altune.numerics.geometry.distances import Array, Points, blocks, is_sparse, squared_distances, squared_norms

LEAST_SIMILARITY = 1e-12


def mean_similarity(X: Features) -> Array:
    """Return the mean over the pool of (1 + cos(x, x′)) / 2, clipped into [1e-12, 1], ``(n_rows,)``.

    The mean of the cosines with all rows is one inner product with the sum of the unit rows: O(N·d),
    never N×N. Half of 1 + cos rather than the bare cosine: on features scaled around 0 the mean cosine
    of about half the rows is negative, and no power of it would order them. A row of zeros has cosine 0
    with every row.

    Parameters
    ----------
    X : features, ``(n_rows, n_features)``, dense or CSR, finite.

    Examples
    --------
    >>> mean_similarity(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]])).round(3).tolist()
    [0.833, 0.833, 0.667]

    Notes
    -----
    B. Settles and M. Craven, *An Analysis of Active Learning Strategies for Sequence Labeling Tasks*,
    EMNLP 2008.
    """
    units = unit_rows(X)
    total = np.asarray(units.sum(axis=0), dtype=np.float64).ravel()
    cosines = np.asarray(units @ total, dtype=np.float64).ravel() / units.shape[0]
    similarity: Array = np.clip((1.0 + cosines) / 2.0, LEAST_SIMILARITY, 1.0)
    return similarity


def log_kernel_density(points: Points, others: Points) -> Array:
    """Return ln mean_j exp(−d²_ij / 2h²) of each point over ``others``, ``(n_points,)``, 0 or below.

    h² is the median over ``others`` of the squared distance to their √m-th nearest of the m, so that the
    bandwidth follows the data's own scale and number of features. Time O(n·m·d), memory for one block.

    Notes
    -----
    The nearest-neighbour bandwidth: D. Loftsgaarden and C. Quesenberry, Annals of Mathematical Statistics, 1965.
    """
    width = 2.0 * squared_bandwidth(others)
    logs = np.empty(len(points))
    for block in blocks(len(points), len(others)):
        squared = squared_distances(Points(points.values[block], points.norms[block]), others)
        least = squared.min(axis=1)
        logs[block] = np.log(np.exp((least[:, None] - squared) / width).mean(axis=1)) - least / width
    return logs


def squared_bandwidth(points: Points) -> float:
    """Return the median squared distance to the √m-th nearest of m points; 1 where they all coincide."""
    nth = min(len(points) - 1, max(1, round(np.sqrt(len(points)))))
    reached = np.empty(len(points))
    for block in blocks(len(points), len(points)):
        squared = squared_distances(Points(points.values[block], points.norms[block]), points)
        reached[block] = np.partition(squared, nth, axis=1)[:, nth]  # the point itself comes first
    for value in (np.median(reached), reached.max(initial=0.0)):
        if value > 0:
            return float(value)
    return 1.0


def unit_rows(X: Features) -> Features:
    """Return rows of length 1, dense or CSR as ``X``; rows of zeros stay zeros."""
    if is_sparse(X):
        values: Features = sparse.csr_array(X, dtype=np.float64, copy=True)
        largest = abs(values).max(axis=1).toarray().ravel()
    else:
        values = np.asarray(X, dtype=np.float64)
        largest = np.abs(values).max(axis=1, initial=0.0)
    # first by the largest entry: the square of a huge row would be ∞, that of a tiny one 0
    values = _divide_rows(values, largest)
    return _divide_rows(values, np.sqrt(squared_norms(values)))


def _divide_rows(values: Features, divisors: Array) -> Features:
    divisors = np.where(divisors > 0, divisors, 1.0)
    if not is_sparse(values):
        return values / divisors[:, None]
    divided = values.copy()
    divided.data = divided.data / np.repeat(divisors, np.diff(divided.indptr))
    return divided
