"""Watch a run while it is in progress: read its folder again and again, without a lock."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.analysis.importance.explained import space_of_run
from altune.analysis.importance.knob_importance import WORTH_ASKING, KnobImportance, knob_importance
from altune.analysis.importance.observations import different_recipes
from altune.analysis.progress import RunProgress, pace
from altune.analysis.run import Run
from altune.core.errors import RequestError, StorageError, WorkError
from altune.core.yaml import read_yaml
from altune.tuning.confirmation import best_recipes
from altune.tuning.header import HEADER
from altune.tuning.observer import Observer, Silent
from altune.tuning.run_folder import REPORT_FILE, SHARED_FILE
from altune.tuning.storage import JOURNAL, LOCK, read_study
from altune.tuning.trials import TrialRecord, record_of

if TYPE_CHECKING:
    from altune.tuning.database import TrialQueue


GROWTH = 1.2
"""By how much the recipes must have grown for that to be asked again."""
PATIENCE = 10
"""How many times as long as the last answer took must have passed."""


class WatchedRun:
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

    def standing(self) -> RunProgress:
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
        return RunProgress(
            run=self.run,
            trials=tuple(trials),
            wanted=record.wanted,
            best=best[0] if best else None,
            seconds_each=pace([one.timestamp() for one in ended]),
            workers=workers,
            at_work=at_work,
            ended=self._ended(trials, at_work),
        )

    def importance(self, standing: RunProgress, *, anew: bool = False) -> KnobImportance | str:
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
                self.found = knob_importance(trials, space, capabilities=facts)
            except (RequestError, WorkError) as error:
                self.found = f"which knobs matter cannot be said: {error}"
            self.recipes, self.since = recipes, time.monotonic()
            self.seconds = self.since - began
        return self.found
