"""Columns that are no features: the group of each row, which no split tears apart, and its time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import DataError, did_you_mean
from altune.core.text import join_words
from altune.data.arrow import without_arrow
from altune.data.class_names import spelling_lines
from altune.data.features import is_frame

DUPLICATES = "duplicates"
"""Name of the groups of equal or nearly equal rows."""
GroupCodes = NDArray[np.int64]
_SEVERAL = (list, tuple, set, frozenset, dict)


class Grouping(Enum):
    """Groups that are found in the rows."""

    BY_DUPLICATES = DUPLICATES


class Groups(NamedTuple):
    """Which rows belong together.

    Attributes
    ----------
    name : name of the column.
    codes : group of each row, in [0, n_groups), ``(n_rows,)``.
    names : name of each group as text, ``n_groups`` of them.
    """

    name: str
    codes: GroupCodes
    names: tuple[str, ...]

    def of_rows(self, rows: NDArray[np.intp]) -> Groups:
        """Return the groups of some of the rows."""
        present, codes = np.unique(self.codes[rows], return_inverse=True)
        return Groups(self.name, codes.astype(np.int64), tuple(self.names[code] for code in present))

    def largest(self) -> tuple[str, float]:
        """Return the name of the largest group and its share of the rows."""
        counts = np.bincount(self.codes)
        return self.names[int(np.argmax(counts))], float(counts.max() / len(self.codes))

    def spelling_lines(self) -> list[str]:
        """Return a line for each set of groups whose names differ by blanks, case or Unicode form alone."""
        return spelling_lines(self.names, np.bincount(self.codes).tolist(), "groups")


class Times(NamedTuple):
    """When each row came about.

    Attributes
    ----------
    name : name of the column.
    values : numbers, or instants as ``datetime64[ns]``, ``(n_rows,)``; none is missing.
    """

    name: str
    values: NDArray[Any]

    def of_rows(self, rows: NDArray[np.intp]) -> Times:
        """Return the times of some of the rows."""
        return Times(self.name, self.values[rows])

    def words(self, value: Any) -> str:
        """Return a time as text, without a time of the day where all are at midnight."""
        if self.values.dtype.kind != "M":
            return f"{value:.15g}"  # all digits of dates such as 20240131
        whole_days = bool((self.values == self.values.astype("datetime64[D]")).all())
        return str(np.datetime64(value, "D" if whole_days else "s")).replace("T", " ")


def take_columns(X: Any, feature_names: Iterable[str] | None, groups: Any, time: Any) -> tuple[Any, Any, Any, Any]:
    """Return groups and time with the values of columns that are named, and features and feature names without these.

    Groups that :data:`DUPLICATES` names, unless a column is called so, are ``Grouping.BY_DUPLICATES``.
    """
    if groups is not None and time is not None:
        raise DataError(
            "groups and time are not possible together, since a group may have rows before and after the time at "
            "which rows are held back; give the one of them that new rows differ in"
        )
    names = None if feature_names is None else list(feature_names)
    if isinstance(groups, str) and groups == DUPLICATES and DUPLICATES not in _names(X, names):
        return Grouping.BY_DUPLICATES, time, X, names
    if isinstance(groups, str):
        groups, X, names = _take_column(X, names, groups, "group")
    if isinstance(time, str):
        time, X, names = _take_column(X, names, time, "time")
    return groups, time, X, names


def _names(X: Any, feature_names: Sequence[str] | None) -> list[str]:
    return [str(column) for column in X.columns] if is_frame(X) else list(feature_names or ())


def _take_column(X: Any, feature_names: Sequence[str] | None, name: str, what: str) -> tuple[Any, Any, Any]:
    """Return the values of a column as a Series, and features and feature names without it.

    Parameters
    ----------
    X : DataFrame, or array with names.
    feature_names : names of the columns of an array, None if there are none.
    name : name of the column.
    what : what the column is, for messages: ``group`` or ``time``.
    """
    import pandas as pd

    columns = _names(X, feature_names)
    if name not in columns:
        known = did_you_mean(name, columns) if columns else "the data have no column names; give the values instead"
        raise DataError(f"there is no {what} column {name!r}; {known}")
    if len(columns) == 1:
        raise DataError(f"the {what} column {name!r} is the only one; give at least one feature column")
    place = columns.index(name)
    left = [position for position in range(len(columns)) if position != place]
    if is_frame(X):
        return X.iloc[:, place].rename(name), X.iloc[:, left], None
    matrix: Any = X.tocsr() if hasattr(X, "tocsr") else X if hasattr(X, "shape") else np.asarray(X)
    values = matrix[:, [place]].toarray()[:, 0] if hasattr(X, "tocsr") else matrix[:, place]
    return pd.Series(values, name=name), matrix[:, left], [columns[other] for other in left]


def as_groups(values: Any, name: str, n_rows: int, kept: NDArray[np.intp] | None = None) -> Groups:
    """Return the groups of rows; rows with the same value are of one group.

    Parameters
    ----------
    values : a text, number or other plain value for each row, or groups, ``(n_rows,)``.
    name : name of the column, for messages.
    n_rows : number of rows of the data.
    kept : row numbers of the rows that are kept, None for all of them.

    Examples
    --------
    >>> as_groups(["ann", "bob", "ann"], "patient", 3).codes.tolist()
    [0, 1, 0]
    """
    import pandas as pd

    if isinstance(values, Groups):
        return values if kept is None else values.of_rows(kept)
    column = _series(values, name, n_rows, "group", kept)
    missing = column.isna() | column.map(lambda value: isinstance(value, str) and not value.strip())
    _refuse_missing(missing, name, "group", "give each such row a group of its own")
    codes, found = pd.factorize(column)
    if len(found) == 1:
        raise DataError(f"the group column {name!r} has the value {found[0]!r} in every row; give two groups or more")
    names = tuple(map(str, found))
    if len(set(names)) < len(names):
        twice = next(each for each in names if names.count(each) > 1)
        both = join_words([repr(value) for value, text in zip(found, names, strict=True) if text == twice])
        raise DataError(f"the group column {name!r} has {both}, which are written alike; write each group in one way")
    return Groups(name, np.asarray(codes, dtype=np.int64), names)


def as_times(values: Any, name: str, n_rows: int, kept: NDArray[np.intp] | None = None) -> Times:
    """Return the time of each row: numbers as they are, dates and text as instants, in UTC where they have a zone.

    Text is read as the dates of a table are.

    Parameters
    ----------
    values : ``(n_rows,)``.
    name : name of the column, for messages.
    n_rows : number of rows of the data.
    kept : row numbers of the rows that are kept, None for all of them.

    Examples
    --------
    >>> times = as_times(["2024-01-31", "2024-02-01"], "day", 2)
    >>> times.words(times.values[0])
    '2024-01-31'
    """
    import pandas as pd

    if isinstance(values, Times):
        return values if kept is None else values.of_rows(kept)
    column = _series(values, name, n_rows, "time", kept)
    _refuse_missing(column.isna(), name, "time", "leave such rows out")
    if pd.api.types.is_bool_dtype(column.dtype):
        raise DataError(f"the time column {name!r} holds yes or no; give numbers or dates")
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        column = column.dt.total_seconds()
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if not (pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column.dtype)):
        column = _read_times(column, name)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        moments = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
        return Times(name, moments.to_numpy(dtype="datetime64[ns]"))
    numbers = column.to_numpy()
    return Times(name, numbers if numbers.dtype.kind in "iu" else numbers.astype(np.float64))


def _series(values: Any, name: str, n_rows: int, what: str, kept: NDArray[np.intp] | None) -> Any:
    import pandas as pd

    values = without_arrow(values)
    if isinstance(values, pd.Series | pd.Index):
        column = pd.Series(values.to_numpy() if values.dtype == object else values.array)
    else:
        if not isinstance(values, Iterable) or getattr(values, "ndim", 1) != 1:
            raise DataError(f"the {what}s are no list of values; give one {what} for each row, or the name of a column")
        listed: Any = values if hasattr(values, "dtype") else list(values)
        column = pd.Series(listed, dtype=object if len(listed) == 0 else None)
    if len(column) != n_rows:
        raise DataError(f"X has {n_rows} rows and the {what}s are {len(column)}; give one {what} for each row")
    column = column if kept is None else column.iloc[kept]
    if column.dtype == object and column.map(lambda value: isinstance(value, _SEVERAL)).any():
        raise DataError(f"the {what} column {name!r} has several values in a row; give one {what} for each row")
    return column


def _refuse_missing(missing: Any, name: str, what: str, right: str) -> None:
    if missing.any():
        raise DataError(
            f"row {missing.idxmax()} (counted from 0) has no {what}: the column {name!r} is empty in "
            f"{int(missing.sum())} of {len(missing)} rows; {right}"
        )


def _read_times(column: Any, name: str) -> Any:
    """Return text or Python's own dates as numbers or instants."""
    import pandas as pd
    from skrub import ToDatetime

    if pd.api.types.infer_dtype(column, skipna=True) in {"date", "datetime", "datetime64"}:
        return pd.to_datetime(column, utc=any(getattr(value, "tzinfo", None) is not None for value in column))
    texts = column.astype(str).str.strip()
    numbers = pd.to_numeric(texts, errors="coerce")
    if not numbers.isna().any():
        return numbers
    try:
        read = ToDatetime().fit_transform(texts.rename(name))
    except ValueError:
        read = None
    if read is None or read.isna().any():
        odd = texts[numbers.isna()].iloc[0] if read is None else texts[read.isna()].iloc[0]
        raise DataError(
            f"the time column {name!r} has {odd!r}, which is neither a number nor a date as in its other rows; give "
            "dates such as 2024-01-31, or numbers"
        )
    return read
