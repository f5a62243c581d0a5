"""Two rankings of the same trials, before and after rescoring, and how far they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import kendalltau, spearmanr

from altune.simulation.objectives import Objective
from altune.tuning.judging import Judge
from altune.tuning.preference import Preference, pareto_trials
from altune.tuning.ranking import rank_trials, ranks_of
from altune.tuning.trials import TrialRecord


@dataclass(frozen=True, eq=False)
class Side:
    """The run before or after rescoring.

    Attributes
    ----------
    judge : turns learning curves into values.
    preference : how to choose among several objectives.
    """

    judge: Judge
    preference: Preference

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """Objectives to optimise; the first one decides if no preference is given."""
        return self.judge.objectives

    def ranked(self, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
        """Return complete trials, the best first."""
        return rank_trials(trials, self.objectives, self.preference, ranks_of(trials, self.judge))

    def front(self, trials: Sequence[TrialRecord]) -> tuple[int, ...]:
        """Return the numbers of the trials on the Pareto front."""
        return tuple(trial.number for trial in pareto_trials(trials, self.judge.directions))


def correlations(before: Sequence[TrialRecord], after: Sequence[TrialRecord]) -> tuple[float | None, float | None]:
    """Return Spearman's ρ and Kendall's τ-b of two rankings, over the trials that are in both.

    Trials with equal values share a rank, so that the order of their numbers does not matter. Both are None if one
    ranking has only one rank.
    """
    numbers = {trial.number for trial in after}
    old, new = _shared_ranks([trial for trial in before if trial.number in numbers]), _shared_ranks(after)
    pairs = np.array([[old[number], new[number]] for number in sorted(numbers)]).T
    if any(len(np.unique(ranks)) < 2 for ranks in pairs):
        return None, None
    return float(spearmanr(*pairs).statistic), float(kendalltau(*pairs).statistic)


def _shared_ranks(ranked: Sequence[TrialRecord]) -> dict[int, float]:
    ranks: dict[tuple[Any, ...], list[int]] = {}
    for rank, trial in enumerate(ranked, start=1):
        ranks.setdefault(_values(trial), []).append(rank)
    return {trial.number: float(np.mean(ranks[_values(trial)])) for trial in ranked}


def _values(trial: TrialRecord) -> tuple[Any, ...]:
    """Return everything that decides the rank of a trial."""
    return trial.objectives, tuple(max(0.0, violation) for violation in trial.violations.values())
