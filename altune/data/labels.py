"""Convert labels of any kind to class codes in ``[0, n_classes)`` and class names."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from altune.core.errors import DataError, did_you_mean
from altune.data.arrow import without_arrow
from altune.data.class_names import ClassName, in_order, number_of, require_classes

if TYPE_CHECKING:
    import pandas as pd

Codes = NDArray[np.intp]

_MANY = (list, tuple, set, frozenset, dict, np.ndarray)
_SEVERAL_LABELS = (
    "several labels a row, for which altune is not made; give one class for each row, or tune each label on its own, "
    "as present or absent"
)


_NAMED_CLASSES = 5


class Labels(NamedTuple):
    """Labels as codes.

    Attributes
    ----------
    codes : ``(n_kept,)``, in ``[0, n_classes)``.
    classes : Python scalars. Whole floats become integers, and anything but text and numbers becomes text.
    kept : row numbers of the rows that have a label, ``(n_kept,)``; None if all of them are kept.
    n_rows : number of labels that were given.
    notes : what was left out or merged, one line each.
    """

    codes: Codes
    classes: tuple[ClassName, ...]
    kept: Codes | None
    n_rows: int
    notes: tuple[str, ...]


def encode_labels(
    y: Any, classes: Iterable[Any] | None = None, *, skip_unlabelled: bool = False, min_class: int = 1
) -> Labels:
    """Return class codes and class names of labels.

    Parameters
    ----------
    y : one hashable scalar for each row: array, list or Series, ``(n_rows,)``. None, NaN, an empty text and a masked
        value are missing.
    classes : class names in their order; by default the sorted labels, by value if all of them are numbers.
    skip_unlabelled : whether rows without a label are left out.
    min_class : number of rows that a class needs. Rarer ones become one class; if that is rarer too, its rows are left
        out.

    Raises
    ------
    DataError
        If there are no labels, a label is missing or not in ``classes``, there is a single class, a row has several
        labels, or the labels look like numbers of a regression.

    Examples
    --------
    >>> labels = encode_labels(["spam", "ham", "spam"])
    >>> labels.codes, labels.classes
    (array([1, 0, 1]), ('ham', 'spam'))
    """
    numbers, values = _factorize(y)
    names = _names_of(values)
    if classes is None:
        require_classes(names, int((numbers >= 0).sum()))
    order = _given_order(classes) if classes is not None else tuple(in_order(names))
    position = {name: code for code, name in enumerate(order)}
    for code, name in enumerate(names):
        if name not in position:
            row = int(np.argmax(numbers == code))
            raise DataError(f"row {row} has the label {name!r}; {did_you_mean(name, map(str, order))}")
    notes, kept = [], None
    missing = int((numbers < 0).sum())
    if missing and not skip_unlabelled:
        raise DataError(
            f"row {int(np.argmax(numbers < 0))} (counted from 0) has no label ({missing} of {len(numbers)} rows have "
            "none; empty, masked, NaN and None count as missing); label such rows, or leave them out with "
            "--skip-unlabelled (skip_unlabelled=True in Python)"
        )
    if missing:
        notes.append(f"{missing} of {len(numbers)} rows have no label and are left out; rows are counted without them")
    codes = np.append(np.array([position[name] for name in names], dtype=np.intp), -1)[numbers]  # the last one is -1
    if min_class > 1:
        codes, order, note = _without_rare(codes, order, min_class)
        notes += [note] if note else []
    if (codes < 0).any():
        kept = np.flatnonzero(codes >= 0)
        codes = codes[kept]
    present = np.unique(codes)
    if len(present) < 2:
        only = f"all {len(codes)} rows have the class {order[present[0]]!r}" if len(present) else "no row is left"
        raise DataError("; ".join([*notes, f"{only}; give two classes or more"]))
    return Labels(codes, order, kept, len(numbers), tuple(notes))


def labels_of_texts(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Return labels that were read as text: numbers or yes/no if that changes no text, else the texts themselves.

    >>> import pandas as pd
    >>> labels_of_texts(pd.Series(["7", "8"])).tolist(), labels_of_texts(pd.Series(["7", "007"])).tolist()
    ([7, 8], ['7', '007'])
    """
    values = texts.dropna().unique()
    if set(values) <= {"True", "False"}:
        plain: dict[str, ClassName] = {"True": True, "False": False}
    else:
        texts_of_numbers = (text for text in values if number_of(text) is not None)
        numbers = {text: int(text) if text.lstrip("-").isdigit() else float(text) for text in texts_of_numbers}
        plain = {text: number for text, number in numbers.items() if str(_plain(number)) == text}
    return texts.astype(object).map(plain) if len(values) and all(text in plain for text in values) else texts


