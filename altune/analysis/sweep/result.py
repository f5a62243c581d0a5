"""The result of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.analysis.run import Run
from altune.analysis.sweep.cells import Cell
from altune.analysis.sweep.request import SweepRequest
from altune.analysis.sweep.results import CSV_FILE, PAGE_FILE, PARQUET_FILE, CellResult
from altune.analysis.sweep.rows import to_table
from altune.analysis.sweep.summary import MethodCount, Ranking, Verdicts, method_counts, ranking, sentences, verdicts
from altune.core.deprecations import OldNames
from altune.core.text import counted
from altune.tuning.run_folder import REPORT_FILE

if TYPE_CHECKING:
    import pandas as pd


COMPLETE, FAILED = "complete", "failed"


@dataclass(frozen=True, eq=False)
class SweptCell:
    """A cell of a sweep that was played, in this call or before.

    Attributes
    ----------
    cell : coordinates of the cell.
    labels : budget of the cell.
    folder : folder of its run.
    result : its rows of the table and the methods of its space; None if it failed.
    reason : why it failed, in one line; empty if it did not.
    """

    cell: Cell
    labels: int
    folder: Path
    result: CellResult | None
    reason: str = ""

    @property
    def state(self) -> str:
        """``complete`` or ``failed``."""
        return FAILED if self.result is None else COMPLETE

    @property
    def page(self) -> str:
        """Address of its page, relative to the sweep's page."""
        return f"{self.folder.name}/{REPORT_FILE}"

    @cached_property
    def run(self) -> Run | None:
        """The run, opened from its folder on first use; None if the cell failed."""
        return None if self.result is None else Run.open(self.folder)

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the cell in the table; a failed cell has one."""
        head = self.cell.coordinates | {"budget": self.labels, "state": self.state, "folder": self.folder.name}
        head |= {"reason": self.reason or None}
        return [head] if self.result is None else [head | row for row in self.result.rows]


class Sweep(OldNames):
    """The cells of a sweep with their results.

    Attributes
    ----------
    request : the request.
    runs : all cells in the order of the file.
    folder : folder of the runs, the table and the page.
    seconds : wall seconds of this call.
    """

    def __init__(self, request: SweepRequest, runs: Sequence[SweptCell], folder: Path, seconds: float) -> None:
        self.request = request
        self.runs = tuple(runs)
        self.folder = folder
        self.seconds = seconds

    def __repr__(self) -> str:
        return f"Sweep({str(self.folder)!r}, {counted(len(self.runs), 'cell')}, {len(self.failed)} failed)"

    @property
    def failed(self) -> tuple[SweptCell, ...]:
        """The cells without a result."""
        return tuple(run for run in self.runs if run.result is None)

    @property
    def verdicts(self) -> list[Verdicts]:
        """The confirmed recipes against each baseline, random sampling first."""
        return verdicts(self._rows())

    @property
    def ranking(self) -> Ranking | None:
        """The confirmed recipes and the baselines by mean rank; None if there are too few cells."""
        return ranking(self._rows())

    @property
    def method_counts(self) -> list[MethodCount]:
        """How often each method of each open knob was in the confirmed recipe."""
        return method_counts([run.result for run in self.runs if run.result is not None])

    @property
    def sentences(self) -> list[str]:
        """The result in sentences, the most important first."""
        return sentences(self.verdicts, self.method_counts, len(self.failed))

    @property
    def answer(self) -> str:
        """The sentences, one a line."""
        return "\n".join(self.sentences)

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each cell and baseline, with the columns of :data:`altune.analysis.sweep.rows.COLUMNS`."""
        return to_table(self._rows())

    def to_dict(self) -> dict[str, Any]:
        """Return the plain JSON values of the command line's ``--json``."""
        cells = [
            run.cell.coordinates
            | {"budget": run.labels, "state": run.state, "reason": run.reason or None, "run": str(run.folder)}
            | {"results": [] if run.result is None else run.result.rows}
            for run in self.runs
        ]
        files = {name: str(self.folder / name) for name in (CSV_FILE, PARQUET_FILE, PAGE_FILE)}
        return {"answer": self.answer, "cells": cells, "files": files, "seconds": self.seconds}

    def _rows(self) -> list[dict[str, Any]]:
        return [row for run in self.runs for row in run.rows()]
