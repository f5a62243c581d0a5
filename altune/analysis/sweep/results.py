"""The stored result of one cell of a sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from altune.tuning.folders import CELL_RESULT, SWEEP_PAGE

RESULT_FILE = CELL_RESULT
CSV_FILE = "results.csv"
PARQUET_FILE = "results.parquet"
PAGE_FILE = SWEEP_PAGE


@dataclass(frozen=True)
class CellResult:
    """The result of a finished cell.

    Attributes
    ----------
    rows : its rows of the sweep's table, without coordinates and state.
    offered : the methods that the space offers for each knob with several.
    """

    rows: list[dict[str, Any]]
    offered: dict[str, list[str]]
