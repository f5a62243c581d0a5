"""How a run stands while it goes on, read from its folder: nothing is written there, and no lock is taken."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from altune.analysis.explained import space_of_run
from altune.analysis.importance import WORTH_ASKING, KnobImportance, knob_importance
from altune.analysis.observations import different_recipes
from altune.errors import RequestError, StorageError, WorkError
from altune.run import JOURNAL, REPORT_FILE, SHARED_FILE, Run
from altune.tuning.confirmation import best_recipes
from altune.tuning.progress import Observer, Silent
from altune.tuning.record import HEADER
from altune.tuning.storage import LOCK, read_study
from altune.tuning.trials import TrialRecord, record_of
from altune.yaml import read_yaml

if TYPE_CHECKING:
    from altune.tuning.database import TrialQueue, WorkerSeen

GROWTH = 1.2
"""By how much the recipes must have grown for that to be asked again."""
PATIENCE = 10
"""How many times as long as the last answer took must have passed."""
PACE = 40
"""Trials, the last ones, that tell the pace."""
PAUSE = 10.0
"""A gap so many times as long as nearly all others is a pause, not a trial."""


@dataclass(frozen=True)
class Standing:
    """How a run stands.

    Attributes
    ----------
    run : the run, as it was read.
    trials : every trial.
    wanted : trials that were asked for, None where the study does not say.
    best : the best trial so far, whose value flatters it; None before one is complete.
    seconds_each : seconds from one finished trial to the next; None before there is a pace.
    workers : of a shared study, the latest seen first.
    at_work : whether the process that owns the folder lives; None where that cannot be told.
    ended : why nothing more will come, in words; empty while the run goes on.
    """

    run: Run
    trials: tuple[TrialRecord, ...]
    wanted: int | None
    best: TrialRecord | None
    seconds_each: float | None
    workers: tuple[WorkerSeen, ...] = ()
    at_work: bool | None = None
    ended: str = ""
    states: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "states", Counter(trial.state for trial in self.trials))

    @property
    def finished(self) -> int:
        """Trials that ended, forbidden draws aside."""
        return sum(self.states[state] for state in ("complete", "dropped", "failed"))

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the search still takes at the pace so far."""
        if self.wanted is None or self.seconds_each is None:
            return None
        return max(0, self.wanted - self.finished) * self.seconds_each

    @property
    def stage(self) -> str:
        """``baselines``, ``searching``, ``confirming`` or ``ended``."""
        if self.ended:
            return "ended"
        if not self.run.record.baselines():
            return "baselines"
        return "confirming" if self.wanted is not None and self.finished >= self.wanted else "searching"

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
            "seconds_each": self.seconds_each,
            "seconds_left": self.seconds_left,
            "best": best,
            "baselines": self.run.record.baseline_values(),
            "at_work": self.at_work,
            "ended": self.ended,
        }


