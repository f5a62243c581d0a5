"""Read features and labels from files. No file is unpickled, so none can run code."""

from __future__ import annotations

import difflib
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from altune.core.errors import DataError
from altune.data.delimited import delimited, read_header, read_text_table
from altune.data.files import BROKEN_GZIP, data_suffix, existing_file, one_line, opened
from altune.data.formats import read_arrow_table, read_excel, read_json_lines
from altune.data.labels import labels_of_texts
from altune.data.numerals import with_numbers
from altune.data.reading import Reading
from altune.data.svmlight import read_svmlight

if TYPE_CHECKING:
    import pandas as pd

TARGET_NAMES = ("target", "label", "class", "y")
_SPARSE_KEYS = ("data", "indices", "indptr", "shape")
_ARRAYS = (".npz", ".svmlight", ".libsvm")
_LONGEST = 60  # characters of a name in a message
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


class Content(NamedTuple):
    """Features and labels of a file."""

    X: Any
    y: Any


def read_file(path: str | Path, reading: Reading) -> Content:
    """Read features and labels from a file by its suffix."""
    file = existing_file(path)
    kind = _kind_of(file, reading)
    if kind == ".npz":
        return _read_npz(file)
    if kind in _ARRAYS:
        with opened(file) as stream:
            return Content(*read_svmlight(stream, str(file)))
    return split_target(_read_table(file, kind, reading, True), reading, str(file))


def read_features(path: str | Path, reading: Reading) -> Any:
    """Read the features of a file whose rows may have no labels; labels that it has are left out.

    Parameters
    ----------
    path : the file.
    reading : its target is a column of a table that is left out; by default the only one named target, label, class
        or y, if there is one.
    """
    file = existing_file(path)
    kind = _kind_of(file, reading)
    if kind in _ARRAYS:
        return _features_of(_read_arrays(file), str(file)) if kind == ".npz" else read_file(file, reading).X
    table = _without_dropped(_read_table(file, kind, reading, False), reading, str(file))
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
    file = existing_file(path)
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


def _kind_of(file: Path, reading: Reading) -> str:
    """Return the suffix of a file without ``.gz``; options that mean nothing for its kind are refused."""
    kind = data_suffix(file).removesuffix(".gz")
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
    return kind


def _read_table(file: Path, kind: str, reading: Reading, labelled: bool) -> pd.DataFrame:
    if kind in _SEPARATORS:
        return _read_text(file, _SEPARATORS[kind], reading, labelled)
    if kind in (".jsonl", ".ndjson"):
        return read_json_lines(file, reading)
    if kind == ".xlsx":
        return read_excel(file, reading)
    named = {reading.target, reading.group, reading.time}
    return read_arrow_table(file, kind == ".feather", lambda name: name in named or _is_usual(name))


def _read_text(file: Path, separator: str, reading: Reading, labelled: bool) -> pd.DataFrame:
    """Read delimited text; where it is ``labelled``, labels and names of groups stay what is in the file."""
    source = delimited(file, separator, reading)
    if not labelled:
        return read_text_table(source, reading, ())
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


def _read_npz(file: Path) -> Content:
    return _from_arrays(_read_arrays(file), str(file))


def _read_arrays(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:  # numpy leaves a damaged file open
            archive = np.load(opened, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(f"{file}: holds a single array; save X and y with numpy.savez(file, X=X, y=y)")
            with archive:
                return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, *BROKEN_GZIP) as error:
        if "pickle" in str(error).lower():
            raise DataError(
                f"{file}: holds Python objects, which may run code, or is not an npz file; save numbers and "
                "fixed-width text, such as y.astype(str)"
            ) from None
        raise DataError(f"{file}: not a readable npz file, perhaps truncated ({one_line(error)})") from None


def _from_arrays(arrays: dict[str, Any], where: str) -> Content:
    if "y" in arrays and ("X" in arrays or all(key in arrays for key in _SPARSE_KEYS)):
        return Content(_features_of(arrays, where), arrays["y"])
    present = ", ".join(sorted(arrays)) or "none"
    raise DataError(f"{where}: arrays X and y (or data, indices, indptr, shape and y) are needed; present: {present}")


def _features_of(arrays: dict[str, Any], where: str) -> Any:
    if "X" in arrays:
        return arrays["X"]
    if all(key in arrays for key in _SPARSE_KEYS):
        stored = str(np.asarray(arrays.get("format", "csr")).astype(str))
        if stored != "csr":
            raise DataError(f"{where}: the sparse format is {stored!r}; save X.tocsr()")
        try:
            n_rows, n_columns = map(int, arrays["shape"])
            parts = arrays["data"], arrays["indices"], arrays["indptr"]
            matrix = sp.csr_array(parts, shape=(n_rows, n_columns))
            matrix.check_format(full_check=True)
        except (ValueError, TypeError, IndexError) as error:
            raise DataError(f"{where}: the CSR arrays do not fit together ({one_line(error)})") from None
        return matrix
    present = ", ".join(sorted(arrays)) or "none"
    raise DataError(f"{where}: an array X (or data, indices, indptr and shape) is needed; present: {present}")
