"""The search: batches of trials are asked of a sampler, played on the search blocks, and stored in order of number.

Each batch is asked with the finished trials of earlier batches alone, and the sampler of each trial is seeded by the
study's seed and the number of the trial. A batch that was interrupted is therefore asked again in exactly the same way;
trials of it that were stored, and trajectories that were played, are read back.
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
from altune.simulation.execution.player import OnDone
from altune.simulation.objectives import Objective
from altune.tuning.evaluation import Evaluator
from altune.tuning.in_memory_study import new_study, tell, without_curves
from altune.tuning.proposals import Proposal, Proposer
from altune.tuning.ranking import best_so_far
from altune.tuning.storage import append_trial
from altune.tuning.trials import (
    BATCH,
    VALUES,
    VIOLATIONS,
    TrialRecord,
    Verdict,
    curves_of,
    is_feasible,
    is_forbidden,
    record_of,
)

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
    observe : called with the progress at the start, after each trajectory and after each batch.
    on_played : called after each trajectory, before ``observe``.
    callbacks : called with the stored study and each trial that was just stored.
    """

    study: optuna.Study
    proposer: Proposer
    evaluator: Evaluator
    batch: int = 4
    observe: Callable[[SearchProgress], None] = lambda progress: None
    on_played: OnDone = lambda index, outcome: None
    callbacks: Sequence[Callback] = ()
    progress: SearchProgress = field(default_factory=lambda: SearchProgress(0))
    _n_asked: int = 0
    _block_values: dict[int, Any] = field(default_factory=dict)

    def run(self, n_trials: int, out_of_time: Callable[[], bool] = lambda: False) -> None:
        """Search until ``n_trials`` trials are finished, without forbidden draws, or the time or the grid is used up.

        Raises
        ------
        WorkError
            If the space forbids nearly every draw.
        """
        most = self.proposer.plan.most_trials
        wanted = n_trials if most is None else min(n_trials, most)
        stored = self.study.get_trials(deepcopy=False)
        judge = self.evaluator.judge
        self.progress = SearchProgress(wanted, objectives=judge.objectives, data_sets=len(judge.scenarios))
        for trial in stored:
            self._count(trial, trial.number)
            self.progress.played += 0 if is_forbidden(trial) else len(trial.user_attrs.get(VALUES, ())) or self._n_each
        self._observe(0)
        known = {trial.number: trial for trial in stored}
        # An undisturbed search asked an unfinished batch without knowing any of its trials. So the samplers must not
        # see those that are stored already; they are asked again, and `_finish` takes the stored ones for them. A
        # sampler that keeps a state has to be asked for every trial again to get the state back.
        resumed = 0 if self.proposer.plan.replayed else self._first_unfinished_batch(stored)
        memory = self._memory([trial for trial in stored if self._batch_of(trial) < resumed])
        while self._n_asked < wanted and not out_of_time():
            if self.evaluator.judge.uses_ranks:
                # The rank of a trial changes with every other trial, so the values are set anew for each batch.
                memory = self._memory(self._with_ranks(memory.get_trials(deepcopy=False)))
            self._play_batch(memory, known, min(self.batch, wanted - self._n_asked))

    # batches --------------------------------------------------------------------------------------------------

    def _play_batch(self, memory: optuna.Study, known: dict[int, FrozenTrial], wanted: int) -> None:
        number = self._n_asked // self.batch
        proposals = self._ask(memory, known, wanted)
        new = [proposal for proposal in proposals if proposal.recipe is not None and proposal.number not in known]
        in_play = {proposal.number for proposal in new}
        verdicts: dict[int, Verdict] = {}
        unfinished, finished = deque(proposals), list[FrozenTrial]()

        def finish_in_order() -> None:
            """Store the trials that are known up to the first that is still in play.

            Trials end in any order. They are stored, and given to the sampler, in the order of their numbers, so that a
            killed search leaves the first trials of its batch, and the samplers see the same study in the next batch.
            """
            while unfinished and unfinished[0].number not in in_play:
                proposal = unfinished.popleft()
                finished.append(self._finish(proposal, known, verdicts.get(proposal.number), number))
                tell(memory, proposal.trial, finished[-1])

        def settle(proposal: Proposal, verdict: Verdict) -> None:
            verdicts[proposal.number] = verdict
            in_play.remove(proposal.number)
            finish_in_order()

        finish_in_order()
        self._evaluate(new, settle)
        # Only now: while the batch was played, no trial of it may have changed how another one was raced.
        for trial in finished:
            self._see(trial)
        self._n_asked += wanted
        self._observe(0)

    def _ask(self, memory: optuna.Study, known: Container[int], wanted: int) -> list[Proposal]:
        """Ask for a batch. Idle workers start its new trials while the others are drawn."""
        proposals: list[Proposal] = []
        for _ in range(wanted):
            for proposal in self.proposer.ask_until_playable(memory):
                proposals.append(proposal)
                if proposal.recipe is not None and proposal.number not in known:
                    self.evaluator.begin(proposal.recipe)
        return proposals

    def _finish(
        self, proposal: Proposal, known: dict[int, FrozenTrial], verdict: Verdict | None, batch: int
    ) -> FrozenTrial:
        """Return the finished trial of a proposal, which is stored now unless it was stored before."""
        trial = known.get(proposal.number)
        if trial is None:
            trial = proposal.finished(verdict, batch)
            append_trial(self.study, trial)
            trial.number = proposal.number
            self._count(trial, proposal.number)
            for callback in self.callbacks:
                callback(self.study, self.study.get_trials(deepcopy=False)[proposal.number])
        elif trial.params != proposal.trial.params:
            raise WorkError(
                f"trial {proposal.number} of the stored study was drawn by another version of altune or of a library, "
                "which draws other parameters; start a new run with another --out"
            )
        return trial

    def _evaluate(self, proposals: Sequence[Proposal], on_verdict: Callable[[Proposal, Verdict], None]) -> None:
        before, after = self.progress.played, self.progress.finished + len(proposals)

        def count(index: int, outcome: Outcome) -> None:
            self.progress.played += 1
            self.on_played(index, outcome)
            in_batch = len(proposals) * self._n_each - (self.progress.played - before)
            self._observe(max(0, in_batch), after)

        self.evaluator.play(
            [proposal.recipe for proposal in proposals if proposal.recipe is not None],
            count,
            lambda index, verdict: on_verdict(proposals[index], verdict),
        )

    @property
    def _n_each(self) -> int:
        """Number of blocks on which a trial is played."""
        return self.evaluator.judge.blocks.n_usual

    def _observe(self, in_batch: int, finished: int | None = None) -> None:
        """Notify the observer.

        Parameters
        ----------
        in_batch : number of trajectories of the current batch that are still to be played.
        finished : number of trials that are finished after the current batch; None between two batches.
        """
        trials_left = self.progress.wanted - (self.progress.finished if finished is None else finished)
        self.progress.left = in_batch + trials_left * self._n_each
        self.observe(self.progress)

    # finished trials ------------------------------------------------------------------------------------------

    def _memory(self, trials: Sequence[FrozenTrial]) -> optuna.Study:
        """Return a study in memory with some trials, which are all that samplers and evaluator know."""
        memory = new_study(self.evaluator.judge.directions)
        memory.add_trials(without_curves(trial) for trial in trials)
        self._n_asked = sum(not is_forbidden(trial) for trial in trials)
        if not self.evaluator.judge.uses_ranks or not self._block_values:
            for trial in trials:
                self._see(trial)
        return memory

    def _see(self, trial: FrozenTrial) -> None:
        """Let the evaluator compare later trials with a finished one."""
        if trial.state != TrialState.COMPLETE:
            return
        block_values = trial.user_attrs[VALUES]
        self._block_values[trial.number] = np.asarray(block_values)
        curves = curves_of(trial) if self.evaluator.needs_curves else ()
        self.evaluator.see(block_values, curves, is_feasible(trial.user_attrs.get(VIOLATIONS, {})))

    def _with_ranks(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        ranks = self.evaluator.judge.mean_ranks(self._block_values)
        return [
            trial if trial.number not in ranks else without_curves(trial, [ranks[trial.number]]) for trial in trials
        ]

    def _batch_of(self, trial: FrozenTrial) -> int:
        return int(trial.user_attrs[BATCH])

    def _first_unfinished_batch(self, stored: Sequence[FrozenTrial]) -> int:
        """Return the number of the first batch that has fewer trials, without forbidden draws, than a batch has."""
        sizes = np.bincount([self._batch_of(trial) for trial in stored if not is_forbidden(trial)], minlength=1)
        return int(np.argmax(np.append(sizes, 0) < self.batch))

    def _count(self, trial: FrozenTrial, number: int) -> None:
        if is_forbidden(trial):
            return
        record = record_of(trial, number)
        self.progress.finished += 1
        self.progress.failed += record.state == "failed"
        self.progress.dropped += record.state == "dropped"
        self.progress.best = best_so_far(self.progress.best, record, self.evaluator.judge.objectives[0])
