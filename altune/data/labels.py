"""Convert labels of any kind to class codes in ``[0, n_classes)`` and class names."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from altune.core.errors import DataError, did_you_mean
from altune.data.class_names import ClassName, in_order, require_classes

Codes = NDArray[np.intp]

_MANY = (list, tuple, set, frozenset, dict, np.ndarray)
_SEVERAL_LABELS = (
    "several labels a row, for which altune is not made; give one class for each row, or tune each label on its own, "
    "as present or absent"
)


def encode_labels(y: Any, classes: Iterable[Any] | None = None) -> tuple[Codes, tuple[ClassName, ...]]:
    """Return class codes and class names of labels.

    Parameters
    ----------
    y : one hashable scalar for each row: array, list or Series, ``(n_rows,)``.
    classes : class names in their order; by default the sorted labels, as numbers if all are numbers.

    Returns
    -------
    codes : ``(n_rows,)``, in ``[0, n_classes)``.
    classes : Python scalars. Whole floats become integers, and anything but text and numbers becomes text.

    Raises
    ------
    DataError
        If there are no labels, a label is missing or not in ``classes``, there is a single class, a row has several
        labels, or the labels look like numbers of a regression.

    Examples
    --------
    >>> encode_labels(["spam", "ham", "spam"])
    (array([1, 0, 1]), ('ham', 'spam'))
    """
    numbers, values = _factorize(y)
    names = [_plain(value) for value in values]
    if classes is None:
        require_classes(names, len(numbers))
    order = _given_order(classes) if classes is not None else tuple(in_order(set(names)))
    position = {name: code for code, name in enumerate(order)}
    for code, name in enumerate(names):
        if name not in position:
            row = int(np.argmax(numbers == code))
            raise DataError(f"row {row} has the label {name!r}; {did_you_mean(name, map(str, order))}")
    if len(set(names)) < 2:
        raise DataError(f"all {len(numbers)} rows have the class {names[0]!r}; give two classes or more")
    lookup = np.array([position[name] for name in names], dtype=np.intp)
    return lookup[numbers], order


def _factorize(y: Any) -> tuple[NDArray[np.intp], list[Any]]:
    """Return the number of each label among the distinct labels, and those in the order of their first rows."""
    column = _column(y)
    if len(column) == 0:
        raise DataError("there are no rows; give at least two rows of two classes")
    if isinstance(column, np.ndarray) and column.dtype.kind in "biuU":
        return _factorize_plain(column)
    import pandas as pd  # slow to import, and plain labels do not need it

    try:
        numbers, values = pd.factorize(column)
    except TypeError as error:
        raise DataError(f"a label is not a plain value ({error}); give one class name for each row") from None
    if (numbers < 0).any():
        row, missing = int(np.argmax(numbers < 0)), int((numbers < 0).sum())
        raise DataError(
            f"row {row} (counted from 0) has no label ({missing} of {len(numbers)} rows have none; empty, NA, NaN and "
            "None count as missing); leave such rows out or label them"
        )
    return np.asarray(numbers, dtype=np.intp), list(values)


def _factorize_plain(column: NDArray[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    values, first, numbers = np.unique(column, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return np.argsort(order)[numbers].astype(np.intp), list(values[order])


def _column(y: Any) -> Any:
    pd = sys.modules.get("pandas")  # a column of pandas can only be given after pandas was imported
    if isinstance(y, list | tuple):
        column = np.fromiter(y, dtype=object, count=len(y))
        if len(column) and isinstance(column[0], list | tuple | np.ndarray):
            column = _as_matrix(y, column)
    elif sp.issparse(y):
        raise DataError(f"y is a sparse matrix, which has {_SEVERAL_LABELS}")
    else:
        column = y if pd is not None and isinstance(y, pd.Series | pd.Index | pd.Categorical) else np.asarray(y)
    if column.ndim != 1:
        raise DataError(f"y has the shape {tuple(column.shape)}; {_right_shape(column)}")
    if column.dtype == object:
        _refuse_several(list(column))
    return column


def _refuse_several(labels: list[Any]) -> None:
    """Refuse labels that are lists or sets."""
    many = {row: label for row, label in enumerate(labels) if isinstance(label, _MANY)}
    if many:
        row = next((row for row, label in many.items() if len(label) > 1), next(iter(many)))
        why = _SEVERAL_LABELS if len(many[row]) > 1 else "not a plain value; give one class name for each row"
        raise DataError(f"row {row} has the label {many[row]!r}, which is {why}")


def _as_matrix(y: Any, column: NDArray[Any]) -> NDArray[Any]:
    """Return lists of one length as a matrix, others as they are."""
    try:
        matrix = np.asarray(y)
    except ValueError:
        return column
    return matrix if matrix.ndim > 1 and matrix.dtype.kind in "biuf" else column


def _right_shape(matrix: NDArray[Any]) -> str:
    """Return what to give in place of a matrix of labels."""
    flags = matrix.ndim == 2 and matrix.shape[1] > 1 and bool(np.isin(matrix, (0, 1)).all())
    if flags and not (matrix.astype(np.int64).sum(axis=1) == 1).all():
        return f"{matrix.shape[1]} columns of 0 and 1 are {_SEVERAL_LABELS}"
    return "give one label for each row (y.ravel(), or the argmax of one-hot columns)"


def _plain(value: Any) -> ClassName:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | bool | int | float) else str(value)


def _given_order(classes: Iterable[Any]) -> tuple[ClassName, ...]:
    order = tuple(_plain(name) for name in classes)
    if len(set(order)) < len(order):
        twice = next(name for name in order if order.count(name) > 1)
        raise DataError(f"classes has {twice!r} twice; give each class once")
    return order
