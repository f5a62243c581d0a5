"""Bring a column of a table into one of four forms: float64 numbers, points in time, categories, text.

Points in time stay what they are, and a period becomes its start. Durations and times of the day become seconds, also
where they are text. Every other kind of value is refused with the name of its column.
"""

from __future__ import annotations

import datetime
import decimal
import numbers
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from altune.core.errors import DataError
from altune.data.arrow import series_of

if TYPE_CHECKING:
    import pandas as pd

_DATES = {"date", "datetime", "datetime64"}
_CLOCK = re.compile(r"(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?")
_DURATION = re.compile(
    r"[-+]?(?:\d+ days?,? ?(?:[-+]?\d+:\d\d:\d\d(?:\.\d+)?)?|\d+:\d\d:\d\d(?:\.\d+)?)"
    r"|[-+]?P(?=[\dT])(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?"
)


def cleaned(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    """Return a column as float64, datetimes, categories or text.

    Raises
    ------
    DataError
        If it has no value, or values of a kind that is none of these, with its name.
    """
    import pandas as pd

    dtype = column.dtype
    if isinstance(dtype, pd.SparseDtype):
        return cleaned(pd.Series(np.asarray(column.array)), name)
    if column.isna().all():
        raise DataError(f"column {name!r} has no value in any row; leave it out (--drop)")
    if isinstance(dtype, pd.ArrowDtype):
        return cleaned(series_of(column.array.__arrow_array__(), f"column {name!r}"), name)
    if pd.api.types.is_complex_dtype(dtype):
        raise DataError(f"column {name!r} holds complex numbers; give real ones")
    if is_number(dtype):
        with np.errstate(over="ignore"):  # of a wider type; what is infinite then is refused
            return pd.Series(column.to_numpy(dtype=np.float64, na_value=np.nan))
    if isinstance(dtype, pd.PeriodDtype):
        start: pd.Series[Any] = column.dt.to_timestamp()
        return start
    if isinstance(dtype, pd.IntervalDtype):
        return column.astype(object).map(str, na_action="ignore").astype("category")
    if pd.api.types.is_timedelta64_dtype(dtype):
        seconds: pd.Series[Any] = column.dt.total_seconds()
        return seconds
    if isinstance(dtype, pd.CategoricalDtype):
        return _cleaned_categories(column, name)
    if isinstance(dtype, pd.StringDtype):
        return _cleaned_texts(column)
    return _cleaned_objects(column, name) if pd.api.types.is_object_dtype(dtype) else column


def is_number(dtype: Any) -> bool:
    """Return whether a type of pandas or numpy is one of real numbers, without the types of Arrow."""
    import pandas as pd

    if isinstance(dtype, pd.ArrowDtype):
        return False
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype)


def _cleaned_categories(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    """Return a column whose categories are numbers or text."""
    import pandas as pd

    categories = column.cat.categories
    if is_number(categories.dtype) or pd.api.types.infer_dtype(categories) in ("string", "empty"):
        return column
    _refuse_odd(pd.Series(list(categories), dtype=object), name, "one of its categories")
    texts = [str(category) for category in categories]
    if len(set(texts)) < len(texts):  # such as 1 and "1"
        return column.astype(object).map(str, na_action="ignore").astype("category")
    return column.cat.rename_categories(texts)


def _cleaned_texts(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return text, or seconds if all values are times of the day or durations."""
    import pandas as pd

    texts = column.dropna().str.strip()
    first = str(texts.iloc[0])
    pattern = next((each for each in (_CLOCK, _DURATION) if each.fullmatch(first)), None)
    if pattern is None or not texts.str.fullmatch(pattern).all():
        return column
    full = texts.where(texts.str.count(":") != 1, texts + ":00").str.replace(",", "", regex=False)
    try:
        return pd.to_timedelta(full).dt.total_seconds().reindex(column.index)
    except (ValueError, OverflowError):  # such as more days than fit
        return column


def _cleaned_objects(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    import pandas as pd

    _refuse_odd(column, name, "row {}")
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind == "string":
        return _cleaned_texts(column)
    if kind in _DATES:
        return _instants(column, name)
    if kind == "period":
        return column.map(lambda value: value.to_timestamp(), na_action="ignore").astype("datetime64[us]")
    if kind in ("timedelta", "timedelta64"):
        return _durations(column, name)
    if kind == "time":
        return column.map(_seconds, na_action="ignore").astype(np.float64)
    present = column.dropna()
    if all(isinstance(value, numbers.Real | decimal.Decimal | np.bool_) for value in present):
        return _numbers(column, name)
    if all(isinstance(value, str | numbers.Real | np.bool_) for value in present):
        return column  # what is written as a number in one row and as text in another
    return column.map(str, na_action="ignore")


def _refuse_odd(column: pd.Series[Any], name: str, where: str) -> None:
    """Refuse values that are no single value, bytes and complex numbers."""
    import pandas as pd

    kinds = (bytes, bytearray, memoryview, pd.DateOffset, complex, np.complexfloating)
    for row, value in enumerate(column):
        single = value is None or pd.api.types.is_scalar(value) or isinstance(value, numbers.Real)
        if not single or isinstance(value, kinds):
            raise DataError(
                f"column {name!r} holds a {type(value).__name__} in {where.format(row)}; give one number, text or date "
                "for each cell, or leave the column out (--drop)"
            )


def _instants(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    """Return points in time; those of several time zones in UTC."""
    import pandas as pd

    zones = {
        str(value.tzinfo) if isinstance(value, datetime.datetime) and value.tzinfo is not None else None
        for value in column.dropna()
    }
    if None in zones and len(zones) > 1:
        raise DataError(
            f"column {name!r} has points in time with a time zone and others without one; give all of them one, such "
            "as pd.to_datetime(column, utc=True)"
        )
    return pd.to_datetime(column, utc=len(zones) > 1)


def _durations(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    import pandas as pd

    try:
        return pd.to_timedelta(column).dt.total_seconds()
    except ValueError:  # numpy's years and months
        raise DataError(f"column {name!r} holds durations of no fixed length, such as months; give days") from None


def _numbers(column: pd.Series[Any], name: str) -> pd.Series[Any]:
    import pandas as pd

    try:
        return pd.Series([np.nan if pd.isna(value) else float(value) for value in column], dtype=np.float64)
    except OverflowError:
        raise DataError(f"column {name!r} has a number that is too large for a float; rescale it") from None


def _seconds(time: datetime.time) -> float:
    return time.hour * 3600 + time.minute * 60 + time.second + time.microsecond / 1e6
