"""Hyperparameters by schedule, loop by loop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from altune.core.registry import unregister
from altune.knobs.training import ConstantTraining, PowerTraining, StepsTraining, with_hyperparameter
from altune.models import LogisticRegressionModel, SoftmaxRegression, register_estimator
from altune.recipes.recipe import Capabilities, Recipe


def test_constant_changes_nothing():
    model = LogisticRegressionModel(C=3.0)
    assert ConstantTraining().adapt(model, 500, 10) is model


def test_power_by_hand():
    model = LogisticRegressionModel(C=2.0)
    found = [PowerTraining(exponent=exponent).adapt(model, 40, 10).C for exponent in (0.5, -1.0)]
    assert found == pytest.approx([4.0, 0.5])
    assert PowerTraining(exponent=1.0).adapt(model, 10, 10).C == 2.0
    assert model.C == 2.0


def test_a_schedule_begins_at_a_multiple_of_the_own_value():
    model = LogisticRegressionModel(C=2.0)
    assert pytest.approx(12.0) == PowerTraining(scale=3.0, exponent=0.5).adapt(model, 40, 10).C
    assert PowerTraining(scale=3.0, exponent=0.5).adapt(model, 10, 10).C == 6.0
    assert StepsTraining(scale=0.5).adapt(model, 20, 10).C == 2.0


def test_steps_by_hand():
    model = LogisticRegressionModel(C=1.0)
    found = [StepsTraining(step=2.0).adapt(model, n, 10).C for n in (5, 10, 19, 20, 39, 40, 80)]
    assert found == [1, 1, 1, 2, 2, 4, 8]
    assert StepsTraining(step=0.5).adapt(model, 40, 10).C == 0.25


def test_whole_numbers_stay_whole_and_in_range():
    model = SoftmaxRegression(batch_size=32)
    scheduled = PowerTraining(hyperparameter="batch_size", exponent=1.0)
    adapted = scheduled.adapt(model, 25, 10)
    assert adapted.batch_size == 80
    assert isinstance(adapted.batch_size, int)
    assert scheduled.adapt(model, 10**6, 1).batch_size == 4096
    assert PowerTraining(hyperparameter="batch_size", exponent=-1.0).adapt(model, 10**6, 1).batch_size == 1


@given(st.floats(1e-9, 1e9))
def test_any_factor_stays_in_the_declared_range(factor):
    for name in SoftmaxRegression.schedulable:
        adapted = with_hyperparameter(SoftmaxRegression(), name, factor)
        assert SoftmaxRegression.model_validate(adapted.to_dict()) == adapted


def test_what_the_model_does_not_offer_is_refused():
    recipe = Recipe(training={"method": "power", "hyperparameter": "learning_rate"})
    assert "does not offer (it offers C)" in recipe.problems(Capabilities())[0]
    assert recipe.replace(model="sgd").problems(Capabilities()) == []


def test_a_hyperparameter_without_a_number_is_refused():
    tree = register_estimator(
        "tree_of_test", DecisionTreeClassifier(), {"max_depth": (int, 1, 9)}, schedulable=["max_depth"]
    )
    try:
        training = {"method": "power", "hyperparameter": "max_depth"}
        assert "which is None" in Recipe(training=training, model=tree()).problems(Capabilities())[0]
        assert Recipe(training=training, model=tree(max_depth=3)).problems(Capabilities()) == []
    finally:
        unregister("model", "tree_of_test")
