"""Convert features of any kind to a float64 array, a CSR array, or a DataFrame if not all columns are numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from altune.core.errors import DataError
from altune.data.arrow import without_arrow
from altune.data.columns import cleaned, is_number
from altune.data.memory import require_memory

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["dense", "sparse", "table"]
Names = tuple[str, ...] | None
LARGEST = 1e150
"""Largest magnitude of a number; the variance of larger ones overflows."""


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
    X = without_arrow(X)
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
        given = _without_mask(X) if isinstance(X, np.ma.MaskedArray) else np.asarray(X)
    except ValueError:
        raise DataError("the rows of X have different lengths; give the same number of values in each row") from None
    if given.ndim != 2:
        right = "X.reshape(len(X), -1)" if given.ndim > 2 else "X.reshape(-1, 1) for a single feature"
        raise DataError(f"X has the shape {given.shape}; give (n_rows, n_features), such as {right}")
    if 0 in given.shape:
        raise DataError(f"X is empty, with the shape {given.shape}; give at least one row and one column")
    if given.dtype.kind not in "biuf":
        _refuse_text(given)
    with np.errstate(over="ignore"):  # of a wider type; what is infinite then is refused
        try:
            return np.array(given, dtype=np.float64, order="C")
        except OverflowError:
            raise DataError("X has a number that is too large for a float; rescale it") from None


def _without_mask(X: np.ma.MaskedArray[Any, Any]) -> NDArray[Any]:
    """Return a masked array with NaN, or None among objects, in place of what is masked."""
    if not np.ma.is_masked(X):
        return np.asarray(X.data)
    values = X.data.astype(np.float64 if X.dtype.kind in "biuf" else object)
    values[np.ma.getmaskarray(X)] = np.nan
    return values


def _refuse_text(given: NDArray[Any]) -> None:
    """Refuse an array with values that are not numbers, and name the first one."""
    if given.dtype.kind == "c":
        raise DataError(f"X holds complex numbers such as {given[0, 0].item()!r} in column 0; give real ones")
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
    small = np.abs(matrix.data) <= LARGEST  # not NaN
    if not small.all():
        first = int(np.argmin(small))
        row = int(np.searchsorted(matrix.indptr, first, side="right")) - 1
        raise DataError(
            f"the sparse X has {matrix.data[first]} in row {row}, column {matrix.indices[first]}; give finite "
            f"numbers up to {LARGEST:g} (absent entries are zeros, not missing values)"
        )
    return matrix


def _from_frame(frame: pd.DataFrame) -> tuple[Any, Names, Kind]:
    import pandas as pd

    if 0 in frame.shape:
        raise DataError(f"the table is empty, with the shape {frame.shape}; give at least one row and one column")
    names = _checked_names(map(str, frame.columns), frame.shape[1])
    table = frame.reset_index(drop=True)
    table.columns = pd.Index(list(names or ()))
    if not all(is_number(dtype) for dtype in table.dtypes):
        table = pd.DataFrame({name: cleaned(table[name], str(name)) for name in table.columns})
    numeric = [name for name, dtype in table.dtypes.items() if is_number(dtype)]
    require_memory(table.shape[0], len(numeric), "the numeric columns of the table")
    if len(numeric) == table.shape[1]:
        with np.errstate(over="ignore"):  # of a wider type, as above
            numbers = np.array(table.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64, order="C")
        _check_numbers(numbers, names)
        numbers.flags.writeable = False
        return numbers, names, "dense"
    for name in numeric:
        _check_numbers(table[name].to_numpy().reshape(-1, 1), (str(name),))
    return table, names, "table"


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
    """Refuse infinite and huge values, and columns without values."""
    small = np.abs(numbers) <= LARGEST  # not NaN
    if small.all():
        return
    huge = ~(small | np.isnan(numbers))
    if huge.any():
        row, column = (int(index) for index in np.argwhere(huge)[0])
        value = numbers[row, column]
        right = (
            f"rescale it to numbers of at most {LARGEST:g}, whose squares do not overflow"
            if np.isfinite(value)
            else "give finite numbers, or NaN for a missing value"
        )
        raise DataError(f"{_shown(column, names)} has {value} in row {row}; {right}")
    empty = np.flatnonzero(~small.any(axis=0))
    if len(empty):
        raise DataError(f"{_shown(int(empty[0]), names)} has no value in any row; leave it out (--drop)")


def _shown(column: int, names: Names) -> str:
    return f"column {column}" if names is None else f"column {names[column]!r}"
