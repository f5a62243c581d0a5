"""Read a table from a file of each kind but delimited text. No file is unpickled, so none can run code."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.core.errors import DataError, MissingExtraError, did_you_mean
from altune.data.arrow import frame_of
from altune.data.delimited import delimited, numbered_lines
from altune.data.files import one_line
from altune.data.reading import Reading

if TYPE_CHECKING:
    import pandas as pd


def read_arrow_table(file: Path, feather: bool, wanted: Callable[[str], bool]) -> pd.DataFrame:
    """Read a Parquet or a Feather file.

    Parameters
    ----------
    feather : whether it is a Feather file, which is one of Arrow.
    wanted : whether a column that was the index of a DataFrame is kept, by its name.
    """
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet as pq

    kind = "Feather" if feather else "Parquet"
    try:
        # From a path, pyarrow would also read partition columns out of the names of folders.
        with file.open("rb") as stream:
            table = pyarrow.feather.read_table(stream) if feather else pq.ParquetFile(stream).read()
            return frame_of(table, str(file), wanted)
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file}: not a readable {kind} file, perhaps truncated ({one_line(error)})") from None


def read_json_lines(file: Path, reading: Reading) -> pd.DataFrame:
    """Read a file with a JSON object in each line; a key that a line does not have is a missing value."""
    import pandas as pd

    columns: dict[str, list[Any]] = {}
    count = 0
    for number, line in numbered_lines(delimited(file, ",", reading)):
        if not line.strip():
            continue
        record = _record(line, f"{file}: line {number}")
        for name in record:
            columns.setdefault(name, [None] * count)
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


def read_excel(file: Path, reading: Reading) -> pd.DataFrame:
    """Read a sheet of an Excel file, whose first row names the columns.

    Raises
    ------
    MissingExtraError
        If openpyxl is missing.
    """
    import pandas as pd

    if importlib.util.find_spec("openpyxl") is None:
        raise MissingExtraError(f"{file}: an Excel file", "excel")
    try:
        with pd.ExcelFile(file, engine="openpyxl") as book:
            names = [str(name) for name in book.sheet_names]
            if reading.sheet is not None and reading.sheet not in names:
                raise DataError(f"{file}: no sheet {reading.sheet!r}; {did_you_mean(reading.sheet, names)}")
            cells = pd.read_excel(
                book,
                sheet_name=0 if reading.sheet is None else reading.sheet,
                header=None,
                dtype=object,
                keep_default_na=False,
                na_values=[""],
            )
    except DataError:
        raise
    except Exception as error:  # openpyxl raises whatever a damaged file leads to
        raise DataError(f"{file}: not a readable Excel file ({one_line(error)})") from None
    cells = cells.dropna(how="all")
    if cells.empty:
        raise DataError(f"{file}: the sheet is empty; give one with column names and rows (--sheet)")
    names = ["" if missing else str(name) for name, missing in zip(cells.iloc[0], cells.iloc[0].isna(), strict=True)]
    table = cells.iloc[1:].set_axis(names, axis=1).reset_index(drop=True)
    unnamed = [position for position, name in enumerate(names) if not name.strip()]
    if table.iloc[:, unnamed].notna().any(axis=None):
        raise DataError(f"{file}: column {unnamed[0] + 1} has values but no name in its first row; name it")
    return table.iloc[:, [position for position in range(len(names)) if position not in unnamed]]