class Watched:
    """A run that is watched.

    Parameters
    ----------
    folder : the run's folder: a journal, or the name of a database that holds the study.
    observer : told where a database is waited for.

    Raises
    ------
    RequestError
        If there is no run, or it has not begun.
    """

    def __init__(self, folder: Path, observer: Observer | None = None) -> None:
        self.folder = folder
        self._queue: TrialQueue | None = None
        self._known: dict[int, TrialRecord] = {}
        self._importance = _Importance()
        self.run = Run(self._study(observer if observer is not None else Silent()), folder)
        if HEADER not in self.run.record.attributes:
            raise RequestError(f"{folder}: the run has not begun yet, its study is empty; try again in a moment")
        self.run.record.require_estimators(str(folder))

    def standing(self) -> Standing:
        """Return how the run stands now.

        Raises
        ------
        StorageError
            If the study cannot be read now; it may be tried again.
        """
        try:
            stored = self.run.study.get_trials(deepcopy=False)
            workers = () if self._queue is None else self._queue.overview().workers
        except (OSError, ValueError) as error:
            raise StorageError(f"{self.folder}: cannot be read now ({error})") from None
        trials = [self._record(trial) for trial in stored]
        ended = [trial.datetime_complete for trial in stored if trial.state.is_finished() and trial.datetime_complete]
        record = self.run.record
        best = best_recipes(trials, 1, record.scenario.make_objectives(), record.preference)
        at_work = self._at_work()
        return Standing(
            run=self.run,
            trials=tuple(trials),
            wanted=record.wanted,
            best=best[0] if best else None,
            seconds_each=pace([one.timestamp() for one in ended]),
            workers=workers,
            at_work=at_work,
            ended=self._ended(trials, at_work),
        )

    def importance(self, standing: Standing, *, anew: bool = False) -> KnobImportance | str:
        """Return which knobs matter so far, or in words why that cannot be said yet.

        It takes time, so it is worked out again only where enough new recipes have come.

        Parameters
        ----------
        standing : how the run stands.
        anew : whether to work it out whatever was known.
        """
        return self._importance.of(self.run, standing.trials, anew)

    def _study(self, observer: Observer) -> Any:
        if not (self.folder / SHARED_FILE).is_file():
            return read_study(self.folder)
        from altune.tuning.shared import open_shared

        where = read_yaml(self.folder / SHARED_FILE)
        shared = open_shared(str(where["storage"]), str(where["study"]), observer)
        self._queue = shared.queue
        return shared.study

    def _record(self, trial: Any) -> TrialRecord:
        if trial.number not in self._known:
            record = record_of(trial)
            if not trial.state.is_finished():
                return record
            self._known[trial.number] = record
        return self._known[trial.number]

    def _at_work(self) -> bool | None:
        """Return whether the owner's process lives, as far as its folder tells."""
        try:
            words = (self.folder / LOCK).read_text("utf-8").split()
        except OSError:
            return None
        if len(words) != 2 or not words[0].isdigit() or words[1] != socket.gethostname() or os.name != "posix":
            return None
        try:
            os.kill(int(words[0]), 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def _ended(self, trials: Sequence[TrialRecord], at_work: bool | None) -> str:
        """Return why nothing more will come; empty where something may."""
        record = self.run.record
        counted = sum(trial.state not in ("forbidden", "running", "waiting") for trial in trials)
        done = record.wanted is not None and counted >= record.wanted
        if done and record.confirmation_key() is not None:
            return "confirmed"
        if not self._page_is_last():
            return ""
        if done:
            return "finished, and not confirmed"
        return "" if at_work else f"ended with {counted} trials; the same `altune tune` command goes on"

    def _page_is_last(self) -> bool:
        """Return whether the page was written after all else: a run does so when it ends."""
        beside = self.folder / (JOURNAL if self._queue is None else SHARED_FILE)
        try:
            return (self.folder / REPORT_FILE).stat().st_mtime_ns >= beside.stat().st_mtime_ns
        except OSError:
            return False


@dataclass
class _Importance:
    """The last answer to which knobs matter, what it was made from, and when."""

    found: KnobImportance | str = ""
    recipes: int = 0
    seconds: float = 0.0
    since: float = 0.0

    def of(self, run: Run, trials: Sequence[TrialRecord], anew: bool) -> KnobImportance | str:
        recipes = different_recipes(trials)
        if recipes < WORTH_ASKING:
            return (
                f"too few trials yet to say which knobs matter ({recipes} different recipes, {WORTH_ASKING} are the "
                "least)"
            )
        began = time.monotonic()
        grown = recipes >= max(GROWTH * self.recipes, self.recipes + 1)
        rested = began - self.since >= PATIENCE * self.seconds
        if not self.recipes or (anew and recipes > self.recipes) or (grown and rested):
            space, facts = space_of_run(run.record)
            try:
                self.found = knob_importance(trials, space, facts=facts)
            except (RequestError, WorkError) as error:
                self.found = f"which knobs matter cannot be said: {error}"
            self.recipes, self.since = recipes, time.monotonic()
            self.seconds = self.since - began
        return self.found


def pace(times: Sequence[float]) -> float | None:
    """Return the seconds from one finished trial to the next, pauses left out; None where there is no pace yet.

    Parameters
    ----------
    times : when trials were finished, in seconds, in any order; trials of one batch come nearly at once.

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
