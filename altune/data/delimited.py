"""Read tables from delimited text, with the line number in errors."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from altune.core.errors import DataError
from altune.core.text import counted
from altune.data.files import BROKEN_GZIP, DataFile, one_line
from altune.data.reading import Reading
from altune.data.sizes import opened

if TYPE_CHECKING:
    import pandas as pd

MISSING = (
    *("", " ", "NA", "N/A", "n/a", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None", "<NA>", "#NA", "#N/A"),
    *("#N/A N/A", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
"""Texts that mean a missing value in features: those of pandas."""
_MARKS = ",;\t|"  # separators that are looked for in a header
_LONGEST_LINE = 1 << 26  # characters of one of the first lines
_BYTE_ORDER_MARKS = {  # that of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class Delimited(NamedTuple):
    """A file of delimited text: separator and encoding."""

    file: DataFile
    sep: str
    encoding: str


class _Row(NamedTuple):
    """The fields of a row, the number of its first line, and its text."""

    fields: list[str]
    line: int
    text: str


def delimited(file: DataFile, separator: str, reading: Reading) -> Delimited:
    """Return how a file is read, with the separator that its kind has unless ``reading`` gives one."""
    return Delimited(file, reading.sep or separator, reading.encoding or _encoding(file))


def read_header(source: Delimited) -> list[str]:
    """Return the names of the columns.

    Raises
    ------
    DataError
        As :func:`read_text_table`.
    """
    with _explained(source), _opened(source) as text:
        return _header(source, _rows(source, text))[0].fields


def read_text_table(source: Delimited, reading: Reading, as_text: Container[str | None]) -> pd.DataFrame:
    """Read a table whose first line names the columns.

    Parameters
    ----------
    source : an existing file, gzipped if its name ends in ``.gz``.
    reading : its decimal mark and further missing values are used.
    as_text : names of the columns that are read as text, in which only an empty field is missing.

    Raises
    ------
    DataError
        For lines of different lengths, bytes that are not of the encoding, NUL characters, a damaged gzip file, or a
        column without a name.
    """
    import pandas as pd

    with _explained(source), _opened(source) as text:
        header, first = _header(source, _rows(source, text))
        names = header.fields
        missing = [*MISSING, *reading.missing]
        texts = {column for column, name in enumerate(names) if name in as_text}
        na_values: Any = {column: [""] if column in texts else missing for column in range(len(names))}
        try:
            rest: Any = _Rest(source, first, text)
            table: pd.DataFrame = pd.read_csv(
                rest,
                sep=source.sep,
                header=None,
                names=list(range(len(names))),  # names may occur twice
                index_col=False,
                dtype=dict.fromkeys(texts, str),
                keep_default_na=False,
                na_values=na_values,
                decimal=reading.decimal or ".",
                low_memory=False,
            )
        except pd.errors.EmptyDataError:
            table = pd.DataFrame(columns=range(len(names)))
        except pd.errors.ParserError as error:
            _refuse_row(source, header)
            raise DataError(f"{source.file}: not a readable table ({one_line(error)})") from None
        if len(table) and table.iloc[:, -1].isna().any():  # pandas fills up lines that are too short
            _refuse_row(source, header)
    table.columns = pd.Index(names)
    return table


def numbered_lines(source: Delimited) -> Iterator[tuple[int, str]]:
    """Yield each line of a text file with its number.

    Raises
    ------
    DataError
        For bytes that are not of the encoding, NUL characters, or a damaged gzip file.
    """
    with _explained(source), _opened(source) as text:
        for number, line in enumerate(_lines(source, text), 1):
            if "\0" in line:
                _refuse_nul(source)
            yield number, line.removeprefix("\ufeff") if number == 1 else line


class _Rest:
    """The text of a file from its first row on, for pandas; a NUL character is refused with its line."""

    def __init__(self, source: Delimited, first: str, text: io.TextIOWrapper) -> None:
        self._source, self._first, self._text = source, first, text

    def read(self, size: int = -1) -> str:
        part, self._first = self._first or self._text.read(size), ""
        if "\0" in part:
            _refuse_nul(self._source)
        return part

    def __iter__(self) -> Iterator[str]:  # pandas asks whether there is one
        return iter(self._text)


def _encoding(file: DataFile) -> str:
    """Return what the byte order mark says, else UTF-8."""
    try:
        with opened(file) as stream:
            head = stream.read(4)
    except BROKEN_GZIP as error:
        raise DataError(f"{file}: a damaged gzip file ({one_line(error)}); write it again") from None
    return next((name for mark, name in _BYTE_ORDER_MARKS.items() if head.startswith(mark)), "utf-8")


@contextmanager
def _opened(source: Delimited) -> Iterator[io.TextIOWrapper]:
    with opened(source.file) as stream, io.TextIOWrapper(stream, source.encoding, newline="") as text:
        yield text


def _lines(source: Delimited, text: io.TextIOWrapper) -> Iterator[str]:
    """Yield the lines, of which none may be without an end."""
    while line := text.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise DataError(f"{source.file}: a line of more than {_LONGEST_LINE} characters; this is no table")
        yield line


def _rows(source: Delimited, text: io.TextIOWrapper) -> Iterator[_Row]:
    """Yield the rows from the header on, without empty lines."""
    taken: list[str] = []

    def lines() -> Iterator[str]:
        for line in _lines(source, text):
            taken.append(line.removeprefix("\ufeff"))  # the byte order mark
            yield taken[-1]

    reader, begun = csv.reader(lines(), delimiter=source.sep), 1
    for fields in reader:
        if fields and (len(fields) > 1 or fields[0].strip(" \t")):
            yield _Row(fields, begun, "".join(taken))
            taken.clear()
        begun = reader.line_num + 1


def _header(source: Delimited, rows: Iterator[_Row]) -> tuple[_Row, str]:
    """Return the header and the text of the first row; comments above the header are left out."""
    header, first = next(rows, None), next(rows, None)
    while header and first and _is_comment(header, first):
        header, first = first, next(rows, None)
    if header is None:
        raise DataError(f"{source.file} is empty; give a file with a header line and rows")
    if "\0" in header.text:
        _refuse_nul(source)
    source.file.require_columns(len(header.fields))
    _check_separator(source, header, first)
    blank = next((column for column, name in enumerate(header.fields, 1) if not name.strip()), None)
    if blank is not None:
        end = f", or the {source.sep!r} at the end of the line" if blank == len(header.fields) else ""
        raise DataError(
            f"{source.file}: column {blank} has no name in line {header.line}; name it, or leave out the row numbers "
            f"(to_csv(index=False)){end}"
        )
    if first is not None and len(first.fields) != len(header.fields):
        _refuse_row(source, header)
    return header, "" if first is None else first.text


def _is_comment(row: _Row, following: _Row) -> bool:
    """Return whether a row is a comment above the header, which has other fields than the row after it."""
    if not row.fields[0].startswith("#"):
        return False
    return len(row.fields) != len(following.fields) or (len(row.fields) == 1 and following.fields[0].startswith("#"))


def _check_separator(source: Delimited, header: _Row, first: _Row | None) -> None:
    """Refuse a separator that does not fit the first lines, if another one does."""
    rows = [header] if first is None else [header, first]
    if len(header.fields) > 1 and len({len(row.fields) for row in rows}) == 1:
        return
    for mark in _MARKS.replace(source.sep, ""):
        counts = {len(next(csv.reader([row.text], delimiter=mark), [])) for row in rows}
        if len(counts) == 1 and counts != {1}:
            given = "tab" if mark == "\t" else f"'{mark}'"
            raise DataError(
                f"{source.file}: line {header.line} contains {mark!r} between its fields, and {source.sep!r} does not "
                f"fit; give --sep {given} (sep={mark!r} in Python)"
            )


def _refuse_row(source: Delimited, header: _Row) -> None:
    """Refuse the first row with another number of fields than there are column names, or with an open quotation."""
    width = len(header.fields)
    row = header
    with _opened(source) as text:
        for row in _rows(source, text):
            if row.line > header.line and len(row.fields) != width and (len(row.fields) > width or any(row.fields)):
                break
        else:
            width = len(row.fields)
    if row.text.count('"') % 2:
        raise DataError(
            f"{source.file}: not a readable table (line {row.line} opens a quotation mark that is not closed)"
        )
    if len(row.fields) != width:
        end = ", the last one empty" if len(row.fields) == width + 1 and not row.fields[-1] else ""
        raise DataError(
            f"{source.file}: line {row.line} has {counted(len(row.fields), 'field')}{end}, but line {header.line} "
            f"names {counted(width, 'column')}"
        )


def _refuse_nul(source: Delimited) -> NoReturn:
    with _opened(source) as text:
        line = next((number for number, line in enumerate(_lines(source, text), 1) if "\0" in line), 1)
    raise DataError(
        f"{source.file}: line {line} has a NUL character; the file is damaged, or of another encoding such as "
        "--encoding utf-16-le"
    )


@contextmanager
def _explained(source: Delimited) -> Iterator[None]:
    """Raise errors of reading text as one line that names the file and the place."""
    try:
        yield
    except UnicodeError:
        raise DataError(_undecodable(source)) from None
    except BROKEN_GZIP as error:
        raise DataError(f"{source.file}: a damaged gzip file ({one_line(error)}); write it again") from None
    except csv.Error as error:
        hint = "; is a quotation mark open, or the separator another one (--sep)?" if "limit" in str(error) else ""
        raise DataError(f"{source.file}: not a readable table ({one_line(error)}){hint}") from None


def _undecodable(source: Delimited) -> str:
    """Return the line that is not of the encoding, and what would be right."""
    name = "UTF-8" if codecs.lookup(source.encoding).name == "utf-8" else source.encoding
    right = "give --encoding, such as --encoding latin-1 or cp1252" if name == "UTF-8" else "give another --encoding"
    decoder, line = codecs.getincrementaldecoder(source.encoding)(), 1
    with opened(source.file) as stream:
        while part := stream.read(1 << 20):
            try:
                line += decoder.decode(part).count("\n")
            except UnicodeDecodeError as error:
                data = bytes(error.object)
                if data.count(0) > len(data) // 4:  # every other byte of Latin text
                    right = "give --encoding, such as --encoding utf-16-le or utf-16-be"
                line += data[: error.start].decode(source.encoding, "replace").count("\n")
                return f"{source.file}: line {line}: byte 0x{data[error.start]:02x} is not {name}; {right}"
            except UnicodeError:
                break
    return f"{source.file}: not {name}; {right}"
