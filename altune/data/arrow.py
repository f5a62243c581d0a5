"""Turn tables and columns of Arrow, polars and whatever else hands out Arrow data into those of pandas."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from altune.core.errors import DataError
from altune.data.files import one_line

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_PARTS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # of a second
_INDEX = re.compile(r"__index_level_\d+__")


def without_arrow(given: Any) -> Any:
    """Return the DataFrame or Series of something that hands out Arrow data, such as a frame of polars.

    Anything else is returned as it is. Neither pandas nor pyarrow is imported for it.

    Examples
    --------
    >>> import pyarrow as pa
    >>> without_arrow(pa.table({"size": [1, 2]}))["size"].tolist()
    [1, 2]
    """
    module = type(given).__module__.partition(".")[0]
    if module == "polars" and type(given).__name__ == "LazyFrame":
        raise DataError("a LazyFrame of polars has no rows yet; give its collect()")
    stream, array = hasattr(given, "__arrow_c_stream__"), hasattr(given, "__arrow_c_array__")
    if module in ("pandas", "numpy") or not (stream or array):
        return given
    import pyarrow as pa

    if isinstance(given, pa.Array):
        return series_of(pa.chunked_array([given]), "the column")
    if isinstance(given, pa.ChunkedArray):
        return series_of(given, "the column")
    if module == "polars" and type(given).__name__ == "Series":
        return series_of(pa.chunked_array(given), "the column")
    try:
        table = pa.table(given)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(
            f"the table holds a type that Arrow cannot take ({one_line(error)}); convert or drop it"
        ) from None
    return frame_of(table, "the table")


def frame_of(table: pa.Table, where: str, wanted: Callable[[str], bool] = lambda name: False) -> pd.DataFrame:
    """Return an Arrow table as a DataFrame.

    Parameters
    ----------
    table : the table.
    where : its file, for messages.
    wanted : whether a column of an index that pandas stored is kept, by its name; the others are left out.

    Raises
    ------
    DataError
        If pandas has nothing for the type of a column.
    """
    import pandas as pd

    index = _index_of(table)
    kept = [
        position
        for position, name in enumerate(table.column_names)
        if wanted(name) or not (name in index or _INDEX.fullmatch(name))
    ]
    names = [table.column_names[position] for position in kept]
    columns = [
        series_of(table.column(position), f"{where}: column {name!r}")
        for position, name in zip(kept, names, strict=True)
    ]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=pd.RangeIndex(table.num_rows))
    frame.columns = pd.Index(names)
    return frame


def series_of(values: pa.ChunkedArray, what: str) -> pd.Series[Any]:
    """Return an Arrow column as a Series: times of the day as seconds, whole numbers beside missing ones as they are.

    Raises
    ------
    DataError
        If pandas has nothing for the type of the column.
    """
    import pyarrow as pa

    if pa.types.is_time(values.type):  # pandas has no nanoseconds of a day
        seconds = values.cast(pa.int32() if pa.types.is_time32(values.type) else pa.int64()).to_pandas()
        series: pd.Series[Any] = seconds / _PARTS[values.type.unit]
        return series
    try:
        series = values.to_pandas(integer_object_nulls=True)
    except (pa.ArrowException, ValueError, OverflowError, TypeError) as error:
        raise DataError(
            f"{what} of the type {values.type} cannot be read ({one_line(error)}); leave it out (--drop)"
        ) from None
    return series


def _index_of(table: pa.Table) -> set[str]:
    """Return the names of the columns that were the index of a DataFrame."""
    try:
        stored = (table.schema.pandas_metadata or {}).get("index_columns", [])
        return {name for name in stored if isinstance(name, str)}
    except (ValueError, TypeError, AttributeError, RecursionError):  # no metadata that pandas wrote
        return set()
