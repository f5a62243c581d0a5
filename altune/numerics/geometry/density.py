"""Density of a pool around each row: the mean similarity to all rows, and a kernel density."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from altune.core.types import Array, Features
from altune.numerics.geometry.distances import Points, blocks, is_sparse, squared_distances, squared_norms

LEAST_SIMILARITY = 1e-12


def mean_similarity(X: Features) -> Array:
    """Return the mean over all rows x′ of (1 + cos(x, x′)) / 2, clipped into [1e-12, 1], ``(n_rows,)``.

    The mean cosine with all rows is one inner product with the sum of the unit rows, so this takes O(N·d). The cosine
    is mapped to [0, 1] because on features centred at 0 the mean cosine of about half the rows is negative, and a power
    of it would not order them. A row of zeros has cosine 0 with every row.

    Parameters
    ----------
    X : features, ``(n_rows, n_features)``, dense or CSR, finite.

    Examples
    --------
    >>> mean_similarity(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]])).round(3).tolist()
    [0.833, 0.833, 0.667]

    Notes
    -----
    B. Settles and M. Craven, *An Analysis of Active Learning Strategies for Sequence Labeling Tasks*, EMNLP 2008.
    """
    units = unit_rows(X)
    total = np.asarray(units.sum(axis=0), dtype=np.float64).ravel()
    cosines = np.asarray(units @ total, dtype=np.float64).ravel() / units.shape[0]
    similarity: Array = np.clip((1.0 + cosines) / 2.0, LEAST_SIMILARITY, 1.0)
    return similarity


def log_kernel_density(points: Points, others: Points) -> Array:
    """Return ln mean_j exp(−d²_ij / 2h²) of each point over ``others``, ``(n_points,)``, 0 or below.

    h² is :func:`squared_bandwidth` of ``others``, so that the bandwidth follows the scale and the number of the
    features. Takes O(n·m·d) time and the memory of one block.

    Notes
    -----
    The nearest-neighbour bandwidth: D. Loftsgaarden and C. Quesenberry, Annals of Mathematical Statistics, 1965.
    """
    width = 2.0 * squared_bandwidth(others)
    logs = np.empty(len(points))
    for block in blocks(len(points), len(others)):
        squared = squared_distances(points.take(block), others)
        least = squared.min(axis=1)
        logs[block] = np.log(np.exp((least[:, None] - squared) / width).mean(axis=1)) - least / width
    return logs


def squared_bandwidth(points: Points) -> float:
    """Return the median squared distance to the √m-th nearest of m points; 1 if all points coincide."""
    nth = min(len(points) - 1, max(1, round(np.sqrt(len(points)))))
    reached = np.empty(len(points))
    for block in blocks(len(points), len(points)):
        squared = squared_distances(points.take(block), points)
        reached[block] = np.partition(squared, nth, axis=1)[:, nth]  # position 0 is the point itself
    for value in (np.median(reached), reached.max(initial=0.0)):
        if value > 0:
            return float(value)
    return 1.0


def unit_rows(X: Features) -> Features:
    """Return the rows scaled to length 1, dense or CSR as ``X``; rows of zeros stay zeros."""
    if is_sparse(X):
        values: Features = sparse.csr_array(X, dtype=np.float64, copy=True)
        largest = abs(values).max(axis=1).toarray().ravel()
    else:
        values = np.asarray(X, dtype=np.float64)
        largest = np.abs(values).max(axis=1, initial=0.0)
    # Dividing by the largest entry first keeps the squares of huge and tiny entries from becoming ∞ and 0.
    values = _divide_rows(values, largest)
    return _divide_rows(values, np.sqrt(squared_norms(values)))


def _divide_rows(values: Features, divisors: Array) -> Features:
    divisors = np.where(divisors > 0, divisors, 1.0)
    if not is_sparse(values):
        return values / divisors[:, None]
    divided = values.copy()
    divided.data = divided.data / np.repeat(divisors, np.diff(divided.indptr))
    return divided
