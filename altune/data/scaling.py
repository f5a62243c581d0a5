"""Fill the gaps of features and scale them, fitted on the rows of the pool alone."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from altune.core.errors import DataError

Scaling = Literal["auto", "standard", "none"]


class Numbers(NamedTuple):
    """Dense features, with the position of the column that each was made of, ``(d,)``."""

    pool: NDArray[np.float64]
    test: NDArray[np.float64]
    origins: NDArray[np.intp]


def without_gaps(numbers: Numbers, *, others: bool = False) -> Numbers:
    """Replace missing values by the median of the pool, with a column that marks them if the pool has any.

    A column without any value in the pool is left out: it would be constant there, with other values in the test rows.
    That no column is left is an error unless there are ``others``.
    """
    pool, test, origins = numbers
    if not np.isnan(pool).any() and not np.isnan(test).any():
        return numbers
    known = ~np.isnan(pool).all(axis=0)
    if not known.any():
        if others:
            return Numbers(pool[:, :0], test[:, :0], origins[:0])
        raise DataError("no column has a value in the pool rows; give more rows or other columns")
    from sklearn.impute import SimpleImputer  # slow to import, and rarely needed

    imputer = SimpleImputer(strategy="median", add_indicator=True)
    filled = imputer.fit_transform(pool[:, known]), imputer.transform(test[:, known])
    marked = origins[known][imputer.indicator_.features_]
    return Numbers(
        np.ascontiguousarray(filled[0]), np.ascontiguousarray(filled[1]), np.concatenate([origins[known], marked])
    )


def scaled(numbers: Numbers, scaling: Scaling) -> tuple[NDArray[np.float64], NDArray[np.float64], str]:
    """Return dense features scaled, and how in words."""
    pool, test, _ = numbers
    if scaling == "none" or pool.shape[1] == 0:
        return pool, test, "not scaled"
    scaler = StandardScaler(copy=False)  # both arrays are copies already
    scaled_pool = scaler.fit_transform(pool)
    return scaled_pool, scaler.transform(test), "scaled to mean 0 and variance 1"


def scaled_sparse(pool: Any, test: Any, scaling: Scaling) -> tuple[Any, Any, str]:
    """Return sparse features scaled, and how in words."""
    if scaling == "none":
        return sp.csr_array(pool), sp.csr_array(test), "not scaled"
    by_largest = scaling == "auto"
    scaler = MaxAbsScaler(copy=False) if by_largest else StandardScaler(with_mean=False, copy=False)
    scaled_pool = sp.csr_array(scaler.fit_transform(pool))
    words = "divided by the largest magnitude" if by_largest else "scaled to variance 1"
    return scaled_pool, sp.csr_array(scaler.transform(test)), words


def varies(X: Any) -> NDArray[np.bool_]:
    """Return whether each column has different values, ``(d,)``."""
    if not isinstance(X, np.ndarray):
        high, low = X.max(axis=0).toarray().ravel(), X.min(axis=0).toarray().ravel()
        return np.asarray(high > low)
    return np.asarray((X[:1] != X).any(axis=0))
