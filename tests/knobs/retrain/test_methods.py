"""Ways to retrain: from scratch, warm, shrunk and perturbed, reset now and then."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.preprocessing import scale

from altune.core.errors import RequestError
from altune.core.types import TrainingSet
from altune.knobs.model_init import BestOfStarts, DefaultStart, ModelInit
from altune.knobs.retrain import Reset, ResetEvery, ShrinkPerturb, TrainingInput, WarmStart
from altune.models import (
    FittedEnsemble,
    LogisticRegressionModel,
    MultilayerPerceptron,
    NaiveBayes,
    RandomForest,
    SoftmaxRegression,
    continue_training,
    shrink_and_perturb,
)
from altune.recipes.recipe import Capabilities, Recipe
from tests.helpers.training import SEARCH_STREAMS, STREAMS, Recorder, training_input

MLP = MultilayerPerceptron(hidden_units=12, max_epochs=25, learning_rate=0.02, batch_size=16)
SGD = SoftmaxRegression(max_epochs=25)


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return scale(X)[order], y[order]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return X[order] / 16, y[order]


def parameters(fitted):
    estimator = fitted.estimator
    layers = [*estimator.coefs_, *estimator.intercepts_] if hasattr(estimator, "coefs_") else [estimator.coef_]
    return np.concatenate([np.ravel(layer) for layer in layers])


@pytest.mark.parametrize("model", [MLP, SGD, LogisticRegressionModel()])
def test_parameters_are_shrunk_and_perturbed(model, digits):
    X, y = digits
    fitted = model.fit(TrainingSet(X[:100], y[:100], 10), 0)
    before = parameters(fitted)
    shrunk = shrink_and_perturb(fitted, 0.6, 0.0, np.random.default_rng(0))
    np.testing.assert_allclose(parameters(shrunk), 0.6 * before)
    np.testing.assert_array_equal(parameters(fitted), before)
    noise = parameters(shrink_and_perturb(fitted, 0.6, 0.05, np.random.default_rng(0))) - 0.6 * before
    assert noise.std() == pytest.approx(0.05, rel=0.1)
    assert abs(noise.mean()) < 0.01


def test_moved_parameters_are_where_training_goes_on(wine):
    X, y = wine
    previous = MLP.fit(TrainingSet(X[:40], y[:40], 3), 0)
    now = training_input(MLP, X[:60], y[:60], 3, previous=previous, fresh=20)
    moved = shrink_and_perturb(previous, 0.3, 0.02, STREAMS.generator("perturb", 3))
    expected = MLP.resume(moved, TrainingSet(X[:60], y[:60], 3), now.seed())
    found = ShrinkPerturb(shrink=0.3, sigma=0.02).train(now)
    np.testing.assert_array_equal(found.class_scores(X), expected.class_scores(X))


def test_neither_shrunk_nor_perturbed_is_a_warm_start_and_a_convex_model_forgets_both(wine):
    X, y = wine
    for model in (MLP, LogisticRegressionModel()):
        previous = model.fit(TrainingSet(X[:40], y[:40], 3), 0)
        now = training_input(model, X[:60], y[:60], 3, previous=previous, fresh=20)
        still = ShrinkPerturb(shrink=1.0, sigma=0.0).train(now)
        np.testing.assert_array_equal(still.class_scores(X), WarmStart().train(now).class_scores(X))
    moved = ShrinkPerturb(shrink=0.2, sigma=0.1).train(now)
    np.testing.assert_allclose(
        moved.class_scores(X),
        LogisticRegressionModel().fit(TrainingSet(X[:60], y[:60], 3), 0).class_scores(X),
        atol=5e-3,
    )


def test_each_member_of_an_ensemble_is_moved_by_noise_of_its_own(wine):
    X, y = wine
    one = SGD.fit(TrainingSet(X[:40], y[:40], 3), 0)
    twins = FittedEnsemble([one, one])
    tiny = SoftmaxRegression(max_epochs=1, learning_rate=1e-6)
    found = ShrinkPerturb(sigma=0.1).train(training_input(tiny, X[:60], y[:60], 3, previous=twins))
    gap = parameters(found.members[0]) - parameters(found.members[1])
    assert gap.std() == pytest.approx(0.1 * np.sqrt(2), rel=0.5)


def test_the_first_model_and_a_constant_one_have_nothing_to_shrink(wine):
    X, y = wine
    first = ShrinkPerturb().train(training_input(SGD, X[:40], y[:40], 3, loop=0))
    np.testing.assert_array_equal(
        first.class_scores(X), SGD.fit(TrainingSet(X[:40], y[:40], 3), STREAMS.integer("model", 0)).class_scores(X)
    )
    constant = LogisticRegressionModel().fit(TrainingSet(X[:4], np.zeros(4, dtype=int), 3), 0)
    assert shrink_and_perturb(constant, 0.5, 0.1, np.random.default_rng(0)) is constant
    found = ShrinkPerturb().train(training_input(LogisticRegressionModel(), X[:40], y[:40], 3, previous=constant))
    assert (found.predict(X) == y).mean() > 0.8


def test_what_has_no_coefficients_is_refused(wine):
    X, y = wine
    forest = RandomForest(n_estimators=2).fit(TrainingSet(X[:40], y[:40], 3), 0)
    with pytest.raises(RequestError, match="RandomForestClassifier has no coefficients"):
        shrink_and_perturb(forest, 0.5, 0.1, np.random.default_rng(0))
    assert "resumes" in Recipe(retrain="shrink_perturb", model="random_forest").problems(Capabilities())[0]


@pytest.mark.parametrize("on", ["all", "new"])
def test_a_fresh_start_every_m_loops_and_warm_ones_in_between(on, wine):
    X, y = wine
    previous = SGD.fit(TrainingSet(X[:40], y[:40], 3), 7)
    for loop in range(7):
        now = training_input(SGD, X[:60], y[:60], 3, previous=previous, fresh=20, loop=loop)
        found = ResetEvery(on=on, loops=3, replay=0.25).train(now).class_scores(X)
        fresh = now.start().class_scores(X)
        warm = WarmStart(on=on, replay=0.25).train(now).class_scores(X)
        np.testing.assert_array_equal(found, fresh if loop in (0, 3, 6) else warm)
        assert not np.array_equal(fresh, warm)


def test_what_reset_every_needs_depends_on_what_it_goes_on_with():
    facts = Capabilities()
    assert "resumes" in Recipe(retrain="reset_every", model="naive_bayes").problems(facts)[0]
    new = Recipe(retrain={"method": "reset_every", "on": "new"}, model="naive_bayes")
    assert new.problems(facts) == []
    assert "partial_fit" in new.replace(model="logistic_regression").problems(facts)[0]


def test_continue_training_is_plain_for_a_plain_model(wine):
    X, y = wine
    first = LogisticRegressionModel().fit(TrainingSet(X[:40], y[:40], 3), 0)
    found = continue_training(LogisticRegressionModel(), first, TrainingSet(X[:60], y[:60], 3), 1)
    expected = LogisticRegressionModel().resume(first, TrainingSet(X[:60], y[:60], 3), 1)
    np.testing.assert_array_equal(found.class_scores(X), expected.class_scores(X))


@pytest.fixture
def recorder():
    Recorder.calls.clear()
    return Recorder()


def turn(model, n=12, fresh=4, previous=None, weight=None, loop=3, model_init: ModelInit | None = None):
    return TrainingInput(
        model=model,
        model_init=model_init or DefaultStart(),
        training=TrainingSet(np.arange(n, dtype=float)[:, None], np.zeros(n, dtype=np.intp), 2, weight),
        fresh=np.arange(n) >= n - fresh,
        previous=previous,
        streams=SEARCH_STREAMS,
        loop=loop,
    )


def test_reset_trains_from_scratch_on_all_labels(recorder):
    previous = recorder.fit(TrainingSet(np.zeros((1, 1)), np.zeros(1, dtype=np.intp), 2), 77)
    Reset().train(turn(recorder, previous=previous))
    assert recorder.calls[1:] == [("fit", (list(range(12)), SEARCH_STREAMS.integer("model", 3), None))]


def test_warm_start_on_all_goes_on_with_all_labels(recorder):
    previous = recorder.fit(TrainingSet(np.zeros((1, 1)), np.zeros(1, dtype=np.intp), 2), 77)
    WarmStart().train(turn(recorder, previous=previous))
    assert recorder.calls[1:] == [("resume", (77, list(range(12)), SEARCH_STREAMS.integer("model", 3)))]
    Recorder.calls.clear()
    WarmStart().train(turn(recorder, loop=0))
    assert recorder.calls[0][0] == "fit"


def test_warm_start_on_new_goes_on_with_the_new_ones_and_a_share_of_the_old(recorder):
    previous = recorder.fit(TrainingSet(np.zeros((1, 1)), np.zeros(1, dtype=np.intp), 2), 77)
    WarmStart(on="new").train(turn(recorder, previous=previous))
    assert recorder.calls[-1] == ("update", (77, [8.0, 9.0, 10.0, 11.0], None))
    WarmStart(on="new", replay=0.5).train(turn(recorder, previous=previous))
    rows = recorder.calls[-1][1][1]
    assert rows[-4:] == [8.0, 9.0, 10.0, 11.0]
    assert len(rows) == 8
    assert rows == sorted(rows)
    WarmStart(on="new", replay=1.0).train(turn(recorder, previous=previous, weight=np.arange(12) / 12))
    assert recorder.calls[-1][1][1:] == (list(range(12)), (np.arange(12) / 12).tolist())


def test_without_new_labels_the_model_stays(recorder):
    previous = recorder.fit(TrainingSet(np.zeros((1, 1)), np.zeros(1, dtype=np.intp), 2), 77)
    assert WarmStart(on="new").train(turn(recorder, fresh=0, previous=previous)) is previous


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
def raw_cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


def test_warm_start_on_all_reaches_the_optimum_of_reset(raw_cancer):
    X, y = raw_cancer
    model = LogisticRegressionModel()
    previous = model.fit(TrainingSet(X[:20], y[:20], 2), 0)
    warm = model.resume(previous, TrainingSet(X[:60], y[:60], 2), 0)
    cold = model.fit(TrainingSet(X[:60], y[:60], 2), 0)
    np.testing.assert_allclose(warm.class_scores(X), cold.class_scores(X), atol=1e-2)


def test_naive_bayes_on_new_rows_alone_is_naive_bayes_on_all(raw_cancer):
    X, y = raw_cancer
    model = NaiveBayes(var_smoothing=1e-12)
    previous = model.fit(TrainingSet(X[:30], y[:30], 2), 0)
    updated = model.update(previous, TrainingSet(X[30:60], y[30:60], 2), 0)
    whole = model.fit(TrainingSet(X[:60], y[:60], 2), 0)
    np.testing.assert_allclose(updated.class_scores(X[60:]), whole.class_scores(X[60:]), atol=1e-3)


def test_resets_go_through_the_start_that_model_init_says(recorder):
    Reset().train(turn(recorder, model_init=BestOfStarts(starts=2)))
    assert len(recorder.calls) == 3
