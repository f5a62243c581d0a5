"""The resources of a run: processes, storage and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from altune.simulation.execution.backends import Backend
from altune.tuning.search import Callback


@dataclass(frozen=True, eq=False, kw_only=True)
class Resources:
    """Resources available to a run. They never affect its result.

    Parameters
    ----------
    jobs : number of worker processes.
    backend : where they run; by default on this machine.
    cache : folder of finished trajectories that several runs share; by default a folder of the run's own.
    timeout : time limit for the search in seconds, after which no further batch is started; None for no limit.
    callbacks : called with the study and each trial that was just stored.
    storage : address of the database of a study that workers share; None stores a journal in the run's folder.
    study_name : name of the study in that database.
    command : words of the command that makes the run, for those who resume it; empty for a run from Python.
    grace : seconds without a heartbeat after which a worker of a shared study counts as dead; None for the default.
    """

    jobs: int = 1
    backend: Backend | None = None
    cache: Path | None = None
    timeout: float | None = None
    callbacks: Sequence[Callback] = ()
    storage: str | None = None
    study_name: str = "altune"
    command: Sequence[str] = ()
    grace: float | None = None
