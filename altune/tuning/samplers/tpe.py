"""Optuna's tree-structured Parzen estimator, with everything that all parameters of a trial share computed once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna import Study, create_study
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from altune.tuning.optuna_private import ParzenParts, note_public_way, parzen_parts

Split = tuple[NDArray[np.float64], NDArray[np.float64]]


class ObservedParameters:
    """Parameters as Optuna's internal numbers, with a row for each trial. A finished trial is converted once.

    Parameters
    ----------
    paths : Optuna's names of all parameters, which are the columns.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.columns = {path: column for column, path in enumerate(paths)}
        self._rows: dict[int, tuple[dict[str, Any], NDArray[np.float64]]] = {}

    def table(self, trials: Sequence[FrozenTrial]) -> NDArray[np.float64]:
        """Return one row for each trial, ``(n_trials, n_paths)``, with NaN for parameters that a trial lacks."""
        return np.array([self._row(trial) for trial in trials]).reshape(len(trials), len(self.columns))

    def _row(self, trial: FrozenTrial) -> NDArray[np.float64]:
        # A finished trial may get another value, but its parameters stay the same object.
        known, row = self._rows.get(trial.number, (None, None))
        if known is trial.params and row is not None:
            return row
        row = np.full(len(self.columns), np.nan)
        for path, value in trial.params.items():
            row[self.columns[path]] = trial.distributions[path].to_internal_repr(value)
        if trial.state.is_finished():
            self._rows[trial.number] = trial.params, row
        return row


class TrialTPE(TPESampler):
    """Makes the same draws as Optuna's ``TPESampler`` for one trial, in a fraction of the time.

    Optuna sorts all finished trials and converts their parameters for each parameter anew. Here this is done once for a
    trial, and the estimators are kept for further draws of the same trial.

    Parameters
    ----------
    seed : seed of the draws.
    observed : parameters of the study's trials.
    parts : what Optuna's estimator is made of.
    """

    def __init__(self, seed: int, observed: ObservedParameters, parts: ParzenParts) -> None:
        super().__init__(seed=seed)
        self._observed = observed
        self._parts = parts
        self._tables: Split | None = None
        self._estimators: dict[tuple[str, ...], tuple[Any, Any]] = {}

    def _sample(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> dict[str, Any]:
        names = tuple(search_space)
        if names not in self._estimators:
            self._estimators[names] = self._fitted(study, trial, search_space)
        below, above = self._estimators[names]
        candidates = below.sample(self._rng.rng, self._n_ei_candidates)
        best = self._compare(candidates, self._compute_acquisition_func(candidates, below, above))
        return {name: search_space[name].to_external_repr(best[name]) for name in names}

    def _fitted(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> tuple[Any, Any]:
        if self._tables is None:
            self._tables = self._split(study, trial)
        below, above = (self._observations(table, search_space) for table in self._tables)
        several = len(study.directions) > 1
        # With several objectives, all good trials have the same weight, as in Optuna.
        weights = np.ones(len(next(iter(below.values())))) if several else None
        parameters = self._parzen_estimator_parameters
        return (
            self._parts.estimator(below, search_space, parameters, weights),
            self._parts.estimator(above, search_space, parameters),
        )

    def _split(self, study: Study, trial: FrozenTrial) -> Split:
        states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
        trials = [other for other in study.get_trials(deepcopy=False, states=states) if other.number != trial.number]
        n_finished = sum(other.state.is_finished() for other in trials)
        gamma = self._parts.gamma if len(study.directions) == 1 else self._parts.gamma_of_several
        below, above = self._parts.split_trials(study, trials, gamma(n_finished))
        return self._observed.table(below), self._observed.table(above)

    def _observations(
        self, table: NDArray[np.float64], search_space: dict[str, BaseDistribution]
    ) -> dict[str, NDArray[np.float64]]:
        columns = table[:, [self._observed.columns[name] for name in search_space]]
        asked = columns[~np.isnan(columns).any(axis=1)]
        return dict(zip(search_space, asked.T, strict=True))


def make_tpe(seed: int, observed: ObservedParameters) -> TPESampler:
    """Return the faster sampler for one trial, or Optuna's own where it draws something else: the draws are the same.

    Parameters
    ----------
    seed : seed of the draws.
    observed : parameters of the study's trials.
    """
    parts = parzen_parts()
    return TPESampler(seed=seed) if parts is None or not draws_agree() else TrialTPE(seed, observed, parts)


@cache
def draws_agree() -> bool:
    """Return whether the faster sampler draws what this Optuna's TPE draws, in a small study."""
    parts = parzen_parts()
    number, word = FloatDistribution(0.0, 1.0), CategoricalDistribution(("a", "b"))
    space: dict[str, BaseDistribution] = {"number": number, "word": word}
    study = create_study()
    study.add_trials(
        create_trial(params={"number": index / 12, "word": "ab"[index % 2]}, distributions=space, value=index % 5)
        for index in range(12)
    )
    samplers = [TPESampler(seed=1)] + ([TrialTPE(1, ObservedParameters(list(space)), parts)] if parts else [])
    drawn = []
    try:
        for study.sampler in samplers:
            trial = study.ask(space)
            drawn.append(trial.params)
            study.tell(trial, state=TrialState.FAIL)
    except (AttributeError, TypeError, ValueError) as error:
        note_public_way("TPESampler is used as it is", error)
        return False
    return len(drawn) == 2 and drawn[0] == drawn[1]
