"""Find, name and open data files."""

from __future__ import annotations

import difflib
import gzip
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from altune.core.errors import DataError

SUFFIXES = (
    *(".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".feather", ".xlsx", ".npz", ".svmlight", ".libsvm"),
    *(".csv.gz", ".tsv.gz", ".jsonl.gz", ".ndjson.gz", ".svmlight.gz", ".libsvm.gz"),
)
_PICKLES = {".pkl", ".pickle", ".joblib", ".sav"}
BROKEN_GZIP = (EOFError, gzip.BadGzipFile, zlib.error)


def existing_file(path: str | Path) -> Path:
    """Return the path of a file that exists and is not empty."""
    file = Path(path).expanduser()
    if file.is_dir():
        raise DataError(f"{file} is a directory; give a file ({', '.join(SUFFIXES)})")
    if not file.exists():
        near = _near_files(file)
        hint = f"; similar: {', '.join(near)}" if near else f"; {file.parent} has no such file"
        raise DataError(f"no file {file}{hint}")
    try:
        with file.open("rb") as stream:
            empty = not stream.read(1)
    except OSError as error:
        raise DataError(f"{file}: cannot be opened ({error.strerror})") from None
    if empty:
        raise DataError(f"{file} is empty; give a file with a header line and rows")
    return file


def data_suffix(file: Path) -> str:
    """Return the suffix in lower case, such as ``.csv`` or ``.csv.gz``."""
    suffixes = [part.lower() for part in file.suffixes]
    suffix = "".join(suffixes[-2:]) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])
    if suffix in SUFFIXES:
        return suffix
    why = "is refused, because such files may run code" if suffix in _PICKLES else "is unknown"
    raise DataError(f"{file}: the suffix {suffix!r} {why}; accepted: {', '.join(SUFFIXES)}")


def data_name(path: str | Path) -> str:
    """Return the name of a file without its suffixes.

    >>> data_name("some/mine.csv.gz")
    'mine'
    """
    name = Path(path).name
    lowered = name.lower()
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if lowered.endswith(suffix):
            return name[: -len(suffix)] or name
    return Path(path).stem


def opened(file: Path) -> IO[bytes]:
    """Open a file for reading bytes, unpacked if its name ends in ``.gz``."""
    opener: Callable[..., Any] = gzip.open if file.suffix.lower() == ".gz" else open
    stream: IO[bytes] = opener(file, "rb")
    return stream


def one_line(error: BaseException) -> str:
    """Return the message of an error as one short line."""
    return " ".join(str(error).split())[:160] or type(error).__name__


def _near_files(file: Path) -> list[str]:
    try:
        names = [entry.name for entry in file.parent.iterdir() if entry.is_file()]
    except OSError:
        return []
    return difflib.get_close_matches(file.name, names, n=3, cutoff=0.5)
