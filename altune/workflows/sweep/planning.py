"""The plan of a sweep: its cells, the number of trajectories and the estimated time. Nothing is stored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altune.analysis.sweep.cells import COORDINATES
from altune.analysis.sweep.request import read_sweep
from altune.core.errors import WorkError
from altune.simulation.execution.processes import processes
from altune.tuning.folders import require_folder
from altune.tuning.study_setup import StudySetup
from altune.workflows.probe import Estimate, probe
from altune.workflows.sweep.preparing import Prepared, Refused
from altune.workflows.sweep.sweep import survey, sweep_folder

FINISHED, TO_PLAY, IMPOSSIBLE = "finished", "to play", "impossible"


@dataclass(frozen=True)
class PlannedCell:
    """A cell that has not been played yet.

    Attributes
    ----------
    coordinates : its coordinates by name, with the resolved budget.
    state : ``finished``, ``to play`` or ``impossible``.
    trajectories : maximum number of trajectories; 0 unless it is to be played.
    seconds : measured time of one trajectory in seconds, None where none was measured.
    reason : why it is impossible; empty where it is not.
    folder : name of its folder.
    """

    coordinates: Mapping[str, Any]
    state: str
    trajectories: int
    seconds: float | None
    reason: str
    folder: str


@dataclass(frozen=True)
class SweepPlan:
    """The plan of a sweep.

    Attributes
    ----------
    cells : cells in the order of the file, without those left out.
    left_out : number of cells that ``skip`` leaves out.
    jobs : number of processes.
    folder : folder of the sweep.
    memory : bytes that each process needs, None where nothing was measured or the system does not say.
    """

    cells: Sequence[PlannedCell]
    left_out: int
    jobs: int
    folder: Path
    memory: int | None = None

    @property
    def trajectories(self) -> int:
        """Maximum number of trajectories to play; those that cells share are played once."""
        return sum(cell.trajectories for cell in self.cells)

    @property
    def seconds(self) -> float:
        """Estimated time of the sweep in seconds."""
        return sum(cell.trajectories * (cell.seconds or 0.0) for cell in self.cells) / self.jobs

    def count(self, state: str) -> int:
        """Return the number of cells in a state."""
        return sum(cell.state == state for cell in self.cells)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        cells = [
            dict(cell.coordinates)
            | {"state": cell.state, "trajectories": cell.trajectories, "reason": cell.reason or None}
            | {"seconds_per_trajectory": cell.seconds, "folder": cell.folder}
            for cell in self.cells
        ]
        return {
            "cells": cells,
            "left_out": self.left_out,
            "finished": self.count(FINISHED),
            "trajectories": self.trajectories,
            "seconds": self.seconds,
            "jobs": self.jobs,
            "memory_per_process": self.memory,
            "folder": str(self.folder),
        }


def plan_sweep(source: str | Path | Mapping[str, Any], *, out: str | Path | None = None, n_jobs: int = 1) -> SweepPlan:
    """Return what :func:`altune.sweep` would do, without doing it.

    Time and memory are estimated by a probe (:mod:`altune.workflows.probe`) for each combination of data, model, space
    and budget.

    Raises
    ------
    RequestError
        If the file is wrong. An impossible cell is part of the plan, with its reason.
    """
    request, folder, jobs = read_sweep(source), sweep_folder(source, out), processes(n_jobs)
    require_folder(folder, "sweep")
    probes = _Probes()
    cells = [_planned(cell, result is not None, probes) for cell, result in survey(request, folder)]
    n_combinations = math.prod(len(request.values_of(coordinate)) for coordinate in COORDINATES)
    return SweepPlan(cells, n_combinations - len(cells), jobs, folder, probes.memory)


class _Probes:
    """Probes each combination of data set, model, space and budget once.

    Attributes
    ----------
    memory : most memory that a process needs for any of them, in bytes; None where nothing was measured.
    """

    def __init__(self) -> None:
        self.memory: int | None = None
        self._estimates: dict[tuple[Any, ...], Estimate | None] = {}

    def seconds(self, prepared: Prepared, setup: StudySetup, trajectories: Mapping[str, int]) -> float | None:
        """Return the mean time of one trajectory of a cell in seconds, None if a baseline fails."""
        cell, model = prepared.cell, setup.baselines["vanilla"].model
        key = (cell.data.name, repr(model), cell.space.name, prepared.environment.scenario.labels)
        if key not in self._estimates:
            try:
                self._estimates[key] = probe(setup, trajectories, 1)
            except WorkError:
                self._estimates[key] = None
        estimate = self._estimates[key]
        if estimate is None:
            return None
        if estimate.memory is not None:
            self.memory = max(self.memory or 0, estimate.memory)
        return estimate.seconds_each


def _planned(prepared: Prepared | Refused, finished: bool, probes: _Probes) -> PlannedCell:
    cell = prepared.cell
    if isinstance(prepared, Refused):
        return PlannedCell(cell.coordinates, IMPOSSIBLE, 0, None, prepared.reason, cell.folder)
    coordinates = cell.coordinates | {"budget": prepared.environment.scenario.labels}
    if finished:
        return PlannedCell(coordinates, FINISHED, 0, None, "", cell.folder)
    setup = prepared.setup()
    trajectories = setup.trajectories(confirm=True, ablation=prepared.ablation)
    seconds = probes.seconds(prepared, setup, trajectories)
    return PlannedCell(coordinates, TO_PLAY, sum(trajectories.values()), seconds, "", cell.folder)