def _names_of(values: Sequence[Any]) -> list[ClassName]:
    """Return the names of distinct labels; two labels that would get one name are refused."""
    names = [_plain(value) for value in values]
    known: dict[ClassName, Any] = {}
    for name, value in zip(names, values, strict=True):
        if name in known:
            raise DataError(
                f"the labels {known[name]!r} and {value!r} would both be the class {name!r}; give them different texts"
            )
        known[name] = value
    return names


def _without_rare(
    codes: Codes, order: tuple[ClassName, ...], min_class: int
) -> tuple[Codes, tuple[ClassName, ...], str]:
    """Return codes in which classes with too few rows are one class, or -1 if that has too few rows as well."""
    counts = np.bincount(codes[codes >= 0], minlength=len(order))
    rare = (counts < min_class) & (counts > 0)
    if not rare.any():
        return codes, order, ""
    rows = int(counts[rare].sum())
    listed = [f"{order[code]!r} ({counts[code]})" for code in np.flatnonzero(rare)]
    named = ", ".join(listed[:_NAMED_CLASSES]) + (", …" if len(listed) > _NAMED_CLASSES else "")
    subject = (
        f"{len(listed)} {'class has' if len(listed) == 1 else 'classes have'} fewer than {min_class} rows: {named}"
    )
    merged = rows >= min_class and len(listed) > 1
    name = next(name for name in ("other", "other classes", *map("other {}".format, range(2, 99))) if name not in order)
    what = (
        f"they are the class {name!r} with {rows} rows"
        if merged
        else f"{'the row is' if rows == 1 else f'the {rows} rows are'} left out"
    )
    lookup = np.append(np.where(rare, len(order) - len(listed) if merged else -1, np.cumsum(~rare) - 1), -1)
    left = tuple(one for one, is_rare in zip(order, rare, strict=True) if not is_rare)
    return lookup[codes].astype(np.intp), (*left, name) if merged else left, f"{subject}; {what}"


def _factorize(y: Any) -> tuple[NDArray[np.intp], list[Any]]:
    """Return the number of each label among the distinct ones, -1 for none, and those in the order of first rows."""
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
    _refuse_equal_kinds(column)
    return _without_empty(np.asarray(numbers, dtype=np.intp), list(values))


def _refuse_equal_kinds(column: Any) -> None:
    """Refuse objects such as 1 and True, which are equal and would be one class."""
    if column.dtype != object:
        return
    yes_no = {value for value in column if isinstance(value, bool | np.bool_)}
    numbers = {value for value in column if isinstance(value, int | float | np.number) and not isinstance(value, bool)}
    for value in yes_no & numbers:
        raise DataError(
            f"the labels {int(value)} and {bool(value)} are equal in Python and would be one class; make them text, "
            "such as y.astype(str)"
        )


def _without_empty(numbers: Codes, values: list[Any]) -> tuple[Codes, list[Any]]:
    """Return labels in which an empty text is missing."""
    if not any(isinstance(value, str | bytes) and len(value) == 0 for value in values):
        return numbers, values
    lookup = np.full(len(values) + 1, -1, dtype=np.intp)
    left: list[Any] = []
    for code, value in enumerate(values):
        if not (isinstance(value, str | bytes) and len(value) == 0):
            lookup[code] = len(left)
            left.append(value)
    return lookup[numbers], left


def _factorize_plain(column: NDArray[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    values, first, numbers = np.unique(column, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return _without_empty(np.argsort(order)[numbers].astype(np.intp), list(values[order]))


def _column(y: Any) -> Any:
    if isinstance(y, list | tuple):
        column = np.fromiter(y, dtype=object, count=len(y))
        if len(column) and isinstance(column[0], list | tuple | np.ndarray):
            column = _as_matrix(y, column)
    elif sp.issparse(y):
        raise DataError(f"y is a sparse matrix, which has {_SEVERAL_LABELS}")
    else:
        column = without_arrow(y)
        if isinstance(column, np.ma.MaskedArray) and np.ma.is_masked(column):
            values = column.data.astype(object)
            values[np.ma.getmaskarray(column)] = None
            column = values
        pd = sys.modules.get("pandas")  # a column of pandas can only be given after pandas was imported
        if pd is None or not isinstance(column, pd.Series | pd.Index | pd.Categorical):
            column = np.asarray(column)
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
