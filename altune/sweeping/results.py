"""What is kept of a finished cell beside its study, so that a finished sweep is read in no time.

The study stays the source of truth: the file counts as absent once the request or the journal is another.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from altune.errors import RequestError, StorageError
from altune.plain import write_text
from altune.tuning.storage import JOURNAL

RESULT_FILE = "result.json"


@dataclass(frozen=True)
class CellResult:
    """The result of a finished cell.

    Attributes
    ----------
    rows : its rows of the sweep's table, without coordinates and state.
    offered : the methods that were to choose from, for each knob where there were several.
    """

    rows: list[dict[str, Any]]
    offered: dict[str, list[str]]


def read_result(folder: Path, key: str) -> CellResult | None:
    """Return the result of a cell's folder, None where there is none that belongs to the request and the study."""
    try:
        plain = json.loads((folder / RESULT_FILE).read_text("utf-8"))
        if (plain["key"], plain["journal_bytes"]) != (key, (folder / JOURNAL).stat().st_size):
            return None
        return CellResult(plain["rows"], plain["offered"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_result(folder: Path, key: str, result: CellResult) -> None:
    """Keep the result of a cell.

    Raises
    ------
    StorageError
        If the folder cannot be written, a full disk for one.
    """
    plain = {"key": key, "journal_bytes": (folder / JOURNAL).stat().st_size, **asdict(result)}
    try:
        write_text(folder / RESULT_FILE, json.dumps(plain, allow_nan=False))
    except RequestError as error:
        raise StorageError(f"{error}; the same command goes on") from None
