"""Encode the features of pool and test rows as numbers, fitted on the features of the pool rows alone."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from altune.core.errors import DataError, RequestError, did_you_mean
from altune.data.dataset import Dataset
from altune.data.memory import require_memory

if TYPE_CHECKING:
    import pandas as pd

Features = Any  # (n_rows, n_features) float array, or a scipy CSR matrix of the same shape

Scaling = Literal["auto", "standard", "none"]
_TEXT_COLUMNS = 30  # columns into which a text column is encoded
_FEW_VALUES = 40  # number of values up to which a column is one-hot encoded
_DATE_COLUMNS = 5  # columns into which a date is encoded
_ENCODER_SEED = 0  # of the text encoder's randomised decomposition; constant, so that encoding draws nothing


def encode(
    dataset: Dataset, pool_rows: ArrayLike, test_rows: ArrayLike, *, scaling: Scaling = "auto"
) -> tuple[Features, Features]:
    """Return the features of the pool rows and of the test rows as numbers.

    Categories, dates and text become columns of numbers. Missing values are replaced by the median, and a further
    column marks them. Then the columns are scaled. All of this is fitted on the pool rows, and labels are not used.

    Parameters
    ----------
    dataset : the data.
    pool_rows, test_rows : row numbers, ``(n_pool,)`` and ``(n_test,)``.
    scaling : ``standard`` for mean 0 and variance 1 (for sparse features variance 1 without centering), ``none``, or
        ``auto`` for ``standard`` scaling of dense features and division by the largest magnitude for sparse ones.

    Returns
    -------
    pool, test : C-ordered float64 arrays (CSR for sparse data), ``(n_pool, d)`` and ``(n_test, d)``.

    Raises
    ------
    RequestError
        For an unknown scaling.
    DataError
        If no column has a value in the pool rows, or the encoded table would not fit into memory.

    Examples
    --------
    >>> data = Dataset([[1.0], [3.0], [9.0]], ["a", "b", "a"])
    >>> encode(data, [0, 1], [2])[0].tolist()
    [[-1.0], [1.0]]
    """
    if scaling not in get_args(Scaling):
        raise RequestError(f"unknown scaling {scaling!r}; {did_you_mean(scaling, get_args(Scaling))}")
    in_pool, in_test = np.asarray(pool_rows, dtype=np.intp), np.asarray(test_rows, dtype=np.intp)
    if len(in_pool) == 0:
        raise DataError("there are no pool rows to fit the encoding on")
    if len(in_test) == 0:
        # The encoders need a row to transform.
        pool, test = encode(dataset, in_pool, in_pool[:1], scaling=scaling)
        return pool, test[:0]
    if dataset.kind == "sparse":
        return _scaled_sparse(dataset.X[in_pool], dataset.X[in_test], scaling)
    if dataset.kind == "table":
        pool, test = _table_as_numbers(dataset.X, in_pool, in_test)
    else:
        pool, test = dataset.X[in_pool], dataset.X[in_test]
    pool, test = _without_gaps(pool, test)
    return (pool, test) if scaling == "none" else _standardised(pool, test)


def _table_as_numbers(
    table: pd.DataFrame, pool_rows: NDArray[np.intp], test_rows: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the numeric columns as they are, followed by the other columns encoded by skrub."""
    from skrub import StringEncoder, TableVectorizer  # slow to import, and rarely needed

    numeric = [name for name, dtype in table.dtypes.items() if dtype == np.float64]
    others = [name for name in table.columns if name not in set(numeric)]
    pool, test = _taken(table, others, pool_rows), _taken(table, others, test_rows)
    width = len(numeric) + sum(_encoded_width(pool[name]) for name in others)
    require_memory(len(pool_rows) + len(test_rows), width, "the table as numbers")
    vectorizer = TableVectorizer(
        cardinality_threshold=_FEW_VALUES,
        high_cardinality=StringEncoder(n_components=_TEXT_COLUMNS, random_state=_ENCODER_SEED),
        n_jobs=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # unknown categories and small vocabularies are expected
        encoded = vectorizer.fit_transform(pool), vectorizer.transform(test)
    numbers = table[numeric].to_numpy(dtype=np.float64)
    return _joined(numbers[pool_rows], encoded[0]), _joined(numbers[test_rows], encoded[1])


def _taken(table: pd.DataFrame, columns: list[Any], rows: NDArray[np.intp]) -> pd.DataFrame:
    """Return some rows; categorical columns lose the categories that do not occur in them."""
    import pandas as pd

    part = table[columns].iloc[rows].reset_index(drop=True)
    for name in columns:
        if isinstance(part[name].dtype, pd.CategoricalDtype):
            part[name] = part[name].cat.remove_unused_categories()
    return part


def _encoded_width(column: pd.Series[Any]) -> int:
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return _DATE_COLUMNS
    values = column.nunique() + int(column.isna().any())
    return values if values <= _FEW_VALUES else _TEXT_COLUMNS


def _joined(numbers: NDArray[np.float64], encoded: pd.DataFrame) -> NDArray[np.float64]:
    return np.hstack([numbers, encoded.to_numpy(dtype=np.float64)])


def _without_gaps(
    pool: NDArray[np.float64], test: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Replace missing values by the median of the pool, with a column that marks them if the pool has any.

    A column without any value in the pool is left out: it would be constant there, with other values in the test rows.
    """
    if not np.isnan(pool).any() and not np.isnan(test).any():
        return pool, test
    known = ~np.isnan(pool).all(axis=0)
    if not known.any():
        raise DataError("no column has a value in the pool rows; give more rows or other columns")
    from sklearn.impute import SimpleImputer  # slow to import, and rarely needed

    imputer = SimpleImputer(strategy="median", add_indicator=True)
    filled = imputer.fit_transform(pool[:, known]), imputer.transform(test[:, known])
    return np.ascontiguousarray(filled[0]), np.ascontiguousarray(filled[1])


def _standardised(
    pool: NDArray[np.float64], test: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scaler = StandardScaler(copy=False)  # both arrays are copies already
    scaled = scaler.fit_transform(pool)
    return scaled, scaler.transform(test)


def _scaled_sparse(pool: Any, test: Any, scaling: Scaling) -> tuple[Features, Features]:
    if scaling == "none":
        return sp.csr_array(pool), sp.csr_array(test)
    scaler = MaxAbsScaler(copy=False) if scaling == "auto" else StandardScaler(with_mean=False, copy=False)
    scaled = scaler.fit_transform(pool)
    return sp.csr_array(scaled), sp.csr_array(scaler.transform(test))
