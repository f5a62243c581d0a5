"""Watch a run in progress: its folder is read repeatedly, without a lock."""

from __future__ import annotations

import contextlib
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
from altune.analysis.progress import FINISHED, RunProgress, is_searched, no_process_works, pace
from altune.analysis.run import Run
from altune.core.errors import RequestError, StorageError, WorkError
from altune.core.processes import is_alive
from altune.core.yaml import read_yaml
from altune.tuning.header import HEADER
from altune.tuning.observer import Observer, Silent
from altune.tuning.ranking import best_recipes
from altune.tuning.run_folder import REPORT_FILE, SHARED_FILE
from altune.tuning.stages import TRAJECTORIES
from altune.tuning.storage import JOURNAL, LOCK, read_study
from altune.tuning.trials import TrialRecord, is_forbidden

if TYPE_CHECKING:
    from altune.tuning.database import TrialQueue


GROWTH = 1.2
"""Factor by which the number of recipes must have grown before the importance is computed again."""
PATIENCE = 10
"""Multiple of the time of the last computation that must have passed before the next one."""


class WatchedRun:
    """A run in progress.

    Parameters
    ----------
    folder : folder of the run: it holds the journal of the study or the address of its database.
    observer : receives messages about a database connection that is lost.

    Raises
    ------
    RequestError
        If there is no run, or it has not started.
    """

    def __init__(self, folder: Path, observer: Observer | None = None) -> None:
        self.folder = folder
        self._queue: TrialQueue | None = None
        self._importance = _Importance()
        self.run = Run(self._study(observer if observer is not None else Silent()), folder)
        if HEADER not in self.run.record.attributes:
            raise RequestError(f"{folder}: the run has not started yet: its study is empty; try again in a moment")
        self.run.record.require_estimators(str(folder))

    def progress(self) -> RunProgress:
        """Return the progress of the run.

        Raises
        ------
        StorageError
            If the study cannot be read at the moment; a later call may succeed.
        """
        at_work = self._at_work()
        try:
            trials = self.run.record.trials()
            stored = self.run.study.get_trials(deepcopy=False)
            workers = () if self._queue is None else self._queue.overview().workers
        except (OSError, ValueError) as error:
            raise StorageError(f"{self.folder}: cannot be read at the moment ({error})") from None
        record = self.run.record
        ended = [trial.datetime_complete for trial in stored if trial.state.is_finished() and not is_forbidden(trial)]
        best = best_recipes(trials, 1, record.scenario.make_objectives(), record.preference)
        seconds_each = pace([moment.timestamp() for moment in ended if moment])
        if seconds_each is not None:  # where recipes get blocks by merit, plays again are stored beside the trials
            seconds_each *= len(ended) / max(1, sum(trial.state in FINISHED for trial in trials))
        why_ended = self._ended(trials, at_work)
        grace = 0.0 if self._queue is None else self._queue.grace
        return RunProgress(
            run=self.run,
            trials=tuple(trials),
            wanted=record.wanted,
            best=best[0] if best else None,
            seconds_each=seconds_each,
            workers=workers,
            at_work=at_work,
            ended=why_ended,
            idle=not why_ended and no_process_works(at_work, workers, grace, self._silent_seconds, seconds_each),
        )

    def importance(self, progress: RunProgress, *, anew: bool = False) -> KnobImportance | str:
        """Return the importance of knobs so far, or why it cannot be computed yet.

        The computation takes time, so it is repeated only when enough new recipes were played.

        Parameters
        ----------
        progress : the progress of the run.
        anew : whether to compute it again even if few recipes are new.
        """
        return self._importance.of(self.run, progress.trials, anew)

    def _study(self, observer: Observer) -> Any:
        if not (self.folder / SHARED_FILE).is_file():
            return read_study(self.folder)
        from altune.tuning.shared import open_shared

        where = read_yaml(self.folder / SHARED_FILE)
        shared = open_shared(str(where["storage"]), str(where["study"]), observer)
        self._queue = shared.queue
        return shared.study

    def _at_work(self) -> bool | None:
        """Return whether the process of the owner is working on the run, None if the folder does not say."""
        try:
            words, signed = (self.folder / LOCK).read_text("utf-8").split(), (self.folder / LOCK).stat().st_mtime
        except OSError:
            return None
        if not words:
            return False
        if len(words) != 2 or not words[0].isdigit() or words[1] != socket.gethostname() or os.name != "posix":
            return None
        return is_alive(int(words[0]), signed)

    def _silent_seconds(self) -> float:
        """Return the seconds since anything was stored: a trial, a trajectory, or a file of the run."""
        paths = [self.folder, *self.folder.iterdir(), *(self.folder / TRAJECTORIES).glob("*")]
        moments = []
        for path in paths:
            with contextlib.suppress(OSError):
                moments.append(path.stat().st_mtime)
        stored = self.run.study.get_trials(deepcopy=False)
        moments += [trial.datetime_complete.timestamp() for trial in stored if trial.datetime_complete]
        return time.time() - max(moments)

    def _ended(self, trials: Sequence[TrialRecord], at_work: bool | None) -> str:
        """Return why the run has ended, empty while it may continue."""
        record = self.run.record
        counted = sum(trial.state in FINISHED for trial in trials)
        done = is_searched(record, counted)
        if at_work and record.plan:  # the owner signs off when it has written everything
            return ""
        if done and record.confirmation_key() is not None:
            # A page is written after the confirmation, even where the ablation is still to come.
            return "confirmed" if at_work is not False or (self.folder / REPORT_FILE).is_file() else ""
        if not self._page_is_last():
            return ""
        if done:
            return "finished, not confirmed"
        return "" if at_work else f"ended with {counted} trials"

    def _page_is_last(self) -> bool:
        """Return whether the page was written last, which a run does when it ends."""
        beside = self.folder / (JOURNAL if self._queue is None else SHARED_FILE)
        try:
            return (self.folder / REPORT_FILE).stat().st_mtime_ns >= beside.stat().st_mtime_ns
        except OSError:
            return False


@dataclass
class _Importance:
    """The last importance of knobs, the number of recipes behind it, and when it was computed."""

    shares: KnobImportance | str = ""
    recipes: int = 0
    seconds: float = 0.0
    since: float = 0.0

    def of(self, run: Run, trials: Sequence[TrialRecord], anew: bool) -> KnobImportance | str:
        recipes = different_recipes(trials)
        if recipes < WORTH_ASKING:
            return f"the importance of knobs needs {WORTH_ASKING} different recipes; {recipes} were played so far"
        began = time.monotonic()
        grown = recipes >= max(GROWTH * self.recipes, self.recipes + 1)
        rested = began - self.since >= PATIENCE * self.seconds
        if not self.recipes or (anew and recipes > self.recipes) or (grown and rested):
            space, capabilities = space_of_run(run.record)
            try:
                self.shares = knob_importance(trials, space, capabilities=capabilities)
            except (RequestError, WorkError) as error:
                self.shares = f"the importance of knobs cannot be computed: {error}"
            self.recipes, self.since = recipes, time.monotonic()
            self.seconds = self.since - began
        return self.shares
