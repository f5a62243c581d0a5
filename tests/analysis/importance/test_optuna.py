"""Optuna's importance evaluators, added up by knob."""

from __future__ import annotations

import pytest

import altune
from altune.analysis.importance.optuna import optuna_importance, study_by_recipe
from tests.helpers.importance import FINITE, MIXED, objective, search


def test_optunas_evaluators_are_added_up_by_knob() -> None:
    study = search(MIXED, objective, 60, 0)[0]
    for evaluator in ("fanova", "ped_anova", "mean_decrease_impurity"):
        knobs = optuna_importance(study, evaluator)
        assert set(knobs) == set(MIXED.decisions)
        assert sum(knobs.values()) == pytest.approx(1.0)
        assert list(knobs.values()) == sorted(knobs.values(), reverse=True)


def test_of_a_search_by_merit_evaluators_see_the_values_of_recipes() -> None:
    run = altune.tune("iris", FINITE, budget=30, loops=4, n_trials=16, confirm=False, seed=0)
    stored = run.study.get_trials(deepcopy=False)
    study = study_by_recipe(run.study, run.trials)
    assert len(stored) > len(study.trials) == len(run.trials) == 16
    assert [trial.value for trial in study.trials] == [trial.value for trial in run.trials]
    assert [trial.params for trial in study.trials] == [trial.params for trial in run.trials]
    assert set(optuna_importance(study, "mean_decrease_impurity")) <= set(FINITE.decisions)
