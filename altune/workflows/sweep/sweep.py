"""sweep(): tune every combination of data sets, models, spaces, budgets and seeds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from altune.analysis.sweep.request import SweepRequest, read_sweep
from altune.analysis.sweep.result import Sweep, SweptCell
from altune.analysis.sweep.results import RESULT_FILE, CellResult
from altune.analysis.sweep.rows import offered_methods, result_rows
from altune.core.errors import AltuneError, RequestError
from altune.simulation.execution.processes import processes
from altune.tuning.observer import Observer, Silent
from altune.tuning.stages import Resources
from altune.tuning.storage import ownership
from altune.workflows.sweep.preparing import Preparation, Prepared, Refused
from altune.workflows.sweep.results import read_result, write_result
from altune.workflows.tune import tune_environments

CACHE = "cache"
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
        see :mod:`altune.analysis.sweep.request`.
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
    from altune.report.write import write_sweep

    began = time.monotonic()
    watch = observer if observer is not None else SilentSweep()
    request, folder = read_sweep(source), sweep_folder(source, out)
    found = _all_prepared(survey(request, folder), watch)
    resources = Resources(processes(n_jobs), cache=folder / CACHE)
    with ownership(folder):
        swept = []
        for number, (prepared, result) in enumerate(found, start=1):
            path = folder / prepared.cell.folder
            if result is None:
                own = watch.cell(number, len(found), str(prepared.cell))
                swept.append(_played(prepared, path, resources, own, watch))
            else:
                swept.append(SweptCell(prepared.cell, prepared.environment.scenario.labels, path, result))
        done = Sweep(request, swept, folder, time.monotonic() - began)
        write_sweep(done)
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
                one.stages()
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


def _played(prepared: Prepared, path: Path, resources: Resources, own: Observer, watch: SweepObserver) -> SweptCell:
    """Play a cell, or go on with it; what fails is told and becomes a failed cell."""
    labels = prepared.environment.scenario.labels
    try:
        run = tune_environments(
            [prepared.environment],
            prepared.space,
            prepared.settings,
            resources,
            ablation=prepared.ablation,
            out=path,
            observer=own,
        )
        narrowed, _ = prepared.space.narrow(prepared.environment.capabilities)
        result = CellResult(result_rows(run, run.seconds), offered_methods(narrowed))
        write_result(path, prepared.key(), result)
    except AltuneError as error:
        reason = " ".join(str(error).split())
        watch.say(f"{prepared.cell}: {reason}")
        return SweptCell(prepared.cell, labels, path, None, reason)
    return SweptCell(prepared.cell, labels, path, result)
