"""Find, name and describe data files. :mod:`altune.data.sizes` opens them."""

from __future__ import annotations

import difflib
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from altune.core.errors import DataError
from altune.core.files import kind_of_file
from altune.core.plain import home_path
from altune.core.system_errors import system_errors
from altune.data.memory import available_memory, require_bytes

SUFFIXES = (
    *(".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".feather", ".xlsx", ".npz", ".svmlight", ".libsvm"),
    *(".csv.gz", ".tsv.gz", ".jsonl.gz", ".ndjson.gz", ".svmlight.gz", ".libsvm.gz"),
)
_PICKLES = {".pkl", ".pickle", ".joblib", ".sav"}
_SINGLE = "holds a single array; save X and y with numpy.savez(file, X=X, y=y)"
_WHY = {**dict.fromkeys(_PICKLES, "is refused, because such files may run code"), ".npy": _SINGLE}
BROKEN_GZIP = (EOFError, gzip.BadGzipFile, zlib.error)
_FIRST_BYTES = {
    rb"\x1f\x8b": "gzip",
    rb"BZh[1-9]1AY&": "bzip2",
    rb"\xfd7zXZ\0": "xz",
    rb"\x28\xb5\x2f\xfd": "zstd",
    rb"PK\x03\x04": "zip",
    rb"PK\x05\x06": "empty zip",
    rb"PAR1\x15": "Parquet",
    rb"ARROW1\0\0": "Feather",
    rb"FEA1\0\0": "Feather",
    rb"\x93NUMPY": "npy",
    rb"\x80[\x02-\x05]": "pickle",
}
"""Kinds of files by a pattern of their first bytes, which is that of no text."""
_RIGHT = {
    "gzip": "its name should end in .gz",
    "Parquet": "its name should end in .parquet",
    "Feather": "its name should end in .feather",
    "npy": f"it {_SINGLE}",
    "pickle": "such files may run code and are not read",
}
_UNKNOWN = 1 << 62
MOST_COLUMNS = 100_000
_BEGINNINGS = {".parquet": ("Parquet",), ".feather": ("Feather",), ".xlsx": ("zip",), ".npz": ("zip", "empty zip")}


@dataclass(frozen=True)
class DataFile:
    """A file that exists, the kind of its content, and the memory that reading it may take.

    Parameters
    ----------
    path : the file; messages name it.
    kind : its suffix in lower case, without ``.gz``.
    memory : bytes that were allowed; None for the free memory.
    """

    path: Path
    kind: str
    memory: int | None = None

    def __str__(self) -> str:
        return str(self.path)

    @property
    def is_gzip(self) -> bool:
        """Whether the file is unpacked when it is read."""
        return self.path.suffix.lower() == ".gz"

    @cached_property
    def room(self) -> int:
        """Bytes of memory that there are."""
        free = available_memory() if self.memory is None else self.memory
        return _UNKNOWN if free is None else free

    def require(self, needed: float) -> None:
        """Refuse the file if its content would need more bytes of memory than there are."""
        if needed > self.room:
            right = "leave out rows or columns, or give sparse features (.svmlight)"
            require_bytes(needed, str(self), right, self.memory)

    def require_columns(self, count: int) -> None:
        """Refuse a table with too many columns, each of which takes kilobytes and milliseconds."""
        if count > MOST_COLUMNS:
            right = f"a table has at most {MOST_COLUMNS}, so give an array (.npz) or sparse features (.svmlight)"
            raise DataError(f"{self} has {count} columns; {right}")


def existing_file(path: str | Path) -> Path:
    """Return the path of a regular file that exists and is not empty."""
    file = Path(home_path(path, "data"))
    with system_errors(file, DataError):
        kind = kind_of_file(file)
        if kind:
            raise DataError(f"{file} is {kind}; give a file ({', '.join(SUFFIXES)})")
        if not file.exists():
            near = _near_files(file)
            hint = f"; similar: {', '.join(near)}" if near else f"; {file.parent} has no such file"
            raise DataError(f"no file {file}{hint}")
        with file.open("rb") as stream:
            empty = not stream.read(1)
    if empty:
        raise DataError(f"{file} is empty; give a file with a header line and rows")
    return file


def data_file(path: str | Path, memory: int | None, kind: str | None = None) -> DataFile:
    """Return a file of data, whose first bytes are those of its kind.

    Parameters
    ----------
    path : the file.
    memory : bytes that reading it may take; None for the free memory.
    kind : suffix that says how it is read; by default its own.
    """
    path = existing_file(path)
    file = DataFile(path, kind or data_suffix(path).removesuffix(".gz"), memory)
    with path.open("rb") as stream:
        head = stream.read(8)
    begins = next((name for first, name in _FIRST_BYTES.items() if re.match(first, head)), "")
    expected = ("gzip",) if file.is_gzip else _BEGINNINGS.get(file.kind, ("",))
    if begins and begins not in expected:
        right = _RIGHT.get(begins, "unpack it, or write it again")
        raise DataError(f"{file}: begins like a {begins} file, not like {path.suffix}; {right}")
    return file


def data_suffix(file: Path) -> str:
    """Return the suffix in lower case, such as ``.csv`` or ``.csv.gz``."""
    suffixes = [part.lower() for part in file.suffixes]
    suffix = "".join(suffixes[-2:]) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])
    if suffix in SUFFIXES:
        return suffix
    raise DataError(f"{file}: the suffix {suffix!r} {_WHY.get(suffix, 'is unknown')}; accepted: {', '.join(SUFFIXES)}")


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


@contextmanager
def readable(file: DataFile, kind: str) -> Iterator[None]:
    """Raise whatever a library makes of a damaged file as one line; a ``DataError`` passes.

    Parameters
    ----------
    file : the file that the block reads.
    kind : the kind of file, for the message.
    """
    try:
        yield
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(f"{file}: not enough memory to read it ({one_line(error)})") from None
    except BROKEN_GZIP as error:
        if not file.is_gzip:
            raise DataError(f"{file}: not a readable {kind} file, perhaps truncated ({one_line(error)})") from None
        raise DataError(f"{file}: a damaged gzip file ({one_line(error)}); write it again") from None
    except Exception as error:  # each library has errors of its own
        raise DataError(f"{file}: not a readable {kind} file, perhaps truncated ({one_line(error)})") from None


def one_line(error: BaseException) -> str:
    """Return the message of an error as one short line."""
    return " ".join(str(error).split())[:160] or type(error).__name__


def _near_files(file: Path) -> list[str]:
    try:
        names = [entry.name for entry in file.parent.iterdir() if entry.is_file()]
    except OSError:
        return []
    return difflib.get_close_matches(file.name, names, n=3, cutoff=0.5)
