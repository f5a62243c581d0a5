"""Convert features of any kind to a float64 array, a CSR array, or a DataFrame if not all columns are numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from altune.core.errors import DataError
from altune.data.memory import require_memory

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["dense", "sparse", "table"]
Names = tuple[str, ...] | None
_NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal", "boolean"}


def as_features(X: Any, feature_names: Iterable[str] | None = None) -> tuple[Any, Names, Kind]:
    """Return features in one of three forms, their column names, and the form.

    Parameters
    ----------
    X : 2-D array of numbers, scipy sparse matrix or DataFrame, ``(n_rows, n_features)``.
    feature_names : column names of an array or matrix; a DataFrame has its own.

    Returns
    -------
    features : read-only C-ordered float64 array with NaN for missing values, canonical float64 CSR array, or DataFrame
        whose numeric columns are float64.
    names : column names, None if there are none.
    kind : ``dense``, ``sparse`` or ``table``.

    Raises
    ------
    DataError
        For text in an array, infinite values, a column without values, duplicate names, or too large a table.
    """
    if is_frame(X):
        if feature_names is not None:
            raise DataError("a DataFrame has column names of its own; leave out feature_names")
        return _from_frame(X)
    if sp.issparse(X):
        features: Any = _from_sparse(X)
    else:
        features = _from_array(X)
    names = _checked_names(feature_names, features.shape[1])
    kind: Kind = "sparse" if sp.issparse(X) else "dense"
    if kind == "dense":
        _check_numbers(features, names)
        features.flags.writeable = False
    return features, names, kind


def is_frame(X: Any) -> TypeGuard[pd.DataFrame]:
    """Return whether something is a pandas DataFrame, without importing pandas, which is slow."""
    return "pandas" in sys.modules and isinstance(X, sys.modules["pandas"].DataFrame)


def _from_array(X: Any) -> NDArray[np.float64]:
    try:
        given = np.asarray(X)
    except ValueError:
        raise DataError("the rows of X have different lengths; give the same number of values in each row") from None
    if given.ndim != 2:
        right = "X.reshape(len(X), -1)" if given.ndim > 2 else "X.reshape(-1, 1) for a single feature"
        raise DataError(f"X has the shape {given.shape}; give (n_rows, n_features), such as {right}")
    if 0 in given.shape:
        raise DataError(f"X is empty, with the shape {given.shape}; give at least one row and one column")
    if given.dtype.kind not in "biuf":
        _refuse_text(given)
    return np.array(given, dtype=np.float64, order="C")


def _refuse_text(given: NDArray[Any]) -> None:
    """Refuse an array with values that are not numbers, and name the first one."""
    if given.dtype.kind != "O":
        raise DataError(
            f"X holds {given.dtype} values such as {given[0, 0].item()!r}; give numbers, or a DataFrame "
            "for text, categories and dates"
        )
    for (row, column), value in np.ndenumerate(given):
        if not isinstance(value, int | float | np.number | np.bool_) and value is not None:
            raise DataError(
                f"X has {value!r} in row {row}, column {column}; give numbers, or a DataFrame for text, categories "
                "and dates"
            )


def _from_sparse(X: Any) -> Any:
    if X.ndim != 2 or 0 in X.shape:
        raise DataError(f"X has the shape {X.shape}; give at least one row and one column")
    if X.dtype.kind not in "biuf":
        raise DataError(f"the sparse X holds {X.dtype} values; give real numbers")
    matrix = sp.csr_array(X, dtype=np.float64, copy=True)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    if max(matrix.nnz, *matrix.shape) < np.iinfo(np.int32).max:  # liblinear and libsvm need 32-bit indices
        matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    if not np.isfinite(matrix.data).all():
        first = int(np.argmax(~np.isfinite(matrix.data)))
        row = int(np.searchsorted(matrix.indptr, first, side="right")) - 1
        raise DataError(
            f"the sparse X has {matrix.data[first]} in row {row}, column {matrix.indices[first]}; give finite "
            "numbers (absent entries are zeros, not missing values)"
        )
    return matrix


def _from_frame(frame: pd.DataFrame) -> tuple[Any, Names, Kind]:
    import pandas as pd

    if 0 in frame.shape:
        raise DataError(f"the table is empty, with the shape {frame.shape}; give at least one row and one column")
    names = _checked_names(map(str, frame.columns), frame.shape[1])
    table = frame.reset_index(drop=True)
    table.columns = pd.Index(list(names or ()))
    if not all(_is_number(dtype) for dtype in table.dtypes):
        table = pd.DataFrame({name: _cleaned(table[name], str(name)) for name in table.columns})
    numeric = [name for name, dtype in table.dtypes.items() if _is_number(dtype)]
    require_memory(table.shape[0], len(numeric), "the numeric columns of the table")
    if len(numeric) == table.shape[1]:
        numbers = np.array(table.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64, order="C")
        _check_numbers(numbers, names)
        numbers.flags.writeable = False
        return numbers, names, "dense"
    for name in numeric:
        _check_numbers(table[name].to_numpy().reshape(-1, 1), (str(name),))
    return table, names, "table"


def _cleaned(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    """Return a column as float64, datetimes, categories or text."""
    import pandas as pd

    if column.isna().all():
        raise DataError(f"column {name!r} has no value in any row; leave it out")
    if _is_number(column.dtype):
        return pd.Series(column.to_numpy(dtype=np.float64, na_value=np.nan))
    if pd.api.types.is_complex_dtype(column.dtype):
        raise DataError(f"column {name!r} holds complex numbers; give real ones")
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        seconds: pd.Series[Any] = column.dt.total_seconds()
        return seconds
    if pd.api.types.is_object_dtype(column.dtype):
        return _cleaned_objects(column, name)
    if isinstance(column.dtype, pd.CategoricalDtype | pd.StringDtype | pd.DatetimeTZDtype):
        return column
    return column if pd.api.types.is_datetime64_dtype(column.dtype) else column.astype(str)


def _cleaned_objects(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    import pandas as pd

    odd = column.map(lambda value: not (pd.api.types.is_scalar(value) or value is None))
    if odd.any():
        row = int(np.argmax(odd.to_numpy()))
        kind = type(column.iloc[row]).__name__
        raise DataError(f"column {name!r} holds a {kind} in row {row}; give one value for each cell")
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    if inferred in _NUMBERS:
        return pd.Series([np.nan if pd.isna(value) else float(value) for value in column], dtype=np.float64)
    if inferred in {"date", "datetime", "datetime64"}:
        return pd.to_datetime(column)
    return column


def _is_number(dtype: Any) -> bool:
    import pandas as pd

    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype)


def _checked_names(names: Iterable[str] | None, n_columns: int) -> Names:
    if names is None:
        return None
    listed = tuple(str(name) for name in names)
    if len(listed) != n_columns:
        raise DataError(f"{len(listed)} feature names for {n_columns} columns; give one name for each column")
    if len(set(listed)) < n_columns:
        twice = next(name for position, name in enumerate(listed) if name in listed[:position])
        raise DataError(f"the column name {twice!r} occurs twice; give each column its own name")
    return listed


def _check_numbers(numbers: NDArray[np.float64], names: Names) -> None:
    """Refuse infinite values and columns without values."""
    finite = np.isfinite(numbers)
    if finite.all():
        return
    infinite = np.isinf(numbers)
    if infinite.any():
        row, column = (int(index) for index in np.argwhere(infinite)[0])
        raise DataError(
            f"{_shown(column, names)} has {numbers[row, column]} in row {row}; give finite numbers, or NaN for a "
            "missing value"
        )
    empty = np.flatnonzero(~finite.any(axis=0))
    if len(empty):
        raise DataError(f"{_shown(int(empty[0]), names)} has no value in any row; leave it out")


def _shown(column: int, names: Names) -> str:
    return f"column {column}" if names is None else f"column {names[column]!r}"
