"""The progress of a run, as read from its study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from altune.analysis.run import Run
from altune.tuning.away import STAGE as TRANSFER
from altune.tuning.merit import n_again, plays_left
from altune.tuning.record import StudyRecord
from altune.tuning.trials import TrialRecord

if TYPE_CHECKING:
    from altune.tuning.database import WorkerSeen


SILENCE = 600.0
"""Seconds without a sign of life after which no one works on a run whose owner is on another machine."""
SILENT_TRIALS = 20
"""The same as a multiple of the time from one trial to the next, which may be longer."""
FINISHED = ("complete", "dropped", "failed")
"""States of trials that have ended."""
PACE = 40
"""Number of trials, the last ones, from which the pace is computed."""
PAUSE = 10.0
"""A gap this many times as long as nearly all others is a pause of the search."""


@dataclass(frozen=True)
class RunProgress:
    """The progress of a run.

    Attributes
    ----------
    run : the run, as it was read.
    trials : all trials.
    wanted : number of trials that were requested, None if it is not stored.
    best : the best trial so far, whose value is biased upwards; None before a trial is complete.
    seconds_each : seconds from one finished trial to the next, plays again in between included; None if there are too
        few.
    workers : workers of a shared study, the last seen first.
    at_work : whether the process that owns the folder is working on the run; None if that is not known.
    ended : why the run has ended, in words; empty while it is running or unfinished.
    idle : whether the run is unfinished and no process works on it, neither the owner nor a worker.
    """

    run: Run
    trials: tuple[TrialRecord, ...]
    wanted: int | None
    best: TrialRecord | None
    seconds_each: float | None
    workers: tuple[WorkerSeen, ...] = ()
    at_work: bool | None = None
    ended: str = ""
    idle: bool = False
    states: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "states", Counter(trial.state for trial in self.trials))

    @property
    def finished(self) -> int:
        """Number of trials that ended, without forbidden draws."""
        return sum(self.states[state] for state in FINISHED)

    @property
    def trials_left(self) -> int | None:
        """Number of trials that are still to be finished, None if the number of all is not known."""
        return None if self.wanted is None else max(0, self.wanted - self.finished)

    @property
    def searched(self) -> bool:
        """Whether the search has all of its trials, or all of its simulations."""
        return is_searched(self.run.record, self.finished)

    @property
    def plays_left(self) -> int | None:
        """Largest number of plays until the search ends, None if that is not known."""
        record = self.run.record
        if self.wanted is None:
            return None
        batch = int(record.settings["batch"])
        left = record.search_blocks.plays_left(self.wanted, self.finished, batch)
        if record.search_blocks.by_merit and left:  # the plays again of the current batch may be still to come
            left = min(left + n_again(batch), max(0, plays_left(self.wanted, 0, batch) - record.n_played))
        most = record.n_simulations
        return left if most is None else min(left, max(0, most - record.n_played))

    @property
    def seconds_each_play(self) -> float | None:
        """Seconds from one play of the search to the next, None if that is not known."""
        if self.seconds_each is None or not self.run.record.n_played:
            return None
        return self.seconds_each * self.finished / self.run.record.n_played

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the search ends at the current pace, None if that is not known."""
        if self.plays_left is None or self.seconds_each_play is None:
            return None
        return self.plays_left * self.seconds_each_play

    @property
    def recipes(self) -> int | None:
        """Number of different recipes of finished trials, None unless recipes get blocks by merit."""
        if not self.run.record.search_blocks.by_merit:
            return None
        finished = (trial.recipe for trial in self.trials if trial.state in FINISHED)
        return len({recipe.digest() for recipe in finished if recipe is not None})

    @property
    def candidates(self) -> int | None:
        """Number of recipes that are not clearly behind the best one, None unless recipes get blocks by merit."""
        standing = self.run.record.standing()
        return None if standing is None else standing.candidates

    @property
    def stage(self) -> str:
        """``baselines``, ``searching``, ``confirming``, ``transfer``, ``examining``, ``ablation`` or ``ended``."""
        record = self.run.record
        if self.ended:
            return "ended"
        if record.confirmation_key() is not None and self.searched:
            if TRANSFER in record.plan.get("trajectories", {}) and record.away.key is None:
                return "transfer"
            return "ablation" if record.examined() else "examining"
        if not record.baselines():
            return "baselines"
        return "confirming" if self.searched else "searching"

    @property
    def trajectories(self) -> tuple[int, int] | None:
        """Number of trajectories of the whole run that are stored, and the largest number of all; None if not known.

        Those of a trial or of a later stage count once it has ended.
        """
        record, planned = self.run.record, self.run.record.plan.get("trajectories")
        if planned is None or self.plays_left is None:
            return None
        has_ended = {
            "baselines": bool(record.baselines()),
            "confirmation": record.confirmation_key() is not None,
            **({TRANSFER: record.away.key is not None} if TRANSFER in planned else {}),
            "examination": bool(record.examined()),
            "ablation": bool(self.ended),
        }
        done = record.n_played + sum(planned[stage] for stage, is_done in has_ended.items() if is_done)
        left = self.plays_left + sum(planned[stage] for stage, is_done in has_ended.items() if not is_done)
        return done, done + left

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        best: dict[str, Any] | None = None
        if self.best is not None:
            recipe = None if self.best.recipe is None else self.best.recipe.to_dict()
            best = {"number": self.best.number, "value": self.best.value, "recipe": recipe}
        return {
            "run": str(self.run.folder),
            "stage": self.stage,
            "wanted": self.wanted,
            "finished": self.finished,
            "trials": dict(self.states),
            "plays": self.run.record.n_played,
            "recipes": self.recipes,
            "candidates": self.candidates,
            "seconds_each": self.seconds_each,
            "seconds_left": self.seconds_left,
            "trajectories": None
            if self.trajectories is None
            else dict(zip(("done", "all"), self.trajectories, strict=True)),
            "best": best,
            "baselines": self.run.record.baseline_values(),
            "at_work": self.at_work,
            "ended": self.ended,
            "idle": self.idle,
            "command": list(self.run.record.plan.get("command", [])),
        }


