"""Read and write the result of one cell of a sweep."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from altune.analysis.sweep.results import RESULT_FILE, CellResult
from altune.core.errors import RequestError, StorageError
from altune.core.files import write_text
from altune.tuning.storage import JOURNAL


def read_result(folder: Path, key: str) -> CellResult | None:
    """Return the result in the folder of a cell, None if there is none of this request and study."""
    try:
        plain = json.loads((folder / RESULT_FILE).read_text("utf-8"))
        if (plain["key"], plain["journal_bytes"]) != (key, (folder / JOURNAL).stat().st_size):
            return None
        return CellResult(plain["rows"], plain["offered"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_result(folder: Path, key: str, result: CellResult) -> None:
    """Store the result of a cell.

    Raises
    ------
    StorageError
        If the folder cannot be written, a full disk for one.
    """
    plain = {"key": key, "journal_bytes": (folder / JOURNAL).stat().st_size, **asdict(result)}
    try:
        write_text(folder / RESULT_FILE, json.dumps(plain, allow_nan=False))
    except RequestError as error:
        raise StorageError(f"{error}; the same command resumes it") from None
