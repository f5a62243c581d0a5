"""The best of several starts, and ensembles of them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.metrics import log_loss
from sklearn.preprocessing import scale

from altune.core.types import TrainingSet
from altune.knobs.model_init import BestOfStarts, EnsembleOfStarts, mean_log_probability
from altune.knobs.retrain import WarmStart
from altune.loop.loop import ActiveLearningLoop
from altune.models import FittedEnsemble, MultilayerPerceptron, RandomForest, SoftmaxRegression
from altune.recipes.recipe import Capabilities, Recipe
from tests.helpers.training import ARGUMENTS, SEARCH_STREAMS, STREAMS, Recorder, start, training_input

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


@pytest.mark.parametrize("model", [MLP, SGD, RandomForest(n_estimators=3)])
def test_an_ensemble_says_the_mean_of_its_members(model, wine):
    X, y = wine
    fitted = EnsembleOfStarts(members=4).start(model, TrainingSet(X[:50], y[:50], 3), **ARGUMENTS)
    members = [model.fit(TrainingSet(X[:50], y[:50], 3), STREAMS.integer("model", 2, number)) for number in range(4)]
    mean = np.mean([member.class_scores(X) for member in members], axis=0)
    np.testing.assert_allclose(fitted.class_scores(X), mean)
    np.testing.assert_allclose(fitted.predict_proba(X), mean)
    np.testing.assert_array_equal(fitted.predict(X), mean.argmax(axis=1))
    assert not hasattr(fitted, "decision_function")
    assert np.ptp([member.class_scores(X) for member in members], axis=0).max() > 0.01


def test_an_ensemble_is_surer_to_be_right_than_its_mean_member(digits):
    X, y = digits
    fitted = EnsembleOfStarts(members=5).start(MLP, TrainingSet(X[:120], y[:120], 10), **ARGUMENTS)
    alone = [log_loss(y[120:], member.class_scores(X[120:]), labels=range(10)) for member in fitted.members]
    assert log_loss(y[120:], fitted.class_scores(X[120:]), labels=range(10)) < np.mean(alone)


def test_an_ensemble_of_one_class_is_sure_of_it_and_embeds_all_its_members(wine):
    X, y = wine
    one = EnsembleOfStarts(members=3).start(MLP, TrainingSet(X[:4], np.full(4, 2), 3), **ARGUMENTS)
    np.testing.assert_array_equal(one.class_scores(X)[:, 2], 1.0)
    assert set(one.predict(X)) == {2}
    many = EnsembleOfStarts(members=3).start(MLP, TrainingSet(X[:50], y[:50], 3), **ARGUMENTS)
    assert many.embedding(X).shape == (len(X), 3 * 12)
    np.testing.assert_array_equal(many.embedding(X)[:, 12:24], many.members[1].embedding(X))
    flat = EnsembleOfStarts(members=2).start(SGD, TrainingSet(X[:50], y[:50], 3), **ARGUMENTS)
    assert flat.embedding(X) is X


@pytest.mark.parametrize("on", ["all", "new"])
def test_warm_starts_continue_training_from_each_member(on, wine):
    X, y = wine
    first = EnsembleOfStarts(members=3).start(MLP, TrainingSet(X[:40], y[:40], 3), **ARGUMENTS)
    before = first.class_scores(X)
    now = training_input(MLP, X[:60], y[:60], 3, previous=first, fresh=20)
    found = WarmStart(on=on).train(now)
    rows = slice(0, 60) if on == "all" else slice(40, 60)
    for number, (old, new) in enumerate(zip(first.members, found.members, strict=True)):
        act = MLP.resume if on == "all" else MLP.update
        expected = act(old, TrainingSet(X[rows], y[rows], 3), now.seed() + number)
        np.testing.assert_array_equal(new.class_scores(X), expected.class_scores(X))
    np.testing.assert_array_equal(first.class_scores(X), before)


def test_an_ensemble_plays_a_whole_loop_with_badge_and_warm_starts(wine):
    X, y = wine
    recipe = Recipe(
        model_init={"method": "ensemble", "members": 3},
        retrain={"method": "shrink_perturb"},
        query_strategy="badge",
        model=MLP.to_dict(),
    )
    loop = ActiveLearningLoop(recipe, X, 3, budget=40, loops=3, streams=STREAMS)
    while not loop.done:
        loop.tell(y[loop.ask().rows])
    assert isinstance(loop.model, FittedEnsemble)
    assert len(loop.model.members) == 3
    assert (loop.model.predict(X) == y).mean() > 0.8


@pytest.fixture
def recorder():
    Recorder.calls.clear()
    return Recorder()


@pytest.fixture(scope="module")
def raw_cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


def test_best_of_judges_on_labels_that_the_starts_did_not_see_and_trains_the_best_on_all(recorder):
    fitted = start(BestOfStarts(starts=4), recorder, 20)
    seeds = [SEARCH_STREAMS.integer("model", 2, number) for number in range(4)]
    tried, last = recorder.calls[:4], recorder.calls[4]
    assert [said[1][1] for said in tried] == seeds
    assert all(len(said[1][0]) == 16 for said in tried)
    assert len({tuple(said[1][0]) for said in tried}) == 1  # all starts on the same four fifths
    assert (len(last[1][0]), last[1][1]) == (20, max(seeds))
    assert fitted.memory == max(seeds)


def test_best_of_few_labels_judges_on_those_it_has(recorder):
    fitted = start(BestOfStarts(starts=3), recorder, 9)
    assert [len(said[1][0]) for said in recorder.calls] == [9, 9, 9]
    assert fitted.memory == max(SEARCH_STREAMS.integer("model", 2, number) for number in range(3))


def test_best_of_carries_the_weights_of_the_rows(recorder):
    start(BestOfStarts(starts=2), recorder, 20, weight=np.arange(20) / 20)
    for _, (rows, _, weight) in recorder.calls:
        assert weight == (np.array(rows) / 20).tolist()


def test_best_of_is_no_worse_than_its_average_start(raw_cancer):
    X, y = raw_cancer
    model = MultilayerPerceptron(max_epochs=5, hidden_units=5, learning_rate=0.01)
    training = TrainingSet(X[:150], y[:150], 2)
    chosen = BestOfStarts(starts=6).start(model, training, streams=SEARCH_STREAMS, loop=1)
    starts = [model.fit(training, SEARCH_STREAMS.integer("model", 1, number)) for number in range(6)]
    quality = [mean_log_probability(one.class_scores(X[150:]), y[150:]) for one in starts]
    assert mean_log_probability(chosen.class_scores(X[150:]), y[150:]) > np.mean(quality)


def test_best_of_needs_a_start_that_is_random():
    recipe = Recipe(model_init={"method": "best_of"}, model={"method": "logistic_regression"})
    assert "start is random" in recipe.problems(Capabilities())[0]
    assert recipe.replace(model="sgd").problems(Capabilities()) == []


def test_mean_log_probability_bears_a_zero():
    assert mean_log_probability(np.array([[0.0, 1.0]]), np.array([0])) == pytest.approx(np.log(1e-12))
