"""Read features and labels from files. No file is unpickled, so none can run code."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from altune.core.errors import DataError
from altune.data.delimited import delimited, read_header, read_text_table
from altune.data.files import DataFile, data_file
from altune.data.formats import read_arrow_table, read_excel, read_json_lines
from altune.data.labels import labels_of_texts
from altune.data.npz import read_npz
from altune.data.numerals import with_numbers
from altune.data.reading import Reading
from altune.data.svmlight import read_svmlight

if TYPE_CHECKING:
    import pandas as pd

TARGET_NAMES = ("target", "label", "class", "y")
_ARRAYS = (".npz", ".svmlight", ".libsvm")
_LONGEST = 60  # characters of a name in a message
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


class Content(NamedTuple):
    """Features and labels of a file."""

    X: Any
    y: Any


def read_file(path: str | Path, reading: Reading) -> Content:
    """Read features and labels from a file by its suffix."""
    file = _file_of(path, reading)
    if file.kind in _ARRAYS:
        return Content(*(read_npz(file) if file.kind == ".npz" else read_svmlight(file)))
    return split_target(_read_table(file, reading, True), reading, str(file))


def read_features(path: str | Path, reading: Reading) -> Any:
    """Read the features of a file whose rows may have no labels; labels that it has are left out.

    Parameters
    ----------
    path : the file.
    reading : its target is a column of a table that is left out; by default the only one named target, label, class
        or y, if there is one.
    """
    file = _file_of(path, reading)
    if file.kind in _ARRAYS:
        return (read_npz(file, labelled=False) if file.kind == ".npz" else read_svmlight(file))[0]
    table = _without_dropped(_read_table(file, reading, False), reading, str(file))
    columns = _checked_columns(table, str(file), "at least one row")
    usual = [name for name in columns if _is_usual(name)]
    if reading.target is not None:
        usual = [find_target(columns, reading.target, str(file))]
    left = table.drop(columns=usual) if len(usual) == 1 else table
    if left.shape[1] == 0:
        raise DataError(f"{file} has only the target column {usual[0]!r}; give at least one feature column")
    return with_numbers(left, reading)


def read_delimited(path: str | Path, reading: Reading) -> Content:
    """Read features and labels from delimited text with column names in its first line, whatever its suffix."""
    file = data_file(path, reading.memory, ".csv")
    reading.refuse(("sheet",), f"{file}: a text file has no sheets")
    return split_target(_read_text(file, ",", reading, True), reading, str(file))


def split_target(table: pd.DataFrame, reading: Reading, where: str) -> Content:
    """Return the features and the labels of a table.

    Raises
    ------
    DataError
        If a column that is named is not there, a name occurs twice, or nothing is left.
    """
    table = _without_dropped(table, reading, where)
    columns = _checked_columns(table, where, "at least two rows of two classes")
    label = find_target(columns, reading.target, where)
    if len(columns) == 1:
        raise DataError(f"{where} has only the target column {label!r}; give at least one feature column")
    return Content(with_numbers(table.drop(columns=label), reading), table[label].reset_index(drop=True))


def _file_of(path: str | Path, reading: Reading) -> DataFile:
    """Return a file; options that mean nothing for its kind are refused."""
    file = data_file(path, reading.memory)
    kind = file.kind
    if kind in _ARRAYS:
        reading.refuse(
            ("target", "sep", "encoding", "decimal", "missing", "sheet", "drop"),
            f"{file}: this kind of file has numbers and labels of its own",
        )
    if kind not in _SEPARATORS:
        reading.refuse(("sep",), f"{file}: only .csv and .tsv files have a separator")
    if kind not in (*_SEPARATORS, ".jsonl", ".ndjson"):
        reading.refuse(("encoding",), f"{file}: only text files have an encoding")
    if kind != ".xlsx":
        reading.refuse(("sheet",), f"{file}: only Excel files have sheets")
    return file


def _read_table(file: DataFile, reading: Reading, labelled: bool) -> pd.DataFrame:
    kind = file.kind
    if kind in _SEPARATORS:
        return _read_text(file, _SEPARATORS[kind], reading, labelled)
    if kind in (".jsonl", ".ndjson"):
        return read_json_lines(file, reading)
    if kind == ".xlsx":
        return read_excel(file, reading)
    named = {reading.target, reading.group, reading.time}
    return read_arrow_table(file, lambda name: name in named or _is_usual(name))


def _read_text(file: DataFile, separator: str, reading: Reading, labelled: bool) -> pd.DataFrame:
    """Read delimited text; where it is ``labelled``, labels and names of groups stay what is in the file."""
    source = delimited(file, separator, reading)
    if not labelled:
        return read_text_table(source, reading, {reading.group} - {None})
    columns = [name for name in read_header(source) if name not in reading.drop]
    if not columns:
        raise DataError(f"{file} has no column left; drop fewer (--drop)")
    _refuse_twice(columns, str(file))
    label = find_target(columns, reading.target, str(file))
    table = read_text_table(source, reading, {label, reading.group})
    table[label] = labels_of_texts(table[label])
    return table


def _without_dropped(table: pd.DataFrame, reading: Reading, where: str) -> pd.DataFrame:
    """Return a table with text as names of its columns, without those that are dropped."""
    import pandas as pd

    names = [str(name) for name in table.columns]
    for name in reading.drop:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise DataError(f"{where}: no column {name!r} to drop; {hint}columns: {_listed(names)}")
    kept = [position for position, name in enumerate(names) if name not in reading.drop]
    if not kept:
        raise DataError(f"{where} has no column" + (" left; drop fewer (--drop)" if reading.drop else "; give some"))
    return table.iloc[:, kept].set_axis(pd.Index([names[position] for position in kept]), axis=1)


def _checked_columns(table: pd.DataFrame, where: str, rows: str) -> list[str]:
    """Return the names of the columns of a table; it needs some rows, and names that differ."""
    columns = list(table.columns)
    _refuse_twice(columns, where)
    if len(table) == 0:
        raise DataError(f"{where} has column names but no rows; give {rows}")
    return columns


def _refuse_twice(columns: Sequence[str], where: str) -> None:
    twice = next((name for name, count in Counter(columns).items() if count > 1), None)
    if twice is not None:
        raise DataError(
            f"{where}: the column name {twice!r} occurs twice; give each column its own name{_no_names(columns)}"
        )


def _is_usual(name: str) -> bool:
    return name.strip().lower() in TARGET_NAMES


def _no_names(columns: Sequence[str]) -> str:
    """Return a hint if some names of columns are numbers with a fraction, as values are."""
    for name in columns:
        try:
            if not float(name).is_integer():
                return f" ({name!r} looks like a value: the first line must name the columns)"
        except (ValueError, OverflowError):
            continue
    return ""


def _listed(columns: Sequence[str]) -> str:
    shown = (name if len(name) <= _LONGEST and name.isprintable() else repr(name[:_LONGEST]) for name in columns[:12])
    return ", ".join(shown) + (f", … ({len(columns)} in total)" if len(columns) > 12 else "")


def find_target(columns: Sequence[str], target: str | None, where: str) -> str:
    """Return the label column: ``target``, or else the only column with a usual name.

    >>> find_target(["size", "Class"], None, "mine.csv")
    'Class'
    """
    listed = _listed(columns)
    if target is not None:
        if target in columns:
            return target
        near = difflib.get_close_matches(target, columns, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise DataError(f"{where}: no target column {target!r}; {hint}columns: {listed}")
    usual = [name for name in columns if _is_usual(name)]
    if len(usual) == 1:
        return usual[0]
    why = f"several columns could be the target ({', '.join(usual)})" if usual else "no column is named target or label"
    raise DataError(
        f"{where}: {why}; give --target COLUMN (target='COLUMN' in Python), one of: {listed}{_no_names(columns)}"
    )
