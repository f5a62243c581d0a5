"""Features of pool and test rows as numbers, all of it fitted on the pool rows' features alone."""

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
_TEXT_COLUMNS = 30  # columns that a text becomes
_FEW_VALUES = 40  # values up to which a column is one-hot encoded
_DATE_COLUMNS = 5
_ENCODER_SEED = 0  # of the text encoder's randomised decomposition; part of its definition, no study's draw


def encode(
    dataset: Dataset, pool_rows: ArrayLike, test_rows: ArrayLike, *, scaling: Scaling = "auto"
) -> tuple[Features, Features]:
    """Return the features of the pool rows and of the test rows as numbers.

    Categories, dates and text become columns of numbers, gaps the median (with a column that marks them), and
    the columns are scaled; each of these is fitted on the pool rows. Labels are never looked at.

    Parameters
    ----------
    dataset : the data.
    pool_rows, test_rows : row numbers, ``(n_pool,)`` and ``(n_test,)``.
    scaling : ``standard`` for mean 0 and variance 1 (sparse: variance 1, zeros stay), ``none``, or ``auto``:
        ``standard`` for dense features, division by the largest magnitude for sparse ones.

    Returns
    -------
    pool, test : C-ordered float64 arrays (CSR for sparse data), ``(n_pool, d)`` and ``(n_test, d)``.

    Raises
    ------
    RequestError
        For an unknown scaling.
    DataError
        If nothing in the pool rows can be learnt from, or the encoded table would not fit into memory.

    Examples
    --------
    >>> data = Dataset([[1.0], [3.0], [9.0]], ["a", "b", "a"])
    >>> encode(data, [0, 1], [2])[0].tolist()
    [[-1.0], [1.0]]
    """
    if scaling not in get_args(Scaling):
        raise RequestError(f"scaling {scaling!r} is unknown; {did_you_mean(scaling, get_args(Scaling))}")
    chosen = np.asarray(pool_rows, dtype=np.intp), np.asarray(test_rows, dtype=np.intp)
    if len(chosen[0]) == 0:
        raise DataError("there are no pool rows to fit the encoding on")
    if len(chosen[1]) == 0:
        pool, one = encode(dataset, chosen[0], chosen[0][:1], scaling=scaling)
        return pool, one[:0]
    if dataset.kind == "sparse":
        return _scaled_sparse(dataset.X[chosen[0]], dataset.X[chosen[1]], scaling)
    if dataset.kind == "table":
        pool, test = _table_as_numbers(dataset.X, *chosen)
    else:
        pool, test = dataset.X[chosen[0]], dataset.X[chosen[1]]
    pool, test = _without_gaps(pool, test)
    return (pool, test) if scaling == "none" else _standardised(pool, test)


def _table_as_numbers(
    table: pd.DataFrame, pool_rows: NDArray[np.intp], test_rows: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Join the numeric columns, as they are, with what skrub makes of the others."""
    from skrub import StringEncoder, TableVectorizer  # slow to import, and few data sets need it

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
        warnings.simplefilter("ignore")  # unknown categories and small vocabularies are expected here
        encoded = vectorizer.fit_transform(pool), vectorizer.transform(test)
    numbers = table[numeric].to_numpy(dtype=np.float64)
    return _joined(numbers[pool_rows], encoded[0]), _joined(numbers[test_rows], encoded[1])


def _taken(table: pd.DataFrame, columns: list[Any], rows: NDArray[np.intp]) -> pd.DataFrame:
    """Return some rows; a categorical column forgets the values that other rows have."""
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
    """Put the pool's median into gaps, and mark the gaps of each column that has some in the pool.

    A column without any value in the pool is left out: a constant there would meet real values in the test.
    """
    if not np.isnan(pool).any() and not np.isnan(test).any():
        return pool, test
    known = ~np.isnan(pool).all(axis=0)
    if not known.any():
        raise DataError("no column has a value in the pool rows; more rows or other columns are needed")
    from sklearn.impute import SimpleImputer  # slow to import, and few data sets have gaps

    imputer = SimpleImputer(strategy="median", add_indicator=True)
    filled = imputer.fit_transform(pool[:, known]), imputer.transform(test[:, known])
    return np.ascontiguousarray(filled[0]), np.ascontiguousarray(filled[1])


def _standardised(
    pool: NDArray[np.float64], test: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scaler = StandardScaler(copy=False)  # both arrays are copies of ours already
    scaled = scaler.fit_transform(pool)
    return scaled, scaler.transform(test)


def _scaled_sparse(pool: Any, test: Any, scaling: Scaling) -> tuple[Features, Features]:
    if scaling == "none":
        return sp.csr_array(pool), sp.csr_array(test)
    scaler = MaxAbsScaler(copy=False) if scaling == "auto" else StandardScaler(with_mean=False, copy=False)
    scaled = scaler.fit_transform(pool)
    return sp.csr_array(scaled), sp.csr_array(scaler.transform(test))
