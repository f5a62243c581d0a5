"""Knobs 2, 3 and 8: how a model starts, how it goes on, and its hyperparameters loop by loop."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale
from sklearn.tree import DecisionTreeClassifier

from altune.core.registry import unregister
from altune.core.streams import Streams
from altune.knobs.model_init import BestOfStarts, DefaultStart, ModelInit, mean_log_probability
from altune.knobs.retrain import Reset, TrainingInput, WarmStart
from altune.knobs.training import ConstantTraining, PowerTraining, StepsTraining, with_hyperparameter
from altune.models import (
    FittedModel,
    LogisticRegressionModel,
    Model,
    MultilayerPerceptron,
    NaiveBayes,
    SoftmaxRegression,
    register_estimator,
)
from altune.recipes.recipe import Capabilities, Recipe

STREAMS = Streams(0, "cancer", "search", 0)


class Told(Model):
    """A model that writes down what it was told, and knows nothing."""

    method: Literal["told"] = "told"
    abilities: ClassVar[Any] = frozenset({"resume", "partial_fit", "sample_weight", "random_start", "class_scores"})
    said: ClassVar[list[tuple[str, Any]]] = []

    def build(self, seed, n_labelled):
        raise NotImplementedError

    def fit(self, X, y, n_classes, seed, sample_weight=None):
        self.said.append(("fit", (X[:, 0].tolist(), seed, None if sample_weight is None else sample_weight.tolist())))
        return Luck(None, n_classes, np.array([0]), np.array([0]), (), seed)

    def resume(self, previous, X, y, n_classes, seed, sample_weight=None):
        self.said.append(("resume", (previous.memory, X[:, 0].tolist(), seed)))
        return Luck(None, n_classes, np.array([0]), np.array([0]), (), seed)

    def update(self, previous, X, y, n_classes, seed, sample_weight=None):
        weight = None if sample_weight is None else sample_weight.tolist()
        self.said.append(("update", (previous.memory, X[:, 0].tolist(), weight)))
        return Luck(None, n_classes, np.array([0]), np.array([0]), (), seed)


class Luck(FittedModel):
    """Scores that depend on the seed it was trained with: the larger, the better."""

    def class_scores(self, X):
        p = self.memory / 2**32
        return np.column_stack([np.full(len(X), p), np.full(len(X), 1 - p)])


@pytest.fixture
def told():
    Told.said.clear()
    return Told()


def turn(model, n=12, fresh=4, previous=None, weight=None, loop=3, model_init: ModelInit | None = None):
    return TrainingInput(
        model=model,
        model_init=model_init or DefaultStart(),
        X=np.arange(n, dtype=float)[:, None],
        y=np.zeros(n, dtype=np.intp),
        weight=weight,
        fresh=np.arange(n) >= n - fresh,
        n_classes=2,
        previous=previous,
        streams=STREAMS,
        loop=loop,
    )


# retrain --------------------------------------------------------------------------------------------


def test_reset_trains_from_scratch_on_all_labels(told):
    previous = told.fit(np.zeros((1, 1)), np.zeros(1), 2, 77)
    Reset().train(turn(told, previous=previous))
    assert told.said[1:] == [("fit", (list(range(12)), STREAMS.integer("model", 3), None))]


def test_warm_start_on_all_goes_on_with_all_labels(told):
    previous = told.fit(np.zeros((1, 1)), np.zeros(1), 2, 77)
    WarmStart().train(turn(told, previous=previous))
    assert told.said[1:] == [("resume", (77, list(range(12)), STREAMS.integer("model", 3)))]
    Told.said.clear()
    WarmStart().train(turn(told, loop=0))
    assert told.said[0][0] == "fit"


def test_warm_start_on_new_goes_on_with_the_new_ones_and_a_share_of_the_old(told):
    previous = told.fit(np.zeros((1, 1)), np.zeros(1), 2, 77)
    WarmStart(on="new").train(turn(told, previous=previous))
    assert told.said[-1] == ("update", (77, [8.0, 9.0, 10.0, 11.0], None))
    WarmStart(on="new", replay=0.5).train(turn(told, previous=previous))
    rows = told.said[-1][1][1]
    assert rows[-4:] == [8.0, 9.0, 10.0, 11.0]
    assert len(rows) == 8
    assert rows == sorted(rows)
    WarmStart(on="new", replay=1.0).train(turn(told, previous=previous, weight=np.arange(12) / 12))
    assert told.said[-1][1][1:] == (list(range(12)), (np.arange(12) / 12).tolist())


def test_without_new_labels_the_model_stays(told):
    previous = told.fit(np.zeros((1, 1)), np.zeros(1), 2, 77)
    assert WarmStart(on="new").train(turn(told, fresh=0, previous=previous)) is previous


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0, 1))
def test_replay_keeps_all_new_rows_and_a_share_of_the_old(new, old, share):
    fresh = np.random.default_rng(1).permutation(np.arange(new + old) < new)
    rows = WarmStart(on="new", replay=share).replayed(fresh, np.random.default_rng(0))
    assert np.isin(np.flatnonzero(fresh), rows).all()
    assert len(rows) == len(np.unique(rows)) == new + round(share * old)


def test_needs_of_warm_starts_are_those_of_the_model():
    facts = Capabilities()
    resuming = Recipe(retrain={"method": "warm_start", "on": "all"}, model={"method": "naive_bayes"})
    assert "resumes" in resuming.problems(facts)[0]
    updating = Recipe(retrain={"method": "warm_start", "on": "new"}, model={"method": "logistic_regression"})
    assert "partial_fit" in updating.problems(facts)[0]
    assert updating.replace(model="naive_bayes").problems(facts) == []
    assert resuming.replace(model="logistic_regression").problems(facts) == []


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


def test_warm_start_on_all_reaches_the_optimum_of_reset(cancer):
    X, y = cancer
    model = LogisticRegressionModel()
    previous = model.fit(X[:20], y[:20], 2, 0)
    warm = model.resume(previous, X[:60], y[:60], 2, 0)
    cold = model.fit(X[:60], y[:60], 2, 0)
    np.testing.assert_allclose(warm.class_scores(X), cold.class_scores(X), atol=1e-2)


def test_naive_bayes_on_new_rows_alone_is_naive_bayes_on_all(cancer):
    X, y = cancer
    model = NaiveBayes(var_smoothing=1e-12)
    previous = model.fit(X[:30], y[:30], 2, 0)
    updated = model.update(previous, X[30:60], y[30:60], 2, 0)
    whole = model.fit(X[:60], y[:60], 2, 0)
    np.testing.assert_allclose(updated.class_scores(X[60:]), whole.class_scores(X[60:]), atol=1e-3)


# model_init -----------------------------------------------------------------------------------------


def start(method, model, n, loop=2, weight=None):
    X = np.arange(n, dtype=float)[:, None]
    return method.start(model, X, np.zeros(n, dtype=np.intp), weight, n_classes=2, streams=STREAMS, loop=loop)


def test_default_takes_a_new_seed_in_each_loop_or_one_for_all(told):
    for loop in (0, 1):
        start(DefaultStart(), told, 5, loop)
        start(DefaultStart(shared=True), told, 5, loop)
    seeds = [said[1][1] for said in told.said]
    assert seeds[0] != seeds[2]
    assert seeds[1] == seeds[3]
    assert (seeds[0], seeds[2]) == (STREAMS.integer("model", 0), STREAMS.integer("model", 1))


def test_best_of_judges_on_labels_that_the_starts_did_not_see_and_trains_the_best_on_all(told):
    fitted = start(BestOfStarts(starts=4), told, 20)
    seeds = [STREAMS.integer("model", 2, number) for number in range(4)]
    tried, last = told.said[:4], told.said[4]
    assert [said[1][1] for said in tried] == seeds
    assert all(len(said[1][0]) == 16 for said in tried)
    assert len({tuple(said[1][0]) for said in tried}) == 1  # all starts on the same four fifths
    assert (len(last[1][0]), last[1][1]) == (20, max(seeds))
    assert fitted.memory == max(seeds)


def test_best_of_few_labels_judges_on_those_it_has(told):
    fitted = start(BestOfStarts(starts=3), told, 9)
    assert [len(said[1][0]) for said in told.said] == [9, 9, 9]
    assert fitted.memory == max(STREAMS.integer("model", 2, number) for number in range(3))


def test_best_of_carries_the_weights_of_the_rows(told):
    start(BestOfStarts(starts=2), told, 20, weight=np.arange(20) / 20)
    for _, (rows, _, weight) in told.said:
        assert weight == (np.array(rows) / 20).tolist()


def test_best_of_is_no_worse_than_its_average_start(cancer):
    X, y = cancer
    model = MultilayerPerceptron(max_epochs=5, hidden_units=5, learning_rate=0.01)
    arguments = {"n_classes": 2, "streams": STREAMS, "loop": 1}
    chosen = BestOfStarts(starts=6).start(model, X[:150], y[:150], None, **arguments)
    starts = [model.fit(X[:150], y[:150], 2, STREAMS.integer("model", 1, number)) for number in range(6)]
    quality = [mean_log_probability(one.class_scores(X[150:]), y[150:]) for one in starts]
    assert mean_log_probability(chosen.class_scores(X[150:]), y[150:]) > np.mean(quality)


def test_best_of_needs_a_start_that_is_random():
    recipe = Recipe(model_init={"method": "best_of"}, model={"method": "logistic_regression"})
    assert "start is random" in recipe.problems(Capabilities())[0]
    assert recipe.replace(model="sgd").problems(Capabilities()) == []


def test_mean_log_probability_bears_a_zero():
    assert mean_log_probability(np.array([[0.0, 1.0]]), np.array([0])) == pytest.approx(np.log(1e-12))


def test_resets_go_through_the_start_that_model_init_says(told):
    Reset().train(turn(told, model_init=BestOfStarts(starts=2)))
    assert len(told.said) == 3


# training -------------------------------------------------------------------------------------------


def test_constant_changes_nothing():
    model = LogisticRegressionModel(C=3.0)
    assert ConstantTraining().adapt(model, 500, 10) is model


def test_power_by_hand():
    model = LogisticRegressionModel(C=2.0)
    found = [PowerTraining(exponent=exponent).adapt(model, 40, 10).C for exponent in (0.5, -1.0)]
    assert found == pytest.approx([4.0, 0.5])
    assert PowerTraining(exponent=1.0).adapt(model, 10, 10).C == 2.0
    assert model.C == 2.0


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
