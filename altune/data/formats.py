"""Read a table from a file of each kind but delimited text. No file is unpickled, so none can run code."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

from altune.core.errors import DataError, MissingExtraError, did_you_mean
from altune.data.arrow import frame_of
from altune.data.delimited import delimited, numbered_lines
from altune.data.files import DataFile, one_line, readable
from altune.data.reading import Reading
from altune.data.sizes import CELL, opened

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def read_arrow_table(file: DataFile, wanted: Callable[[str], bool]) -> pd.DataFrame:
    """Read a Parquet or a Feather file, which is one of Arrow.

    Parameters
    ----------
    file : the file.
    wanted : whether a column that was the index of a DataFrame is kept, by its name.
    """
    import pyarrow.parquet as pq

    kind = "Feather" if file.kind == ".feather" else "Parquet"
    with readable(file, kind), opened(file) as stream:
        # From a path, pyarrow would also read partition columns out of the names of folders.
        feather = kind == "Feather"
        table = _feather(stream) if feather else pq.ParquetFile(stream, page_checksum_verification=True).read()
        table.validate(full=True)  # what is not valid, such as an offset beyond the end, is read as it is
        return frame_of(table, str(file), wanted)


def _feather(stream: IO[bytes]) -> pa.Table:
    """Read the messages in their order, whose sizes were checked; the footer could name one of them many times."""
    import pyarrow as pa
    import pyarrow.feather

    if stream.read(8) != b"ARROW1\0\0":
        return pyarrow.feather.read_table(stream)
    count = pa.ipc.open_file(stream).num_record_batches
    stream.seek(8)
    batches = list(pa.ipc.open_stream(stream))
    if len(batches) != count:
        raise ValueError(f"{len(batches)} of {count} parts are there")
    return pa.Table.from_batches(batches) if batches else pa.ipc.open_file(stream).read_all()


def read_json_lines(file: DataFile, reading: Reading) -> pd.DataFrame:
    """Read a file with a JSON object in each line; a key that a line does not have is a missing value."""
    import pandas as pd

    columns: dict[str, list[Any]] = {}
    count = 0
    for number, line in numbered_lines(delimited(file, ",", reading)):
        if not line.strip():
            continue
        record = _record(line, f"{file}: line {number}")
        for name in record.keys() - columns.keys():
            file.require((len(columns) + 1) * CELL * count)
            file.require_columns(len(columns) + 1)
            columns[name] = [None] * count
        for name, values in columns.items():
            values.append(record.get(name))
        count += 1
    return pd.DataFrame(
        {name: pd.Series(values, dtype=object) for name, values in columns.items()}, index=pd.RangeIndex(count)
    )


def _record(line: str, where: str) -> dict[str, Any]:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        record = dict(found)
        if len(record) < len(found):
            names = [name for name, _ in found]
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"{where} has the key {twice!r} twice; give each key once")
        return record

    try:
        record = json.loads(line.strip(), object_pairs_hook=pairs)
    except RecursionError:
        raise DataError(f"{where} is nested too deep; give one value for each key") from None
    except ValueError as error:
        reason = one_line(error).partition("; use")[0].replace(": line 1 column", " in column")
        raise DataError(f"{where} is no JSON ({reason}); each line is one object") from None
    if not isinstance(record, dict):
        raise DataError(
            f'{where} holds a {type(record).__name__}; each line is one object such as {{"size": 1, "label": "a"}}'
        )
    return record


def _rows(sheet: Any, file: DataFile) -> list[list[Any]]:
    """Return the values of a sheet in rows, without the columns after the last value."""
    sheet.reset_dimensions()  # which a file may state wrongly
    rows: list[list[Any]] = []
    width = 0
    for cells in sheet.rows:
        values = [_value(cell) for cell in cells]
        while values and values[-1] is None:
            values.pop()
        if values:
            rows.append(values)
            width = max(width, len(values))
            file.require(CELL * width * len(rows))
    return [row + [None] * (width - len(row)) for row in rows]


def _value(cell: Any) -> Any:
    """Return the value of a cell: none for an error or an empty text, and a whole number as one."""
    value = cell.value
    if cell.data_type == "e" or value == "":
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read_excel(file: DataFile, reading: Reading) -> pd.DataFrame:
    """Read a sheet of an Excel file, whose first row names the columns.

    Raises
    ------
    MissingExtraError
        If openpyxl is missing.
    """
    import pandas as pd

    if importlib.util.find_spec("openpyxl") is None:
        raise MissingExtraError(f"{file}: an Excel file", "excel")
    with readable(file, "Excel"), opened(file) as stream, pd.ExcelFile(stream, engine="openpyxl") as book:
        names = [str(name) for name in book.sheet_names]
        if reading.sheet is not None and reading.sheet not in names:
            raise DataError(f"{file}: no sheet {reading.sheet!r}; {did_you_mean(reading.sheet, names)}")
        sheet = book.book[names[0] if reading.sheet is None else reading.sheet]
        cells = pd.DataFrame(_rows(sheet, file), dtype=object)
    cells = cells.dropna(how="all")
    if cells.empty:
        raise DataError(f"{file}: the sheet is empty; give one with column names and rows (--sheet)")
    names = ["" if missing else str(name) for name, missing in zip(cells.iloc[0], cells.iloc[0].isna(), strict=True)]
    table = cells.iloc[1:].set_axis(names, axis=1).reset_index(drop=True)
    unnamed = [position for position, name in enumerate(names) if not name.strip()]
    for position in unnamed:
        if table.iloc[:, position].notna().any():
            raise DataError(f"{file}: column {position + 1} has values but no name in its first row; name it")
    return table.iloc[:, [position for position in range(len(names)) if position not in unnamed]]
