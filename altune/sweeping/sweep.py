"""sweep(): many runs, one table, one page.

Cells are played one after the other, each on all processes: the trajectories of one cell are many and short, so a
second level of processes would win nothing on one machine. Trajectories are kept in one folder for all cells, so
that what two cells share (the baselines of two spaces on the same data, for one) is played once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from altune.errors import AltuneError, RequestError, StorageError
from altune.plain import write_text
from altune.run import REPORT_FILE, Run, open_run
from altune.searching import tune_worlds
from altune.sweeping.preparing import Preparation, Prepared, Refused
from altune.sweeping.request import Cell, SweepRequest, read_sweep
from altune.sweeping.results import RESULT_FILE, CellResult, read_result, write_result
from altune.sweeping.rows import offered_methods, result_rows, to_table
from altune.sweeping.summary import (
    MethodCount,
    Ranking,
    Standing,
    method_counts,
    ranking,
    sentences,
    standings,
)
from altune.tuning.crew import processes
from altune.tuning.progress import Observer, Silent
from altune.tuning.steps import Means
from altune.tuning.storage import ownership

if TYPE_CHECKING:
    import pandas as pd

CACHE = "cache"
CSV_FILE = "results.csv"
PARQUET_FILE = "results.parquet"
PAGE_FILE = "sweep.html"
COMPLETE, FAILED = "complete", "failed"

Surveyed = tuple[Prepared | Refused, CellResult | None]


class SweepObserver(Protocol):
    """Told how a sweep goes; every method returns at once."""

    def cell(self, number: int, cells: int, name: str) -> Observer:
        """Note that a cell begins, the ``number``-th of ``cells``; return who is told of its run."""

    def say(self, line: str) -> None:
        """Note something a person should read."""


class SilentSweep:
    """Takes no notice."""

    def cell(self, number: int, cells: int, name: str) -> Observer:
        """Take no notice."""
        return Silent()

    def say(self, line: str) -> None:
        """Take no notice."""


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
        return None if self.result is None else open_run(self.folder)

    def rows(self) -> list[dict[str, Any]]:
        """Return the cell's rows of the table; a failed cell has one."""
        head = self.cell.coordinates | {"budget": self.labels, "state": self.state, "folder": self.folder.name}
        head |= {"reason": self.reason or None}
        return [head] if self.result is None else [head | row for row in self.result.rows]


