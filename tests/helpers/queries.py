"""Pools with some labelled rows, and what query strategies pick from them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.core.registry import parse_method
from altune.core.types import TrainingSet
from altune.knobs.query_strategy import QueryStrategy, ScoreStrategy
from altune.models import LogisticRegressionModel


class Linear:
    """A logistic regression over all classes of the scenario; its embedding is the features."""

    def __init__(self, X, y, n_classes):
        self.n_classes = n_classes
        self.seen = np.unique(y)
        self.fitted = LogisticRegression().fit(X, y) if len(self.seen) > 1 else None

    def class_scores(self, X):
        scores = np.zeros((X.shape[0], self.n_classes))
        scores[:, self.seen] = 1.0 if self.fitted is None else self.fitted.predict_proba(X)
        return scores

    def predict(self, X):
        return self.class_scores(X).argmax(axis=1)

    embeds = False

    def embedding(self, X):
        return X


class FixedScores:
    """A model whose class scores are given, for pools no estimator would fit."""

    def __init__(self, scores):
        self.scores = scores

    def class_scores(self, X):
        return self.scores

    embeds = False

    def embedding(self, X):
        return X


def make_pool(X, y, labelled, n_classes=None, learner=None, model=None, held_out=()):
    """Return a pool with labelled rows and a model: the given one, or the learner's on these rows."""
    labelled = np.sort(np.asarray(labelled, dtype=np.intp))
    pool = Pool(X, n_classes or int(max(y)) + 1, budget=100)
    pool.close(np.array([*labelled, *held_out], dtype=np.intp))
    pool.held_out = np.array(held_out, dtype=np.intp)
    pool.set_labels(labelled, np.asarray(y)[labelled])
    pool.labels_bought = len(labelled)
    pool.learner = learner or LogisticRegressionModel()
    pool.model = model or pool.learner.fit(TrainingSet(pool.X[labelled], pool.labels, pool.n_classes), 0)
    pool.metadata = Metadata(pool.X, pool.candidates, pool.model)
    return pool


def linear_pool(X, y, labelled, n_classes=None, model=None, budget=100):
    """Return a pool whose model is scikit-learn's own logistic regression, or the given one."""
    labelled = np.asarray(labelled, dtype=np.intp)
    pool = Pool(X, n_classes or int(max(y)) + 1, budget=budget)
    pool.close(labelled)
    pool.set_labels(labelled, np.asarray(y)[labelled])
    pool.labels_bought = len(labelled)
    pool.model = model or Linear(X[labelled], pool.labels, pool.n_classes)
    pool.metadata = Metadata(X, pool.candidates, pool.model)
    return pool


def read(value):
    method = parse_method("query_strategy", value)
    assert isinstance(method, QueryStrategy)
    return method


def select(value, pool, size, seed=0):
    return read(value).select(pool, size, np.random.default_rng(seed))


def scores(value, pool, seed=0):
    method = read(value)
    assert isinstance(method, ScoreStrategy)
    return method.scores(pool, np.random.default_rng(seed))


def partly_labelled(pool):
    """Return the labels in scikit-activeml's form, where an unknown one is not a number."""
    y = np.full(pool.n_rows, np.nan)
    y[pool.labelled] = pool.labels
    return y


def skactiveml(pool, fit_intercept=True):
    """Return scikit-activeml's pool module, the labels in its form, and the same classifier."""
    theirs = pytest.importorskip("skactiveml.pool")
    classifier = pytest.importorskip("skactiveml.classifier")
    y = np.full(pool.n_rows, np.nan)
    y[pool.labelled] = pool.labels
    model = LogisticRegression(max_iter=1000, fit_intercept=fit_intercept)
    return theirs, y, classifier.SklearnClassifier(model, classes=range(pool.n_classes))
