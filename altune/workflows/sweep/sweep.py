"""sweep(): tune every combination of data sets, models, spaces, budgets and seeds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from altune.analysis.sweep.request import SweepRequest, read_sweep
from altune.analysis.sweep.result import Sweep, SweptCell
from altune.analysis.sweep.results import RESULT_FILE, CellResult
from altune.analysis.sweep.rows import offered_methods, result_rows
from altune.core.arguments import plain_arguments
from altune.core.errors import AltuneError, RequestError
from altune.simulation.execution.processes import processes
from altune.tuning.folders import SWEEP_CACHE, require_folder
from altune.tuning.header import settings_to_resume, space_to_resume
from altune.tuning.observer import Observer
from altune.tuning.own_code import own_code, unknown_lines
from altune.tuning.resources import Resources
from altune.tuning.run_folder import stored_header
from altune.tuning.storage import ownership
from altune.workflows.progress import SweepProgress, python_display
from altune.workflows.sweep.preparing import Preparation, Prepared, Refused
from altune.workflows.sweep.results import read_result, write_result
from altune.workflows.tune import tune_environments

Surveyed = tuple[Prepared | Refused, CellResult | None]


class SweepObserver(Protocol):
    """Receives the progress of a sweep; every method returns at once."""

    def cell(self, number: int, cells: int, name: str) -> Observer:
        """Note that a cell starts, the ``number``-th of ``cells``; return the observer of its run."""

    def say(self, line: str) -> None:
        """Note a message."""


@plain_arguments()
def sweep(
    source: str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    n_jobs: int = 1,
    observer: SweepObserver | None = None,
    progress: bool = True,
) -> Sweep:
    """Tune every combination of data sets, models, spaces, budgets and seeds, and write one table and one page.

    Each cell is an ordinary run in a folder of its own. A finished cell is read from its folder, an interrupted one is
    resumed, and cells can be added. A cell that fails, or whose folder holds another run, is reported with its reason,
    and the other cells are played.

    Parameters
    ----------
    source : file of the sweep, or a mapping of the same form, which may hold data sets, spaces and models as objects;
        see :mod:`altune.analysis.sweep.request`.
    out : folder of the sweep; by default ``runs/`` and the stem of the file, ``runs/sweep`` for a mapping.
    n_jobs : number of processes; −1 uses all cores. It does not affect results.
    observer : receives messages and progress, in place of the display.
    progress : whether to show messages and progress in a terminal or a notebook, as for :func:`altune.tune`.

    Returns
    -------
    Sweep

    Raises
    ------
    RequestError
        If the file is wrong, the folder holds anything but a sweep, or a cell is impossible (a budget beyond the pool,
        a model that the space already opens); nothing is played in that case. Name such cells under ``skip``.
    StorageError
        If the table cannot be written.
    """
    from altune.report.write import write_sweep

    began = time.monotonic()
    display = SweepProgress(python_display(progress and observer is None))
    watch = observer if observer is not None else display
    request, folder = read_sweep(source), sweep_folder(source, out)
    require_folder(folder, "sweep")
    cells = _all_prepared(survey(request, folder), watch)
    reused = (prepared.space for prepared, result in cells if result is not None)
    for line in dict.fromkeys(line for space in reused for line in unknown_lines(own_code(space))):
        watch.say(line)  # of a cell that is played, its own run says it
    resources = Resources(jobs=processes(n_jobs), cache=folder / SWEEP_CACHE)
    with ownership(folder), contextlib.closing(display):
        swept = []
        for number, (prepared, result) in enumerate(cells, start=1):
            path = folder / prepared.cell.folder
            if result is None:
                swept.append(
                    _played(prepared, path, resources, watch, watch.cell(number, len(cells), str(prepared.cell)))
                )
            else:
                swept.append(SweptCell(prepared.cell, prepared.environment.scenario.labels, path, result))
        finished = Sweep(request, swept, folder, time.monotonic() - began)
        write_sweep(finished)
    return finished


def sweep_folder(source: str | Path | Mapping[str, Any], out: str | Path | None) -> Path:
    """Return the folder of a sweep."""
    if out is not None:
        return Path(out)
    return Path("runs") / ("sweep" if isinstance(source, Mapping) else Path(source).stem)


def survey(request: SweepRequest, folder: Path) -> list[Surveyed]:
    """Return every cell with its result if it is finished, or why it is impossible; nothing is played.

    Raises
    ------
    RequestError
        If a data set or a space cannot be read.
    """
    preparation = Preparation(request)
    surveyed: list[Surveyed] = []
    for cell in request.cells():
        prepared = preparation.prepare(cell)
        result = None
        if isinstance(prepared, Prepared):
            prepared, result = _with_result(prepared, folder / cell.folder)
        if isinstance(prepared, Prepared) and result is None:
            try:
                prepared.setup()
            except RequestError as error:
                prepared = Refused(cell, str(error))
        surveyed.append((prepared, result))
    return surveyed


def _with_result(prepared: Prepared, folder: Path) -> tuple[Prepared, CellResult | None]:
    """Return a cell with the result in its folder, None if it has none of this request.

    A cell that was begun with another revision of a shipped space, or before a default changed, has the space and the
    settings that its study stored.
    """
    result = read_result(folder, prepared.key())
    header = None if result is not None else stored_header(folder)
    if header is None:
        return prepared, result
    space, settings = space_to_resume(header, prepared.space), settings_to_resume(header, prepared.settings)
    prepared = replace(prepared, space=prepared.space if space is None else space, settings=settings)
    return prepared, read_result(folder, prepared.key())


def finished_cells(request: SweepRequest, folder: Path) -> int:
    """Return the number of cells of a sweep that have a result, without reading it."""
    return sum((folder / cell.folder / RESULT_FILE).is_file() for cell in request.cells())


def _all_prepared(surveyed: Sequence[Surveyed], watch: SweepObserver) -> list[tuple[Prepared, CellResult | None]]:
    """Return the cells; if some are impossible, report each and refuse the sweep."""
    prepared = [(cell, result) for cell, result in surveyed if isinstance(cell, Prepared)]
    refused = [cell for cell, _ in surveyed if isinstance(cell, Refused)]
    for impossible in refused:
        watch.say(f"{impossible.cell}: {impossible.reason}")
    if refused:
        raise RequestError(
            f"{len(refused)} of {len(surveyed)} cells are impossible, the first is {refused[0].cell}: "
            f"{refused[0].reason}; leave them out with `skip`"
        )
    return prepared


def _played(
    prepared: Prepared, path: Path, resources: Resources, watch: SweepObserver, observer: Observer
) -> SweptCell:
    """Play or resume a cell; an error is reported and makes it a failed cell."""
    labels = prepared.environment.scenario.labels
    try:
        run = tune_environments(
            [prepared.environment],
            prepared.space,
            prepared.settings,
            resources,
            ablation=prepared.ablation,
            out=path,
            observer=observer,
        )
        narrowed, _ = prepared.space.narrow(prepared.environment.capabilities)
        result = CellResult(result_rows(run, run.seconds), offered_methods(narrowed))
        write_result(path, prepared.key(), result)
    except AltuneError as error:
        reason = " ".join(str(error).split())
        watch.say(f"{prepared.cell}: {reason}")
        return SweptCell(prepared.cell, labels, path, None, reason)
    return SweptCell(prepared.cell, labels, path, result)
