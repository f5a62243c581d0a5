"""The memory that data may take: how much is free, what a limit means, and one way to refuse what would not fit."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from altune.core.errors import DataError

T = TypeVar("T")

BYTES_PER_NUMBER = 8
_GROUP_FILES = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_LEAST = 10**6


def as_memory(value: Any) -> int:
    """Return a limit of memory in bytes.

    Parameters
    ----------
    value : a number of bytes, 1,000,000 or more, or a text such as ``4GB``, ``500M`` or ``2GiB``.

    Raises
    ------
    DataError
        For anything else.

    Examples
    --------
    >>> as_memory("4GB"), as_memory("1.5 GiB")
    (4000000000, 1610612736)
    """
    match = _SIZE.fullmatch(str(value).strip()) if isinstance(value, (str, int)) else None
    number = 0 if match is None else int(float(match[1]) * (1024 if match[3] else 1000) ** _UNITS[match[2].upper()])
    if isinstance(value, bool) or number < _LEAST:
        raise DataError(f"memory must be 1 MB or more, such as 4GB, 500MB or 2GiB, not {value!r} (--memory)")
    return number


def limited(dataset: T, memory: int | None) -> T:
    """Return a data set with a limit of the memory that what is made of it may take; None keeps the one it has."""
    if memory is None:
        return dataset
    other = copy.copy(dataset)
    vars(other).update(memory=memory)
    return other


def available_memory(root: Path = Path("/")) -> int | None:
    """Return the free memory in bytes, as the system and the control group allow it; None if neither reports it.

    Parameters
    ----------
    root : folder that holds ``proc`` and ``sys``.
    """
    sizes = [size for size in (_from_meminfo(root), *_from_cgroups(root), _from_ulimit()) if size is not None]
    return min(sizes) if sizes else _from_sysconf()


def require_bytes(needed: float, what: str, right: str, limit: int | None = None) -> None:
    """Refuse what needs more memory than there is, before it is made.

    Parameters
    ----------
    needed : bytes, at least roughly.
    what : what needs them, for the message.
    right : what would be right, for the message.
    limit : bytes that may be used, which were given; by default the free memory.

    Raises
    ------
    DataError
        In one line.

    Examples
    --------
    >>> require_bytes(5e9, "mine.csv", "leave out columns (--drop)", limit=10**9)
    Traceback (most recent call last):
    altune.core.errors.DataError: mine.csv needs about 5.0 GB of memory, and the limit is 1.0 GB (--memory); leave \
out columns (--drop)
    """
    most = available_memory() if limit is None else limit
    if most is not None and needed > most:
        bound = f"{shown_bytes(most)} are free" if limit is None else f"the limit is {shown_bytes(most)} (--memory)"
        raise DataError(f"{what} needs about {shown_bytes(needed)} of memory, and {bound}; {right}")


def require_memory(n_rows: int, n_columns: int, what: str, *, available: int | None = None) -> None:
    """Refuse a dense float64 array of shape ``(n_rows, n_columns)`` that is larger than the available memory.

    Parameters
    ----------
    n_rows, n_columns : shape of the array.
    what : what the array is, for the message.
    available : bytes that may be used; by default the free memory.

    Examples
    --------
    >>> require_memory(10**6, 10**6, "the table as numbers", available=8 * 10**9)
    Traceback (most recent call last):
    altune.core.errors.DataError: the table as numbers, 1000000 rows x 1000000 columns, needs about 8000.0 GB of \
memory, and the limit is 8.0 GB (--memory); use fewer columns, or sparse features (a scipy CSR matrix, or a .svmlight \
file)
    """
    require_bytes(
        n_rows * n_columns * BYTES_PER_NUMBER,
        f"{what}, {n_rows} rows x {n_columns} columns,",
        "use fewer columns, or sparse features (a scipy CSR matrix, or a .svmlight file)",
        available,
    )


def shown_bytes(size: float) -> str:
    """Return a number of bytes in words.

    >>> shown_bytes(7.4e9), shown_bytes(2.5e6)
    ('7.4 GB', '2.5 MB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def _from_meminfo(root: Path) -> int | None:
    try:
        for line in (root / "proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None


def _from_cgroups(root: Path) -> Iterator[int]:
    """Yield what each control group that this process belongs to has left; groups are nested, each with a limit."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        kinds, _, path = line.partition(":")[2].partition(":")
        if kinds and "memory" not in kinds.split(","):
            continue
        groups = root / "sys/fs/cgroup/memory" if kinds else root / "sys/fs/cgroup"
        parts = Path(path).parts[1:]
        for depth in range(len(parts) + 1):
            folder = groups.joinpath(*parts[:depth])
            for limit, usage in _GROUP_FILES:
                try:
                    left = int((folder / limit).read_text("ascii")) - int((folder / usage).read_text("ascii"))
                    stat = dict(entry.split() for entry in (folder / "memory.stat").read_text("ascii").splitlines())
                except (OSError, ValueError):  # absent, or the word "max"
                    continue
                # The cache of files counts as used, and the system takes it back when memory is asked for.
                yield max(left + sum(int(stat.get(name, 0)) for name in ("active_file", "inactive_file")), 0)


def _from_ulimit() -> int | None:
    """Return what the limit of this process's addresses, ``ulimit -v``, leaves of them."""
    try:
        import resource  # POSIX only

        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    except (ImportError, OSError, ValueError, IndexError):
        return None
    return None if most == resource.RLIM_INFINITY else max(most - used, 0)


def _from_sysconf() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