class Sweep:
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
    def standings(self) -> list[Standing]:
        """How the confirmed recipes stand against each baseline, random sampling first."""
        return standings(self._rows())

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
        return sentences(self.standings, self.method_counts, len(self.failed))

    @property
    def answer(self) -> str:
        """What a person should know, in sentences."""
        return "\n".join(self.sentences)

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each cell and baseline, with the columns of :data:`altune.sweeping.rows.COLUMNS`."""
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

    def write(self) -> None:
        """Write ``results.csv``, ``results.parquet`` and ``sweep.html`` into the sweep's folder.

        Raises
        ------
        StorageError
            If the folder cannot be written.
        """
        from altune.report.sweep_page import sweep_page

        table = self.to_frame()
        partial = self.folder / f".{PARQUET_FILE}.{os.getpid()}.part"
        try:
            write_text(self.folder / CSV_FILE, table.to_csv(index=False))
            table.to_parquet(partial, index=False)
            os.replace(partial, self.folder / PARQUET_FILE)
            write_text(self.folder / PAGE_FILE, sweep_page(self))
        except OSError as error:
            raise StorageError(f"{self.folder}: cannot write: {error.strerror}; the same command goes on") from None
        except RequestError as error:
            raise StorageError(f"{error}; the same command goes on") from None

    def _rows(self) -> list[dict[str, Any]]:
        return [row for run in self.runs for row in run.rows()]


def sweep(
    source: str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    n_jobs: int = 1,
    observer: SweepObserver | None = None,
) -> Sweep:
    """Tune on every combination of data sets, models, spaces, budgets and seeds, and write one table and one page.

    Each cell is an ordinary run in a folder of its own. A cell that was finished before is read back, one that was
    cut off goes on, and a longer list adds cells. A cell that fails, or whose folder holds a run with another request,
    is told with its reason, and the others are played.

    Parameters
    ----------
    source : the sweep's file, or a mapping of the same form, which may hold data sets, spaces and models as objects;
        see :mod:`altune.sweeping.request`.
    out : the sweep's folder; by default ``runs/`` and the file's stem, ``runs/sweep`` for a mapping.
    n_jobs : processes; −1 for one on each core. It changes no result.
    observer : told how it goes.

    Returns
    -------
    Sweep

    Raises
    ------
    RequestError
        If the file is wrong or a cell cannot be (a budget beyond the pool, a model that the space opens already);
        nothing was played then. Name such cells under ``skip``.
    StorageError
        If the table cannot be written.
    """
    began = time.monotonic()
    watch = observer if observer is not None else SilentSweep()
    request, folder = read_sweep(source), sweep_folder(source, out)
    found = _all_prepared(survey(request, folder), watch)
    means = Means(processes(n_jobs), cache=folder / CACHE)
    with ownership(folder):
        swept = []
        for number, (prepared, result) in enumerate(found, start=1):
            path = folder / prepared.cell.folder
            if result is None:
                own = watch.cell(number, len(found), str(prepared.cell))
                swept.append(_played(prepared, path, means, own, watch))
            else:
                swept.append(SweptCell(prepared.cell, prepared.world.scenario.labels, path, result))
        done = Sweep(request, swept, folder, time.monotonic() - began)
        done.write()
    return done


def sweep_folder(source: str | Path | Mapping[str, Any], out: str | Path | None) -> Path:
    """Return the folder of a sweep."""
    if out is not None:
        return Path(out)
    return Path("runs") / ("sweep" if isinstance(source, Mapping) else Path(source).stem)


def survey(request: SweepRequest, folder: Path) -> list[Surveyed]:
    """Return every cell with its result, if it is finished already, or why it cannot be; nothing is played.

    Raises
    ------
    RequestError
        If a data set or a space cannot be read.
    """
    preparation = Preparation(request)
    found: list[Surveyed] = []
    for cell in request.cells():
        one = preparation.prepare(cell)
        result = None if isinstance(one, Refused) else read_result(folder / cell.folder, one.key())
        if isinstance(one, Prepared) and result is None:
            try:
                one.steps()
            except RequestError as error:
                one = Refused(cell, str(error))
        found.append((one, result))
    return found


def finished_cells(request: SweepRequest, folder: Path) -> int:
    """Return how many cells of a sweep have a result, without reading it."""
    return sum((folder / cell.folder / RESULT_FILE).is_file() for cell in request.cells())


def _all_prepared(found: Sequence[Surveyed], watch: SweepObserver) -> list[tuple[Prepared, CellResult | None]]:
    """Return the cells, or tell each that cannot be and refuse the sweep."""
    prepared = [(one, result) for one, result in found if isinstance(one, Prepared)]
    refused = [one for one, _ in found if isinstance(one, Refused)]
    for one in refused:
        watch.say(f"{one.cell}: {one.reason}")
    if refused:
        raise RequestError(
            f"{len(refused)} of {len(found)} cells cannot be, the first {refused[0].cell}: {refused[0].reason}; "
            "leave them out with `skip`"
        )
    return prepared


def _played(prepared: Prepared, path: Path, means: Means, own: Observer, watch: SweepObserver) -> SweptCell:
    """Play a cell, or go on with it; what fails is told and becomes a failed cell."""
    labels = prepared.world.scenario.labels
    try:
        run = tune_worlds(
            [prepared.world],
            prepared.space,
            prepared.settings,
            means,
            ablation=prepared.ablation,
            out=path,
            observer=own,
        )
        narrowed, _ = prepared.space.narrow(prepared.world.facts)
        result = CellResult(result_rows(run, run.seconds), offered_methods(narrowed))
        write_result(path, prepared.key(), result)
    except AltuneError as error:
        reason = " ".join(str(error).split())
        watch.say(f"{prepared.cell}: {reason}")
        return SweptCell(prepared.cell, labels, path, None, reason)
    return SweptCell(prepared.cell, labels, path, result)
