"""Refuse an array that would not fit into memory before it is made."""

from __future__ import annotations

import os
from pathlib import Path

from altune.core.errors import DataError

BYTES_PER_NUMBER = 8
_MEMINFO = Path("/proc/meminfo")
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def available_memory() -> int | None:
    """Return the available memory in bytes, None if the system does not report it."""
    sizes = [size for size in (_from_meminfo(), _from_cgroup()) if size is not None]
    return min(sizes) if sizes else _from_sysconf()


def require_memory(n_rows: int, n_columns: int, what: str, *, available: int | None = None) -> None:
    """Refuse a dense float64 array of shape ``(n_rows, n_columns)`` that is larger than the available memory.

    Parameters
    ----------
    n_rows, n_columns : shape of the array.
    what : what the array is, for the message.
    available : bytes that may be used; by default the available memory.

    Examples
    --------
    >>> require_memory(10**6, 10**6, "the table as numbers", available=8 * 10**9)
    Traceback (most recent call last):
    altune.core.errors.DataError: the table as numbers: 1000000 rows x 1000000 columns need 8000.0 GB, but 8.0 GB \
are available; use fewer columns, or sparse features (a scipy CSR matrix, or a .svmlight file)
    """
    limit = available if available is not None else available_memory()
    needed = n_rows * n_columns * BYTES_PER_NUMBER
    if limit is not None and needed > limit:
        raise DataError(
            f"{what}: {n_rows} rows x {n_columns} columns need {needed / 1e9:.1f} GB, but {limit / 1e9:.1f} GB "
            "are available; use fewer columns, or sparse features (a scipy CSR matrix, or a .svmlight file)"
        )


def _from_meminfo() -> int | None:
    try:
        for line in _MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None


def _from_cgroup() -> int | None:
    try:
        return int(_CGROUP_LIMIT.read_text(encoding="ascii"))
    except (OSError, ValueError):  # absent, or the word "max"
        return None


def _from_sysconf() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
