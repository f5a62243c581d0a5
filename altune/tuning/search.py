"""The search: batches of trials are asked of a sampler, played on search blocks, and stored in order of number.

How a batch is planned and played is decided by :class:`altune.tuning.fixed_blocks.FixedBlocks` or
:class:`altune.tuning.blocks_by_merit.BlocksByMerit`.

Each batch is asked with the finished trials of earlier batches alone, and the sampler of each trial is seeded by the
study's seed and the number of the trial. A batch that was interrupted is therefore asked again in exactly the same way;
trials of it that were stored, and trajectories that were played, are read back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from altune.core.errors import WorkError
from altune.simulation.execution.items import Outcome
from altune.simulation.execution.player import OnDone
from altune.simulation.objectives import Objective
from altune.tuning.allocation import Allocation, PlannedTrial
from altune.tuning.blocks_by_merit import BlocksByMerit
from altune.tuning.evaluation import Evaluator
from altune.tuning.fixed_blocks import FixedBlocks
from altune.tuning.proposals import Proposer
from altune.tuning.storage import append_trial
from altune.tuning.trials import AGAIN, BATCH, TrialRecord, Verdict, is_forbidden, n_plays, record_of

Callback = Callable[[optuna.Study, FrozenTrial], None]


@dataclass
class SearchProgress:
    """Progress of a search, handed to the observer after each change.

    Attributes
    ----------
    wanted : number of trials that the search will have.
    finished : number of trials that are finished, those that failed or were dropped among them.
    failed, dropped : number of trials that failed, and that were dropped early.
    played : number of trajectories that were played or read back, those of trials stored before among them.
    left : largest number of trajectories that are still to be played. A trial that is dropped early leaves some out.
    recipes, candidates : number of different recipes, and of those that are not clearly behind the best; None unless
        recipes get blocks by merit.
    best : best trial so far.
    objectives : objectives of the search.
    data_sets : number of data sets that share the search; values of several are means over them.
    """

    wanted: int
    finished: int = 0
    failed: int = 0
    dropped: int = 0
    played: int = 0
    left: int = 0
    recipes: int | None = None
    candidates: int | None = None
    best: TrialRecord | None = None
    objectives: Sequence[Objective] = ()
    data_sets: int = 1


@dataclass
class Search:
    """A search in progress.

    Parameters
    ----------
    study : stored study, to which finished trials are appended.
    proposer : draws recipes from the search space.
    evaluator : plays and judges them.
    batch : number of trials to ask at a time.
    baselines : first objective of each baseline on its search blocks, by name; they are used by merit alone.
    observe : called with the progress at the start, after each trajectory and after each batch.
    on_played : called after each trajectory, before ``observe``.
    callbacks : called with the stored study and each trial that was just stored.
    """

    study: optuna.Study
    proposer: Proposer
    evaluator: Evaluator
    batch: int = 4
    baselines: Mapping[str, Sequence[float]] = field(default_factory=dict)
    observe: Callable[[SearchProgress], None] = lambda progress: None
    on_played: OnDone = lambda index, outcome: None
    callbacks: Sequence[Callback] = ()
    progress: SearchProgress = field(default_factory=lambda: SearchProgress(0))

    def __post_init__(self) -> None:
        by_merit = self.evaluator.judge.blocks.by_merit
        self._n_simulations: int | None = None
        self._n_played = 0
        self._blocks: Allocation[Any] = (
            BlocksByMerit(self.proposer, self.evaluator, self.batch, self.baselines)
            if by_merit
            else FixedBlocks(self.proposer, self.evaluator)
        )

    def run(
        self, n_trials: int, out_of_time: Callable[[], bool] = lambda: False, n_simulations: int | None = None
    ) -> None:
        """Search until ``n_trials`` trials are finished, without forbidden draws, or something is used up.

        Parameters
        ----------
        n_trials : number of trials, those that are stored among them.
        out_of_time : returns whether the time is used up. It is asked before each batch.
        n_simulations : largest number of plays, those that are stored among them; None for no limit.

        Raises
        ------
        WorkError
            If the space forbids nearly every draw.
        """
        most = self.proposer.plan.most_trials
        wanted = n_trials if most is None else min(n_trials, most)
        stored = self.study.get_trials(deepcopy=False)
        judge = self.evaluator.judge
        self._n_simulations = n_simulations
        self.progress = SearchProgress(wanted, objectives=judge.objectives, data_sets=len(judge.scenarios))
        for trial in stored:
            self._count(trial)
            self.progress.played += n_plays(trial, judge.blocks.n_usual)
        known = {trial.number: trial for trial in stored}
        # An undisturbed search asked an unfinished batch without knowing any of its trials. So the samplers must not
        # see those that are stored already; they are asked again, and `_finish` takes the stored ones for them. A
        # sampler that keeps a state has to be asked for every trial again to get the state back.
        resumed = 0 if self.proposer.plan.replayed else self._first_unfinished_batch(stored)
        earlier = [trial for trial in stored if self._batch_of(trial) < resumed]
        self._blocks.start(earlier)
        self._n_played = sum(n_plays(trial, judge.blocks.n_usual) for trial in earlier)
        self._observe(0)
        while self._blocks.n_asked < wanted and not out_of_time() and self._has_room():
            self._play_batch(known, min(self.batch, wanted - self._blocks.n_asked))

    # batches --------------------------------------------------------------------------------------------------

    def _play_batch(self, known: dict[int, FrozenTrial], wanted: int) -> None:
        number = self._blocks.n_asked // self.batch
        batch = self._affordable(self._blocks.plan(wanted, known))
        new = [trial for trial in batch if trial.recipe is not None and trial.number not in known]
        in_play = {trial.number for trial in new}
        verdicts: dict[int, Verdict] = {}
        unfinished, finished = deque(batch), list[FrozenTrial]()

        def finish_in_order() -> None:
            """Store the trials that are known up to the first that is still in play.

            Trials end in any order. They are stored, and given to the sampler, in the order of their numbers, so that a
            killed search leaves the first trials of its batch, and the samplers see the same study in the next batch.
            """
            while unfinished and unfinished[0].number not in in_play:
                trial = unfinished.popleft()
                finished.append(self._finish(trial, known, verdicts.get(trial.number), number))
                self._blocks.tell(trial, finished[-1])

        def settle(trial: PlannedTrial, verdict: Verdict) -> None:
            verdicts[trial.number] = verdict
            in_play.remove(trial.number)
            finish_in_order()

        finish_in_order()
        self._play(new, settle)
        # Only now: while the batch was played, no trial of it may have changed how another one was raced.
        self._blocks.end_batch(finished)
        self._n_played += sum(n_plays(trial, self.evaluator.judge.blocks.n_usual) for trial in finished)
        self._observe(0)

    def _has_room(self) -> bool:
        """Return whether the largest number of simulations leaves room for one trial more."""
        blocks = self.evaluator.judge.blocks
        one = 1 if blocks.by_merit else blocks.n_usual
        return self._n_simulations is None or self._n_simulations - self._n_played >= one

    def _affordable(self, batch: Sequence[PlannedTrial]) -> Sequence[PlannedTrial]:
        """Return the first trials of a batch that the largest number of simulations leaves room for."""
        if self._n_simulations is None:
            return batch
        left = self._n_simulations - self._n_played
        return batch[: sum(self._blocks.n_plays(batch[:count]) <= left for count in range(1, len(batch) + 1))]

    def _finish(
        self, planned: PlannedTrial, known: dict[int, FrozenTrial], verdict: Verdict | None, batch: int
    ) -> FrozenTrial:
        """Return the finished trial that was planned, which is stored now unless it was stored before."""
        trial = known.get(planned.number)
        if trial is None:
            trial = planned.finished(verdict, batch)
            append_trial(self.study, trial)
            trial.number = planned.number
            self._count(trial)
            for callback in self.callbacks:
                callback(self.study, self.study.get_trials(deepcopy=False)[planned.number])
        elif trial.params != planned.params or trial.user_attrs.get(AGAIN) != planned.again:
            raise WorkError(
                f"trial {planned.number} of the stored study was drawn by another version of altune or of a library, "
                "which draws other parameters; start a new run with another --out"
            )
        return trial

    def _play(self, trials: Sequence[PlannedTrial], on_verdict: Callable[[PlannedTrial, Verdict], None]) -> None:
        before, after = self.progress.played, self.progress.finished + sum(trial.again is None for trial in trials)
        n_new = self._blocks.n_plays(trials)

        def count(index: int, outcome: Outcome) -> None:
            self.progress.played += 1
            self.on_played(index, outcome)
            self._observe(max(0, n_new - (self.progress.played - before)), after)

        self._blocks.play(trials, count, lambda index, verdict: on_verdict(trials[index], verdict))

    def _observe(self, in_batch: int, finished: int | None = None) -> None:
        """Notify the observer.

        Parameters
        ----------
        in_batch : number of trajectories of the current batch that are still to be played.
        finished : number of trials that are finished after the current batch; None between two batches.
        """
        progress, blocks = self.progress, self._blocks
        finished = progress.finished if finished is None else finished
        progress.left = in_batch + self.evaluator.judge.blocks.plays_left(progress.wanted, finished, self.batch)
        if self._n_simulations is not None:
            progress.left = min(progress.left, max(0, self._n_simulations - progress.played))
        progress.best, progress.recipes, progress.candidates = blocks.best, blocks.recipes, blocks.candidates
        self.observe(progress)

    # finished trials ------------------------------------------------------------------------------------------

    def _batch_of(self, trial: FrozenTrial) -> int:
        return int(trial.user_attrs[BATCH])

    def _first_unfinished_batch(self, stored: Sequence[FrozenTrial]) -> int:
        """Return the number of the first batch that is not whole."""
        batches: dict[int, list[FrozenTrial]] = {}
        for trial in stored:
            batches.setdefault(self._batch_of(trial), []).append(trial)
        number = 0
        while number in batches and self._blocks.is_whole(batches[number], self.batch):
            number += 1
        return number

    def _count(self, trial: FrozenTrial) -> None:
        if is_forbidden(trial) or AGAIN in trial.user_attrs:
            return
        record = record_of(trial)
        self.progress.finished += 1
        self.progress.failed += record.state == "failed"
        self.progress.dropped += record.state == "dropped"
        self._blocks.count(trial)
