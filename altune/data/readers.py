"""Read features and labels from files. No file is unpickled, so none can run code."""

from __future__ import annotations

import difflib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from altune.core.errors import DataError
from altune.data.delimited import read_text_table
from altune.data.files import BROKEN_GZIP, data_suffix, existing_file, one_line, opened
from altune.data.svmlight import read_svmlight

if TYPE_CHECKING:
    import pandas as pd

TARGET_NAMES = ("target", "label", "class", "y")
_SPARSE_KEYS = ("data", "indices", "indptr", "shape")


class Content(NamedTuple):
    """Features and labels of a file."""

    X: Any
    y: Any


def read_file(path: str | Path, target: str | None = None) -> Content:
    """Read features and labels from a file by its suffix."""
    file = existing_file(path)
    table = _read_table(file)
    if table is not None:
        return _split_target(table, target, file)
    if target is not None:
        raise DataError(f"{file}: this kind of file has labels of its own; leave out the target column {target!r}")
    if data_suffix(file) == ".npz":
        return _read_npz(file)
    with opened(file) as stream:
        X, y = read_svmlight(stream, str(file))
    return Content(X, y)


def read_features(path: str | Path, target: str | None = None) -> Any:
    """Read the features of a file whose rows may have no labels; labels that it has are left out.

    Parameters
    ----------
    path : the file.
    target : column of a table that is left out; by default the only one named target, label, class or y, if there is
        one.
    """
    file = existing_file(path)
    table = _read_table(file)
    if table is None:
        if data_suffix(file) == ".npz":
            return _features_of(_read_arrays(file), str(file))
        return read_file(file, target).X
    columns = _checked_columns(table, file, "at least one row")
    usual = [name for name in columns if name.strip().lower() in TARGET_NAMES]
    if target is not None:
        usual = [find_target(columns, target, str(file))]
    left = table.drop(columns=usual) if len(usual) == 1 else table
    if left.shape[1] == 0:
        raise DataError(f"{file} has only the target column {usual[0]!r}; give at least one feature column")
    return left


def read_delimited(path: str | Path, target: str | None, separator: str) -> Content:
    """Read features and labels from delimited text with column names in the first line."""
    file = existing_file(path)
    return _split_target(read_text_table(file, separator), target, file)


def _read_table(file: Path) -> pd.DataFrame | None:
    """Return the table of a file, None if its kind holds arrays."""
    suffix = data_suffix(file)
    if suffix in (".csv", ".csv.gz"):
        return read_text_table(file, ",")
    if suffix in (".tsv", ".tsv.gz"):
        return read_text_table(file, "\t")
    return _read_parquet(file) if suffix == ".parquet" else None


def _read_parquet(file: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # From a path, pyarrow would also read partition columns out of the names of folders.
        with file.open("rb") as stream:
            table: pd.DataFrame = pq.ParquetFile(stream).read().to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{file}: not a readable Parquet file, perhaps truncated ({one_line(error)})") from None
    table.columns = pd.Index([str(name) for name in table.columns])
    return table


def _checked_columns(table: pd.DataFrame, file: Path, rows: str) -> list[str]:
    """Return the names of the columns of a table; it needs some rows, and names that differ."""
    columns = [str(name) for name in table.columns]
    if len(set(columns)) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise DataError(f"{file}: the column name {twice!r} occurs twice; give each column its own name")
    if len(table) == 0:
        raise DataError(f"{file} has column names but no rows; give {rows}")
    return columns


def _split_target(table: pd.DataFrame, target: str | None, file: Path) -> Content:
    columns = _checked_columns(table, file, "at least two rows of two classes")
    label = find_target(columns, target, str(file))
    if len(columns) == 1:
        raise DataError(f"{file} has only the target column {label!r}; give at least one feature column")
    return Content(table.drop(columns=label), table[label].reset_index(drop=True))


def find_target(columns: Sequence[str], target: str | None, where: str) -> str:
    """Return the label column: ``target``, or else the only column with a usual name.

    >>> find_target(["size", "Class"], None, "mine.csv")
    'Class'
    """
    listed = ", ".join(columns[:12]) + (f", … ({len(columns)} in total)" if len(columns) > 12 else "")
    if target is not None:
        if target in columns:
            return target
        near = difflib.get_close_matches(target, columns, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise DataError(f"{where}: no target column {target!r}; {hint}columns: {listed}")
    usual = [name for name in columns if name.strip().lower() in TARGET_NAMES]
    if len(usual) == 1:
        return usual[0]
    why = f"several columns could be the target ({', '.join(usual)})" if usual else "no column is named target or label"
    raise DataError(f"{where}: {why}; give --target COLUMN (target='COLUMN' in Python), one of: {listed}")


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
