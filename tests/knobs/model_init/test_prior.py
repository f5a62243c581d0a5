"""Starts that know the class priors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.metrics import log_loss
from sklearn.preprocessing import scale

from altune.core.errors import RequestError
from altune.core.types import TrainingSet
from altune.knobs.model_init import ClassPriorStart, DefaultStart, log_class_priors
from altune.models import (
    LogisticRegressionModel,
    MultilayerPerceptron,
    NaiveBayes,
    SoftmaxRegression,
    shrink_and_perturb,
    with_output_bias,
)
from altune.recipes.recipe import Capabilities, Recipe
from tests.helpers.training import ARGUMENTS, STREAMS

MLP = MultilayerPerceptron(hidden_units=12, max_epochs=25, learning_rate=0.02, batch_size=16)
SGD = SoftmaxRegression(max_epochs=25)


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return scale(X)[order], y[order]


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


def test_log_priors_by_hand():
    training = TrainingSet(np.zeros((4, 1)), np.array([0, 0, 0, 2]), 3)
    np.testing.assert_allclose(np.exp(log_class_priors(training, 1.0)), [4 / 7, 1 / 7, 2 / 7])
    weighted = replace(training, weights=np.array([1.0, 0.5, 0.5, 2.0]))
    np.testing.assert_allclose(np.exp(log_class_priors(weighted, 0.5)), [2.5 / 5.5, 0.5 / 5.5, 2.5 / 5.5])


@pytest.mark.parametrize("model", [LogisticRegressionModel(), SGD])
@pytest.mark.parametrize("classes", [2, 3])
def test_a_linear_model_that_has_learned_nothing_says_the_priors(model, classes, wine):
    X, y = wine
    rows = np.flatnonzero(y < classes)[:40]
    training = TrainingSet(X[rows], y[rows], classes)
    logs = log_class_priors(training, 1.0)
    blank = with_output_bias(model.untrained(training, 0), logs)
    silent = shrink_and_perturb(blank, 0.0, 0.0, np.random.default_rng(0))
    biased = with_output_bias(silent, logs)  # all weights 0, so that the bias alone speaks
    np.testing.assert_allclose(biased.class_scores(X), np.tile(np.exp(logs), (len(X), 1)))
    np.testing.assert_allclose(silent.class_scores(X), 1 / classes)


def test_a_network_before_it_is_trained_is_where_fit_starts(wine):
    X, y = wine
    for model in (MLP, SGD):
        blank = model.untrained(TrainingSet(X[:40], y[:40], 3), 5)
        one_step = model.model_copy(update={"max_epochs": 1, "learning_rate": 1e-6}).fit(
            TrainingSet(X[:40], y[:40], 3), 5
        )
        for ours, theirs in zip(blank.estimator.coefs_, one_step.estimator.coefs_, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=2e-4)
            assert np.abs(ours).max() > 0.05


def test_biases_change_the_copy_alone(wine):
    X, y = wine
    blank = MLP.untrained(TrainingSet(X[:40], y[:40], 3), 0)
    before = blank.class_scores(X)
    biased = with_output_bias(blank, np.log([0.7, 0.2, 0.1]))
    np.testing.assert_array_equal(blank.class_scores(X), before)
    np.testing.assert_array_equal(biased.estimator.intercepts_[-1], np.log([0.7, 0.2, 0.1]))
    np.testing.assert_array_equal(biased.estimator.coefs_[0], blank.estimator.coefs_[0])


def test_a_convex_model_ends_where_it_ends_anyway(wine):
    X, y = wine
    model = LogisticRegressionModel()
    for n_classes, rows in ((3, np.arange(60)), (2, np.flatnonzero(y < 2)[:60])):
        primed = ClassPriorStart().start(model, TrainingSet(X[rows], y[rows], n_classes), **ARGUMENTS)
        plain = model.fit(TrainingSet(X[rows], y[rows], n_classes), 0)
        np.testing.assert_allclose(primed.class_scores(X), plain.class_scores(X), atol=1e-2)


def test_a_network_knows_sooner_how_frequent_the_classes_are(cancer):
    X, y = cancer
    rare = np.concatenate([np.flatnonzero(y == 0)[:6], np.flatnonzero(y == 1)[:114]])
    hasty = SoftmaxRegression(max_epochs=1, learning_rate=0.001)
    losses = {}
    for name, method in (("primed", ClassPriorStart()), ("plain", DefaultStart())):
        per_loop = []
        for loop in range(5):
            fitted = method.start(hasty, TrainingSet(X[rare], y[rare], 2), streams=STREAMS, loop=loop)
            per_loop.append(log_loss(y[rare], fitted.class_scores(X[rare])))
        losses[name] = np.mean(per_loop)
    assert losses["primed"] < losses["plain"] - 0.1


def test_smoothing_draws_the_priors_together(wine):
    X, y = wine
    training = TrainingSet(X[y < 2], y[y < 2], 3)
    sharp, flat = (log_class_priors(training, smoothing) for smoothing in (0.01, 1000.0))
    assert np.exp(sharp[2]) < 1e-3
    np.testing.assert_allclose(np.exp(flat), 1 / 3, atol=0.05)
    hasty = SoftmaxRegression(max_epochs=1, learning_rate=1e-6)
    said = [
        ClassPriorStart(smoothing=s).start(hasty, training, **ARGUMENTS).class_scores(training.X)[:, 2]
        for s in (0.01, 1000.0)
    ]
    assert said[0].mean() < said[1].mean()


def test_class_prior_needs_a_model_that_resumes():
    recipe = Recipe(model_init="class_prior", model="random_forest")
    assert "resumes" in recipe.problems(Capabilities())[0]
    for name in ("logistic_regression", "sgd", "mlp"):
        assert recipe.replace(model=name).problems(Capabilities()) == []
    with pytest.raises(RequestError, match="before it is trained"):
        NaiveBayes().untrained(TrainingSet(np.ones((2, 1)), np.array([0, 1]), 2), 0)