def is_searched(record: StudyRecord, finished: int) -> bool:
    """Return whether a search has all of its trials, or all of its simulations.

    Parameters
    ----------
    record : the stored study.
    finished : number of trials that ended, without forbidden draws.
    """
    wanted, most = record.wanted, record.n_simulations
    return (wanted is not None and finished >= wanted) or (most is not None and record.n_played >= most)


def pace(times: Sequence[float]) -> float | None:
    """Return the mean seconds from one finished trial to the next without pauses; None if there are too few trials.

    Parameters
    ----------
    times : when each trial finished, in seconds, in any order; trials of one batch finish at nearly the same time.

    Examples
    --------
    >>> pace([0.0, 10.0, 20.0, 30.0]), pace([5.0])
    (10.0, None)
    """
    gaps = np.diff(np.sort(np.array(times, dtype=np.float64)))[-PACE:]
    if not len(gaps):
        return None
    usual = gaps[gaps <= PAUSE * np.quantile(gaps, 0.9)]
    return float(usual.mean()) if len(usual) and usual.sum() > 0 else None


def no_process_works(
    at_work: bool | None,
    workers: Sequence[WorkerSeen],
    grace: float,
    silent: Callable[[], float],
    seconds_each: float | None,
) -> bool:
    """Return whether no process works on a run that has not ended.

    Parameters
    ----------
    at_work : whether the process that owns the folder is working; None if that is not known, as on another machine.
    workers : workers of a shared study.
    grace : seconds without a heartbeat after which a worker counts as dead.
    silent : returns the seconds since anything of the run was stored; called only where nothing else decides.
    seconds_each : seconds from one finished trial to the next, None if that is not known.
    """
    if at_work or any(worker.silent <= grace for worker in workers):
        return False
    return at_work is False or silent() > max(SILENCE, SILENT_TRIALS * (seconds_each or 0.0))
