"""Data sets: built-in ones, files, DataFrames, arrays and sparse matrices."""

from __future__ import annotations

import contextlib
import difflib
from pathlib import Path
from typing import Any

from altune.core.arguments import plain_arguments
from altune.core.errors import DataError
from altune.core.files import absolute
from altune.core.plain import home_path
from altune.core.system_errors import system_errors
from altune.data.arrow import without_arrow
from altune.data.bundled import BUNDLED, BuiltIn, DatasetInfo
from altune.data.dataset import Dataset
from altune.data.encoding import encode
from altune.data.extra import EXTRA
from altune.data.features import is_frame
from altune.data.files import SUFFIXES
from altune.data.given import as_sources, labelled
from altune.data.memory import limited, require_memory
from altune.data.reading import FILE_FIELDS, Reading, reading_arguments
from altune.data.unlabelled import encode_pool

__all__ = [
    "Dataset",
    "DatasetInfo",
    "Reading",
    "as_dataset",
    "as_sources",
    "encode",
    "encode_pool",
    "family_of",
    "labelled",
    "list_datasets",
    "load_dataset",
    "require_memory",
]

_BUILT_IN: dict[str, BuiltIn] = {**BUNDLED, **EXTRA}


@plain_arguments(also=reading_arguments)
def load_dataset(
    name_or_path: str | Path,
    target: str | None = None,
    *,
    groups: str | None = None,
    time: str | None = None,
    **options: Any,
) -> Dataset:
    """Load a built-in data set by name, or read a file.

    Parameters
    ----------
    name_or_path : a name from :func:`list_datasets`, or a file such as ``mine.csv``.
    target : label column, for a file that holds a table.
    groups, time : columns that are no features, see :class:`Dataset`.
    options : how a file is read, see :class:`altune.data.Reading`: ``sep``, ``encoding``, ``decimal``, ``missing``,
        ``sheet``, ``drop``, ``skip_unlabelled``, ``min_class``, ``memory``.

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
    return as_dataset(name_or_path, Reading(target, group=groups, time=time, **options))


def as_dataset(source: Any, reading: Reading) -> Dataset:
    """Return a data set, the built-in one of a name, that of a file, or that of other data in memory.

    Parameters
    ----------
    source : data in any of the forms of :data:`altune.data.given.FORMS`; the target of a data set means nothing.
    reading : how it is read.

    Raises
    ------
    DataError
        If there is no such name or file, the file cannot be used, or an option means nothing for the source.
    """
    columns: dict[str, Any] = {"groups": reading.group, "time": reading.time}
    options = {name: getattr(reading, name) for name in ("target", "memory", *FILE_FIELDS)}
    if is_frame(source := without_arrow(source)):
        return Dataset.from_frame(source, **options, **columns)
    source = labelled(source, reading.target)
    if isinstance(source, Dataset):
        reading.refuse(FILE_FIELDS, f"{source.name} is a data set that is read already")
        return limited(source.with_columns(**columns), reading.memory)
    entry = _BUILT_IN.get(str(source))
    if entry is not None:
        reading.refuse(("target", *FILE_FIELDS), f"{source} is built in and has its labels")
        return limited(entry.load().with_columns(**columns), reading.memory)
    if not _looks_like_a_file(Path(home_path(source, "data"))):
        raise DataError(_no_such_data(str(source)))
    return Dataset.from_file(source, **options, **columns)


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
    with system_errors(path, DataError):
        return path.exists() or len(path.parts) > 1 or path.name.lower().endswith(SUFFIXES)


def _no_such_data(wanted: str) -> str:
    files: list[str] = []
    with contextlib.suppress(OSError):
        files = [entry.name for entry in absolute(Path()).iterdir() if entry.name.lower().endswith(SUFFIXES)]
    near = difflib.get_close_matches(wanted, [*_BUILT_IN, *files], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return f"no data set or file {wanted!r}; {hint}built in: {', '.join(sorted(_BUILT_IN))}"
