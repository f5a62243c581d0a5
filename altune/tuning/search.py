"""The search: batches of trials asked of Optuna, played on the study's blocks, and stored in the order of numbers.

Each batch is asked from the finished trials of earlier batches alone, with a sampler seed from (study seed, trial
number). A batch that was cut off is asked again just the same; what it had stored or played is read back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from altune.core.errors import WorkError
from altune.simulation.execution.items import Outcome
from altune.tuning.evaluation import Evaluator
from altune.tuning.memory import bare, new_memory, tell
from altune.tuning.proposals import Draw, Drawing
from altune.tuning.storage import append_trial
from altune.tuning.trials import (
    BATCH,
    BROKEN,
    RECIPE,
    VALUES,
    TrialRecord,
    Verdict,
    curves_of,
    finished_trial,
    forbidden_trial,
    is_forbidden,
    record_of,
)

MOST_FORBIDDEN = 1000
Callback = Callable[[optuna.Study, FrozenTrial], None]


@dataclass
class SearchProgress:
    """What is known while the search runs; handed to the observer after each change."""

    wanted: int
    finished: int = 0
    failed: int = 0
    dropped: int = 0
    in_batch: int = 0
    played: int = 0
    to_play: int = 0
    best: TrialRecord | None = None


@dataclass
class Search:
    """A search in progress.

    Parameters
    ----------
    study : the stored study; finished trials are appended to it.
    drawing : draws recipes from the space.
    evaluator : plays and judges them.
    batch : trials asked at a time.
    observe : called with the progress after each trajectory and each trial.
    callbacks : called with the stored study and each trial that was just stored.
    """

    study: optuna.Study
    drawing: Drawing
    evaluator: Evaluator
    batch: int = 4
    observe: Callable[[SearchProgress], None] = lambda progress: None
    callbacks: Sequence[Callback] = ()
    progress: SearchProgress = field(default_factory=lambda: SearchProgress(0))
    _counted: int = 0
    _ranked: dict[int, Any] = field(default_factory=dict)

    def run(self, n_trials: int, out_of_time: Callable[[], bool] = lambda: False) -> None:
        """Go on until ``n_trials`` trials are finished (forbidden draws aside), time is up or the grid is played.

        Raises
        ------
        WorkError
            If the space forbids nearly every draw.
        """
        most = self.drawing.plan.most_trials
        wanted = n_trials if most is None else min(n_trials, most)
        stored = self.study.get_trials(deepcopy=False)
        self.progress = SearchProgress(wanted)
        for trial in stored:
            self._count(trial, trial.number)
        known = {trial.number: trial for trial in stored}
        # A sampler that keeps a state gets it back by being asked everything again.
        unfinished = 0 if self.drawing.plan.replayed else self._unfinished_batch(stored)
        memory = self._memory([trial for trial in stored if self._batch_of(trial) < unfinished])
        while self._counted < wanted and not out_of_time():
            if self._ranks:
                memory = self._memory([self._ranked_trial(trial) for trial in memory.get_trials(deepcopy=False)])
            self._play_batch(memory, known, min(self.batch, wanted - self._counted))

    # batches --------------------------------------------------------------------------------------------------

    def _play_batch(self, memory: optuna.Study, known: dict[int, FrozenTrial], wanted: int) -> None:
        number = self._counted // self.batch
        draws = self._ask(memory, known, wanted)
        new = [draw for draw in draws if draw.recipe is not None and draw.number not in known]
        waited_for = {draw.number for draw in new}
        verdicts: dict[int, Verdict] = {}
        untold, finished = deque(draws), list[FrozenTrial]()

        def tell_on() -> None:
            """Store what is known in the order of numbers; later trials may still be played."""
            while untold and untold[0].number not in waited_for:
                draw = untold.popleft()
                finished.append(self._told(draw, known, verdicts.get(draw.number), number))
                tell(memory, draw.trial, finished[-1])

        def settle(draw: Draw, verdict: Verdict) -> None:
            verdicts[draw.number] = verdict
            waited_for.remove(draw.number)
            tell_on()

        tell_on()
        self._evaluate(new, settle)
        for trial in finished:
            self._see(trial)
        self._counted += wanted
        self.progress.in_batch = 0
        self.observe(self.progress)

    def _ask(self, memory: optuna.Study, known: Container[int], wanted: int) -> list[Draw]:
        """Ask for a batch; workers begin with its new trials while the others are drawn."""
        draws: list[Draw] = []
        playable = 0
        while playable < wanted:
            if len(draws) > MOST_FORBIDDEN:
                raise WorkError(
                    f"of {MOST_FORBIDDEN} draws too few may be played (last: {draws[-1].reason}); "
                    "open fewer combinations"
                )
            draw = self.drawing.ask(memory, len(memory.get_trials(deepcopy=False)))
            draws.append(draw)
            playable += draw.recipe is not None
            if draw.recipe is not None and draw.number not in known:
                self.evaluator.begin(draw.recipe)
        return draws

    def _told(self, draw: Draw, known: dict[int, FrozenTrial], verdict: Verdict | None, batch: int) -> FrozenTrial:
        """Return a finished trial, stored now unless it was before."""
        trial = known.get(draw.number)
        if trial is None:
            trial = self._stored(draw, batch, verdict)
            append_trial(self.study, trial)
            trial.number = draw.number
            self._count(trial, draw.number)
            for callback in self.callbacks:
                callback(self.study, self.study.get_trials(deepcopy=False)[draw.number])
        elif trial.params != draw.trial.params:
            raise WorkError(
                f"trial {draw.number} of the stored study was drawn otherwise than it would be now; "
                "it was made by another version: start a new run with another --out"
            )
        return trial

    def _evaluate(self, draws: Sequence[Draw], on_verdict: Callable[[Draw, Verdict], None]) -> None:
        size = self.evaluator.judge.usual
        self.progress.in_batch, self.progress.played, self.progress.to_play = len(draws), 0, len(draws) * size

        def count(index: int, outcome: Outcome) -> None:
            self.progress.played += 1
            self.observe(self.progress)

        self.evaluator.play(
            [draw.recipe for draw in draws if draw.recipe is not None],
            count,
            lambda index, verdict: on_verdict(draws[index], verdict),
        )

    def _stored(self, draw: Draw, batch: int, verdict: Verdict | None) -> FrozenTrial:
        params, distributions = draw.trial.params, draw.trial.distributions
        if draw.recipe is None or verdict is None:
            return forbidden_trial(draw.reason, params, distributions, {BATCH: batch})
        return finished_trial(verdict, params, distributions, {BATCH: batch, RECIPE: draw.recipe.to_dict()})

    # what is known --------------------------------------------------------------------------------------------

    @property
    def _ranks(self) -> bool:
        return self.evaluator.judge.several and self.evaluator.judge.across == "ranks"

    def _memory(self, trials: Sequence[FrozenTrial]) -> optuna.Study:
        memory = new_memory(self.evaluator.judge.directions)
        memory.add_trials(bare(trial) for trial in trials)
        self._counted = sum(not is_forbidden(trial) for trial in trials)
        if not self._ranks or not self._ranked:
            for trial in trials:
                self._see(trial)
        return memory

    def _see(self, trial: FrozenTrial) -> None:
        if trial.state != TrialState.COMPLETE:
            return
        on_places = trial.user_attrs[VALUES]
        self._ranked[trial.number] = np.asarray(on_places)
        curves = curves_of(trial) if self.evaluator.remembers_curves else ()
        feasible = all(by <= 0 for by in trial.user_attrs.get(BROKEN, {}).values())
        self.evaluator.see(on_places, curves, feasible)

    def _ranked_trial(self, trial: FrozenTrial) -> FrozenTrial:
        ranks = self.evaluator.judge.ranked(self._ranked)
        return trial if trial.number not in ranks else bare(trial, [ranks[trial.number]])

    def _batch_of(self, trial: FrozenTrial) -> int:
        return int(trial.user_attrs[BATCH])

    def _unfinished_batch(self, stored: Sequence[FrozenTrial]) -> int:
        """Return the first batch that has fewer playable trials than a batch holds."""
        full = np.bincount([self._batch_of(trial) for trial in stored if not is_forbidden(trial)], minlength=1)
        return int(np.argmax(np.append(full, 0) < self.batch))

    def _count(self, trial: FrozenTrial, number: int) -> None:
        if is_forbidden(trial):
            return
        record = record_of(trial, number)
        self.progress.finished += 1
        self.progress.failed += record.state == "failed"
        self.progress.dropped += record.state == "dropped"
        sign = self.evaluator.judge.objectives[0].sign
        best = self.progress.best
        if record.value is None or not record.feasible:
            return
        if best is None or best.value is None or sign * record.value > sign * best.value:
            self.progress.best = record
