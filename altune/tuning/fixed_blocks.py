"""A search in which every trial is played on the same search blocks, apart from racing, rungs and leader blocks."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from altune.simulation.execution.player import OnDone
from altune.tuning.evaluation import Evaluator
from altune.tuning.in_memory_study import new_study, tell, without_curves
from altune.tuning.proposals import Proposal, Proposer
from altune.tuning.ranking import best_so_far
from altune.tuning.trials import (
    VALUES,
    VIOLATIONS,
    TrialRecord,
    Verdict,
    curves_of,
    is_feasible,
    is_forbidden,
    record_of,
)


class FixedBlocks:
    """Plays every trial on the same blocks; see :class:`altune.tuning.allocation.Allocation`.

    Parameters
    ----------
    proposer : draws recipes from the search space.
    evaluator : plays and judges them.
    """

    recipes: int | None = None
    candidates: int | None = None

    def __init__(self, proposer: Proposer, evaluator: Evaluator) -> None:
        self.n_asked = 0
        self.best: TrialRecord | None = None
        self._proposer = proposer
        self._evaluator = evaluator
        self._memory = new_study(evaluator.judge.directions)
        self._block_values: dict[int, Any] = {}

    def start(self, trials: Sequence[FrozenTrial]) -> None:
        """Begin with the trials of finished batches, which are all that samplers and evaluator know."""
        self._retell(trials)
        for trial in trials:
            self._see(trial)

    def plan(self, wanted: int, known: Container[int]) -> list[Proposal]:
        """Ask for a batch, and let idle workers start it."""
        if self._evaluator.judge.uses_ranks:
            # The rank of a trial changes with every other trial, so the values are set anew for each batch.
            ranks = self._evaluator.judge.mean_ranks(self._block_values)
            trials = self._memory.get_trials(deepcopy=False)
            self._retell(
                [
                    trial if trial.number not in ranks else without_curves(trial, [ranks[trial.number]])
                    for trial in trials
                ]
            )
        proposals: list[Proposal] = []
        for _ in range(wanted):
            for proposal in self._proposer.ask_until_playable(self._memory):
                proposals.append(proposal)
                if proposal.recipe is not None and proposal.number not in known:
                    self._evaluator.begin(proposal.recipe)
        return proposals

    def play(
        self, proposals: Sequence[Proposal], on_played: OnDone, on_verdict: Callable[[int, Verdict], None]
    ) -> None:
        """Play the new trials of a batch; see :meth:`altune.tuning.evaluation.Evaluator.play`."""
        recipes = [proposal.recipe for proposal in proposals if proposal.recipe is not None]
        self._evaluator.play(recipes, on_played, on_verdict)

    def n_plays(self, proposals: Sequence[Proposal]) -> int:
        """Return the largest number of plays of some trials of a batch."""
        n_playable = sum(proposal.recipe is not None for proposal in proposals)
        return n_playable * self._evaluator.judge.blocks.n_usual

    def tell(self, proposal: Proposal, trial: FrozenTrial) -> None:
        """Tell the samplers the result of a trial."""
        tell(self._memory, proposal.trial, trial)

    def end_batch(self, trials: Sequence[FrozenTrial]) -> None:
        """See the trials of a batch that has ended: no trial of it may change how another one is raced."""
        for trial in trials:
            self._see(trial)
        self.n_asked += sum(not is_forbidden(trial) for trial in trials)

    def count(self, trial: FrozenTrial) -> None:
        """Compare a trial that was just stored with the best so far."""
        self.best = best_so_far(self.best, record_of(trial), self._evaluator.judge.objectives[0])

    def is_whole(self, trials: Sequence[FrozenTrial], batch: int) -> bool:
        """Return whether a batch has its number of trials, without forbidden draws."""
        return sum(not is_forbidden(trial) for trial in trials) >= batch

    def _retell(self, trials: Sequence[FrozenTrial]) -> None:
        self._memory = new_study(self._evaluator.judge.directions)
        self._memory.add_trials(without_curves(trial) for trial in trials)
        self.n_asked = sum(not is_forbidden(trial) for trial in trials)

    def _see(self, trial: FrozenTrial) -> None:
        """Let the evaluator compare later trials with a finished one."""
        if trial.state != TrialState.COMPLETE:
            return
        block_values = trial.user_attrs[VALUES]
        self._block_values[trial.number] = np.asarray(block_values)
        curves = curves_of(trial) if self._evaluator.needs_curves else ()
        self._evaluator.see(block_values, curves, is_feasible(trial.user_attrs.get(VIOLATIONS, {})))
