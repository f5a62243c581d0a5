"""Data sets: built-in ones, files, DataFrames, arrays and sparse matrices."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from altune.core.errors import DataError
from altune.data.bundled import BUNDLED, BuiltIn, DatasetInfo
from altune.data.dataset import Dataset
from altune.data.encoding import encode
from altune.data.extra import EXTRA
from altune.data.files import SUFFIXES
from altune.data.memory import require_memory
from altune.data.reading import READING_FIELDS, Reading
from altune.data.unlabelled import encode_pool

__all__ = [
    "Dataset",
    "DatasetInfo",
    "Reading",
    "encode",
    "encode_pool",
    "family_of",
    "list_datasets",
    "load_dataset",
    "require_memory",
]

_BUILT_IN: dict[str, BuiltIn] = {**BUNDLED, **EXTRA}


def load_dataset(name_or_path: str | Path, target: str | None = None, **options: Any) -> Dataset:
    """Load a built-in data set by name, or read a file.

    Parameters
    ----------
    name_or_path : a name from :func:`list_datasets`, or a file such as ``mine.csv``.
    target : label column, for a file that holds a table.
    options : how a file is read, see :class:`altune.data.Reading`: ``sep``, ``encoding``, ``decimal``, ``missing``,
        ``sheet``, ``drop``, ``skip_unlabelled``, ``min_class``.

    Raises
    ------
    DataError
        If there is no such name or file, or the file cannot be used.
    MissingExtraError
        If the data set needs the extra ``datasets``.

    Examples
    --------
    >>> load_dataset("digits").n_rows
    1797
    """
    entry = _BUILT_IN.get(str(name_or_path))
    if entry is not None:
        Reading(target, **options).refuse(READING_FIELDS, f"{name_or_path} is built in and has its labels")
        return entry.load()
    if _looks_like_a_file(Path(name_or_path).expanduser()):
        return Dataset.from_file(name_or_path, target, **options)
    raise DataError(_no_such_data(str(name_or_path)))


def list_datasets() -> list[DatasetInfo]:
    """Return a description of every built-in data set, those that need no extra first.

    Examples
    --------
    >>> list_datasets()[0].name
    'digits'
    """
    return [entry.info for entry in _BUILT_IN.values()]


def family_of(name: str) -> str | None:
    """Return the family of a built-in data set, and None for any other name.

    Data sets of one family have the same origin or subject, so they are left out together when something that was
    learned from data sets is tested on others.

    Examples
    --------
    >>> family_of("mnist_5k"), family_of("mine.csv")
    ('digits', None)
    """
    entry = _BUILT_IN.get(name)
    return entry.info.family if entry is not None else None


def _looks_like_a_file(path: Path) -> bool:
    return path.exists() or len(path.parts) > 1 or path.name.lower().endswith(SUFFIXES)


def _no_such_data(wanted: str) -> str:
    files = [entry.name for entry in Path.cwd().iterdir() if entry.name.lower().endswith(SUFFIXES)]
    near = difflib.get_close_matches(wanted, [*_BUILT_IN, *files], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return f"no data set or file {wanted!r}; {hint}built in: {', '.join(sorted(_BUILT_IN))}"
