"""The result of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.analysis.run import Run
from altune.analysis.sweep.request import Cell, SweepRequest
from altune.analysis.sweep.results import CSV_FILE, PAGE_FILE, PARQUET_FILE, CellResult
from altune.analysis.sweep.rows import to_table
from altune.analysis.sweep.summary import MethodCount, Ranking, Verdicts, method_counts, ranking, sentences, verdicts
from altune.core.deprecations import OldNames
from altune.tuning.run_folder import REPORT_FILE

if TYPE_CHECKING:
    import pandas as pd


COMPLETE, FAILED = "complete", "failed"


@dataclass(frozen=True, eq=False)
class SweptCell:
    """A cell of a sweep that was played, now or before.

    Attributes
    ----------
    cell : its coordinates.
    labels : its budget, filled in.
    folder : its run's folder.
    result : its rows of the table and the methods that were to choose from; None where it failed.
    reason : why it failed, one line; empty where it did not.
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
        """Address of its own page, as seen from the sweep's."""
        return f"{self.folder.name}/{REPORT_FILE}"

    @cached_property
    def run(self) -> Run | None:
        """The run, opened from its folder when it is first asked for; None where the cell failed."""
        return None if self.result is None else Run.open(self.folder)

    def rows(self) -> list[dict[str, Any]]:
        """Return the cell's rows of the table; a failed cell has one."""
        head = self.cell.coordinates | {"budget": self.labels, "state": self.state, "folder": self.folder.name}
        head |= {"reason": self.reason or None}
        return [head] if self.result is None else [head | row for row in self.result.rows]


class Sweep(OldNames):
    """The cells of a sweep with their results.

    Attributes
    ----------
    request : what was asked for.
    runs : every cell, in the order of the file.
    folder : where the runs, the table and the page are.
    seconds : wall seconds of this call.
    """

    def __init__(self, request: SweepRequest, runs: Sequence[SweptCell], folder: Path, seconds: float) -> None:
        self.request = request
        self.runs = tuple(runs)
        self.folder = folder
        self.seconds = seconds

    def __repr__(self) -> str:
        return f"Sweep({str(self.folder)!r}, {len(self.runs)} cells, {len(self.failed)} failed)"

    @property
    def failed(self) -> tuple[SweptCell, ...]:
        """The cells without a result."""
        return tuple(run for run in self.runs if run.result is None)

    @property
    def verdicts(self) -> list[Verdicts]:
        """How the confirmed recipes stand against each baseline, random sampling first."""
        return verdicts(self._rows())

    @property
    def ranking(self) -> Ranking | None:
        """How the confirmed recipes rank among the baselines; None where there are too few cells to rank."""
        return ranking(self._rows())

    @property
    def method_counts(self) -> list[MethodCount]:
        """How often each method of each open knob was in the confirmed recipe."""
        return method_counts([run.result for run in self.runs if run.result is not None])

    @property
    def sentences(self) -> list[str]:
        """The answer sentence by sentence, the most important first."""
        return sentences(self.verdicts, self.method_counts, len(self.failed))

    @property
    def answer(self) -> str:
        """What a person should know, in sentences."""
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
