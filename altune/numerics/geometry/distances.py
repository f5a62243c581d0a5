"""Squared Euclidean distances between rows of features, dense or CSR, in blocks and for any finite values.

Distances are |a|² + |b|² − 2a·b. Features are first scaled by a power of two, so that 1e150 does not overflow and
1e-200 does not vanish. Dense features are also centred, because a common offset would cancel the significant digits.
Neither changes the order of distances.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from altune.core.types import Array, Features, RowNumbers

BLOCK_CELLS = 2**22
"""Cells of the largest pairwise block, 32 MiB of float64."""

_ROUNDING = 16 * float(np.finfo(np.float64).eps)
_TIE = 1e-9


@dataclass(frozen=True)
class Points:
    """Rows of features prepared for distances.

    Attributes
    ----------
    values : scaled features, ``(n_rows, n_features)``, dense float64 or CSR.
    norms : squared length of each row, ``(n_rows,)``.
    """

    values: Features
    norms: Array

    def __len__(self) -> int:
        return len(self.norms)

    def take(self, rows: RowNumbers | slice) -> Points:
        """Return the points of ``rows``, in that order."""
        return Points(self.values[rows], self.norms[rows])


def make_points(X: Features, *, centre: bool = True) -> Points:
    """Scale features by a power of two to a largest entry in [0.5, 1), and centre dense ones.

    Parameters
    ----------
    X : features, ``(n_rows, n_features)``, dense or CSR, finite.
    centre : whether to subtract the mean of each column of dense features; distances do not change, angles do.

    Examples
    --------
    >>> make_points(np.array([[2.0], [4.0]])).values.tolist()
    [[-0.125], [0.125]]
    """
    values = scale_to_unit(X)
    if is_sparse(values):
        return Points(values, squared_norms(values))
    if centre:
        values = values - values.mean(axis=0)
    return Points(values, squared_norms(values))


def is_sparse(X: Features) -> bool:
    """Return whether features are a scipy sparse matrix or array."""
    return bool(sparse.issparse(X))


def scale_to_unit(X: Features) -> Features:
    """Return a copy of ``X`` divided by the power of two that brings its largest entry into [0.5, 1)."""
    if is_sparse(X):
        scaled: Features = sparse.csr_array(X, dtype=np.float64, copy=True)
        scaled.data = _scale_array(scaled.data)
        return scaled
    return _scale_array(np.asarray(X, dtype=np.float64))


def squared_norms(values: Features) -> Array:
    """Return the squared length of each row, ``(n_rows,)``."""
    if is_sparse(values):
        return np.asarray(values.multiply(values).sum(axis=1), dtype=np.float64).ravel()
    norms: Array = np.einsum("ij,ij->i", values, values)
    return norms


def inner_products(a: Features, b: Features) -> Array:
    """Return the inner products of all rows of ``a`` with all rows of ``b``, ``(len(a), len(b))``, dense."""
    if not is_sparse(a):
        products: Array = a @ b.T
        return products
    if b.shape[0] == 1:  # for a single row a sparse-by-dense product is many times faster than a sparse one
        return np.asarray(a @ b.toarray().T, dtype=np.float64)
    return np.asarray((a @ b.T).toarray(), dtype=np.float64)


def squared_distances(a: Points, b: Points) -> Array:
    """Return all squared distances, ``(len(a), len(b))``; differences below rounding are 0.

    >>> points = make_points(np.array([[0.0], [0.25], [0.75]]))
    >>> squared_distances(points, points)[0].round(12).tolist()
    [0.0, 0.0625, 0.5625]
    """
    lengths = a.norms[:, None] + b.norms[None, :]
    # In place: for millions of cells, allocating memory takes longer than the arithmetic.
    squared = inner_products(a.values, b.values)
    squared *= 2.0
    return without_rounding(np.subtract(lengths, squared, out=squared), lengths)


def without_rounding(squared: Array, lengths: Array) -> Array:
    """Set squared distances within the rounding error of ``lengths`` to 0; both arrays are overwritten."""
    lengths *= _ROUNDING
    squared[squared <= lengths] = 0.0
    return squared


def squared_to_nearest(points: Points, centres: Points) -> Array:
    """Return the squared distance of each point to the nearest centre, ``(n_points,)``; ∞ without centres."""
    nearest = np.full(len(points), np.inf)
    if len(centres) == 0:
        return nearest
    for block in blocks(len(points), len(centres)):
        nearest[block] = squared_distances(points.take(block), centres).min(axis=1)
    return nearest


def blocks(n_rows: int, width: int) -> Iterator[slice]:
    """Yield slices over ``n_rows`` such that a block of ``width`` columns has at most ``BLOCK_CELLS`` cells.

    >>> [block.stop for block in blocks(5, BLOCK_CELLS // 2)]
    [2, 4, 5]
    """
    step = max(1, BLOCK_CELLS // max(1, width))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def random_argmax(values: Array, rng: np.random.Generator) -> int:
    """Return the position of the largest value; values within a relative 1e-9 of it are tied, and one is drawn."""
    largest = float(values.max())
    least = largest - _TIE * abs(largest) if np.isfinite(largest) else largest
    ties = np.flatnonzero(values >= least)
    return int(ties[0] if len(ties) == 1 else ties[rng.integers(len(ties))])


def _scale_array(values: Array) -> Array:
    largest = float(np.abs(values).max(initial=0.0))
    exponent = int(np.frexp(largest)[1])
    return np.ldexp(values, -exponent)
