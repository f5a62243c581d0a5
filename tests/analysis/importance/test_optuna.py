"""Optuna's importance evaluators, added up by knob."""

from __future__ import annotations

import pytest

from altune.analysis.importance.optuna import optuna_importance
from tests.helpers.importance import MIXED, objective, search


def test_optunas_evaluators_are_added_up_by_knob() -> None:
    study = search(MIXED, objective, 60, 0)[0]
    for evaluator in ("fanova", "ped_anova", "mean_decrease_impurity"):
        knobs = optuna_importance(study, evaluator)
        assert set(knobs) == set(MIXED.decisions)
        assert sum(knobs.values()) == pytest.approx(1.0)
        assert list(knobs.values()) == sorted(knobs.values(), reverse=True)
