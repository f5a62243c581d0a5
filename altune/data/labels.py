"""Convert labels of any kind to class codes in ``[0, n_classes)`` and class names."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import DataError, did_you_mean

ClassName = str | int | float | bool
Codes = NDArray[np.intp]

_MANY_VALUES = 20
_MANY_SHARE = 0.1
"""More different fractional numbers than both of these, the latter as a share of the rows, are taken for regression."""


def encode_labels(y: Any, classes: Iterable[Any] | None = None) -> tuple[Codes, tuple[ClassName, ...]]:
    """Return class codes and class names of labels.

    Parameters
    ----------
    y : one hashable scalar for each row: array, list or Series, ``(n_rows,)``.
    classes : class names in their order; by default the sorted labels.

    Returns
    -------
    codes : ``(n_rows,)``, in ``[0, n_classes)``.
    classes : Python scalars. Whole floats become integers, and anything but text and numbers becomes text.

    Raises
    ------
    DataError
        If there are no labels, a label is missing or not in ``classes``, there is a single class, or the labels look
        like numbers of a regression.

    Examples
    --------
    >>> encode_labels(["spam", "ham", "spam"])
    (array([1, 0, 1]), ('ham', 'spam'))
    """
    numbers, values = _factorize(y)
    names = [_plain(value) for value in values]
    _refuse_regression(names, len(numbers))
    order = _given_order(classes) if classes is not None else tuple(_sorted(set(names)))
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
    if isinstance(y, list | tuple):
        return np.fromiter(y, dtype=object, count=len(y))
    pd = sys.modules.get("pandas")  # a column of pandas can only be given after pandas was imported
    column = y if pd is not None and isinstance(y, pd.Series | pd.Index | pd.Categorical) else np.asarray(y)
    if column.ndim != 1:
        raise DataError(
            f"y has the shape {tuple(column.shape)}; give one label for each row (y.ravel(), or the argmax of "
            "one-hot columns)"
        )
    return column


def _plain(value: Any) -> ClassName:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | bool | int | float) else str(value)


def _sorted(names: Iterable[ClassName]) -> list[ClassName]:
    def key(name: ClassName) -> tuple[bool, Any]:
        return (isinstance(name, str), name)

    return sorted(names, key=key)


def _given_order(classes: Iterable[Any]) -> tuple[ClassName, ...]:
    order = tuple(_plain(name) for name in classes)
    if len(set(order)) < len(order):
        twice = next(name for name in order if order.count(name) > 1)
        raise DataError(f"classes has {twice!r} twice; give each class once")
    return order


def _refuse_regression(names: Sequence[ClassName], n_rows: int) -> None:
    fractional = sum(isinstance(name, float) for name in names)
    if fractional and len(names) > _MANY_VALUES and len(names) > _MANY_SHARE * n_rows:
        raise DataError(
            f"the labels are {len(names)} different numbers in {n_rows} rows, which looks like regression; altune "
            "needs classes (bin the numbers, or give another target)"
        )
