"""Read tables from delimited text, with the line number in errors."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from altune.core.errors import DataError
from altune.data.files import BROKEN_GZIP, one_line, opened

if TYPE_CHECKING:
    import pandas as pd


def read_text_table(file: Path, separator: str) -> pd.DataFrame:
    """Read a table whose first line names the columns.

    Parameters
    ----------
    file : an existing UTF-8 file, gzipped if it ends in ``.gz``.
    separator : the character between two fields.

    Raises
    ------
    DataError
        For lines of different lengths, bytes that are not UTF-8, a damaged gzip file, or a column without a name.
    """
    import pandas as pd

    with _explained(file):
        header = _header(file, separator)
        with opened(file) as stream:
            table = pd.read_csv(stream, sep=separator, encoding="utf-8-sig", low_memory=False)
        if not isinstance(table.index, pd.RangeIndex):
            raise DataError(f"{file}: line 2 has more fields than the {len(header)} column names in line 1")
        if len(table) and table.iloc[:, -1].isna().any():  # pandas fills up lines that are too short
            _refuse_short_lines(file, separator, len(header))
    table.columns = pd.Index(header)  # pandas renames duplicates
    return table


def _header(file: Path, separator: str) -> list[str]:
    with opened(file) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        header = next((row for row in csv.reader(text, delimiter=separator) if row), None)
    if header is None:
        raise DataError(f"{file} is empty; give a file with a header line and rows")
    if "" in header:
        raise DataError(
            f"{file}: column {header.index('') + 1} has no name in line 1; name it, or leave out the row numbers "
            "(to_csv(index=False))"
        )
    if len(header) == 1 and (other := next((mark for mark in ",;\t|" if mark in header[0]), None)):
        raise DataError(
            f"{file}: line 1 contains {other!r} but no {separator!r}; use the suffix .csv for commas, .tsv for "
            f"tabs, or Dataset.from_csv(..., separator={other!r})"
        )
    return header


def _refuse_short_lines(file: Path, separator: str, width: int) -> None:
    with opened(file) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        reader = csv.reader(text, delimiter=separator)
        for row in reader:
            if 1 <= len(row) < width and any(row):
                raise DataError(
                    f"{file}: line {reader.line_num} has {len(row)} fields, but line 1 names {width} columns"
                )


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """Raise errors of reading text as one line that names the file and the place."""
    import pandas as pd

    try:
        yield
    except UnicodeDecodeError:
        raise DataError(_undecodable(file)) from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{file} is empty; give a file with a header line and rows") from None
    except pd.errors.ParserError as error:
        fields = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if fields:
            expected, line, saw = fields.groups()
            raise DataError(f"{file}: line {line} has {saw} fields, but line 1 names {expected} columns") from None
        raise DataError(f"{file}: not a readable table ({one_line(error)})") from None
    except BROKEN_GZIP as error:
        raise DataError(f"{file}: a damaged gzip file ({one_line(error)}); write it again") from None
    except csv.Error as error:
        raise DataError(f"{file}: not a readable table ({one_line(error)})") from None


def _undecodable(file: Path) -> str:
    with opened(file) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = line[error.start]
                return f"{file}: line {number}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"
    return f"{file}: not UTF-8; save the file as UTF-8"
