"""Ranking of trials: those that keep every constraint first, in the order of the preference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from altune.simulation.objectives import Direction, Objective
from altune.tuning.judging import Judge
from altune.tuning.preference import Preference
from altune.tuning.trials import TrialRecord


def rank_trials(
    trials: Sequence[TrialRecord],
    objectives: Sequence[Objective],
    preference: Preference | None = None,
    ranks: Mapping[int, float] | None = None,
) -> list[TrialRecord]:
    """Return complete trials, the best first; earlier trials come first among equals.

    Trials that violate a constraint come last, in the order of their largest violation.

    Parameters
    ----------
    trials : complete trials.
    objectives : objectives of the study.
    preference : how to choose among several objectives; by default the first objective decides, then the next.
    ranks : mean rank of each trial over data sets, by its number; it replaces the first objective.
    """
    names = [objective.name for objective in objectives]
    rule = preference if preference is not None else Preference.usual(names)
    feasible = [trial for trial in trials if trial.feasible]
    others = [trial for trial in trials if not trial.feasible]
    if feasible:
        table = np.array([trial.objectives for trial in feasible], dtype=np.float64)
        directions: list[Direction] = [objective.direction for objective in objectives]
        if ranks is not None:
            table[:, 0], directions[0] = [ranks[trial.number] for trial in feasible], "maximize"
        feasible = [feasible[index] for index in rule.order(table, names, directions)]
    return feasible + sorted(others, key=lambda trial: max(trial.violations.values()))


def best_recipes(
    trials: Sequence[TrialRecord],
    most: int,
    objectives: Sequence[Objective],
    preference: Preference | None = None,
    ranks: Mapping[int, float] | None = None,
) -> list[TrialRecord]:
    """Return the best trials of different recipes, the best first, in the order of :func:`rank_trials`.

    Parameters
    ----------
    trials : trials of a search, in any state.
    most : number of trials to return at most.
    objectives, preference, ranks : as in :func:`rank_trials`.
    """
    complete = [trial for trial in trials if trial.value is not None and trial.recipe is not None]
    by_recipe: dict[str, TrialRecord] = {}
    for trial in rank_trials(complete, objectives, preference, ranks):
        if trial.recipe is not None:
            by_recipe.setdefault(trial.recipe.digest(), trial)
    return list(by_recipe.values())[:most]


def best_so_far(best: TrialRecord | None, trial: TrialRecord, objective: Objective) -> TrialRecord | None:
    """Return the better of the best trial so far and a further one, by the first objective.

    A trial that is not complete or violates a constraint is never the best.
    """
    if trial.value is None or not trial.feasible:
        return best
    if best is None or best.value is None or objective.gain(trial.value, best.value) > 0:
        return trial
    return best


def ranks_of(trials: Sequence[TrialRecord], judge: Judge) -> dict[int, float] | None:
    """Return the mean rank of each complete trial over data sets, by its number; None unless the judge uses ranks."""
    if not judge.uses_ranks:
        return None
    return judge.mean_ranks({trial.number: np.array(trial.values) for trial in trials if trial.state == "complete"})
