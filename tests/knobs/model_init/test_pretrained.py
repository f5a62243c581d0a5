"""Starts that were pretrained on clusters."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale

from altune.core.pool import FeatureCache, Pool
from altune.core.types import TrainingSet
from altune.knobs.model_init import DefaultStart, Pretrained
from altune.knobs.model_init.pretrained import matched_classes, pool_clusters
from altune.models import MultilayerPerceptron, SoftmaxRegression
from altune.recipes.recipe import Capabilities, Recipe
from tests.helpers.training import ARGUMENTS, STREAMS

MLP = MultilayerPerceptron(hidden_units=12, max_epochs=25, learning_rate=0.02, batch_size=16)
SGD = SoftmaxRegression(max_epochs=25)


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return scale(X)[order], y[order]


def labelled_pool(X, y, rows, n_classes, shared=None):
    pool = Pool(X, n_classes, budget=len(y), shared=shared)
    pool.close(rows)
    pool.set_labels(rows, y[rows])
    return pool


def test_clusters_get_the_classes_that_agree_with_most_labels():
    rng = np.random.default_rng(0)
    for _ in range(20):
        clusters, labels = rng.integers(4, size=15), rng.integers(4, size=15)
        found = matched_classes(clusters, labels, 4)
        best = max(itertools.permutations(range(4)), key=lambda one: int((np.array(one)[clusters] == labels).sum()))
        assert sorted(found) == [0, 1, 2, 3]
        assert (found[clusters] == labels).sum() == (np.array(best)[clusters] == labels).sum()


def test_a_pretrained_start_knows_more_from_few_labels(wine):
    X, y = wine
    hasty = SoftmaxRegression(max_epochs=3, learning_rate=0.02)
    right = {"pretrained": [], "plain": []}
    for first in range(0, 30, 6):
        rows = np.arange(first, first + 6)
        pool = labelled_pool(X, y, rows, 3)
        arguments = {"streams": STREAMS, "loop": first, "pool": pool}
        for name, method in (("pretrained", Pretrained()), ("plain", DefaultStart())):
            fitted = method.start(hasty, TrainingSet(X[rows], y[rows], 3), **arguments)
            right[name].append((fitted.predict(X) == y).mean())
    assert np.mean(right["pretrained"]) > np.mean(right["plain"]) + 0.05


def test_the_labels_have_the_last_word(wine):
    X, y = wine
    swapped = (y + 1) % 3
    rows = np.arange(100)
    pool = labelled_pool(X, swapped, rows, 3)
    fitted = Pretrained(rows=20).start(MLP, TrainingSet(X[rows], swapped[rows], 3), pool=pool, **ARGUMENTS)
    assert (fitted.predict(X) == swapped).mean() > 0.9


def test_it_is_pretrained_on_as_many_rows_as_it_may(wine, monkeypatch):
    X, y = wine
    seen = []
    whole = SoftmaxRegression.fit

    def spied(self, training, seed):
        seen.append(len(training))
        return whole(self, training, seed)

    monkeypatch.setattr(SoftmaxRegression, "fit", spied)
    rows = np.arange(10)
    for most in (30, 100_000):
        pool = labelled_pool(X, y, rows, 3)
        Pretrained(rows=most).start(SGD, TrainingSet(X[rows], y[rows], 3), pool=pool, **ARGUMENTS)
    assert seen == [30, len(y)]


def test_clusters_depend_on_features_alone_and_are_made_once(wine, monkeypatch):
    X, y = wine
    shared = FeatureCache()
    first = pool_clusters(labelled_pool(X, y, np.arange(10), 3, shared))
    monkeypatch.setattr("altune.knobs.model_init.pretrained.kmeans", None)  # asked again, it would fail
    again = pool_clusters(labelled_pool(X, (y + 1) % 3, np.arange(40, 60), 3, shared))
    assert again is first


def test_a_pretrained_start_takes_sparse_pools_and_one_class(wine):
    X, y = wine
    for features in (X, sparse.csr_array(np.maximum(X, 0))):
        rows = np.flatnonzero(y == 1)[:5]
        pool = labelled_pool(features, y, rows, 3)
        fitted = Pretrained().start(SGD, TrainingSet(features[rows], y[rows], 3), pool=pool, **ARGUMENTS)
        assert fitted.class_scores(features).shape == (len(y), 3)


def test_pretraining_needs_a_start_that_matters():
    recipe = Recipe(model_init="pretrained", model="naive_bayes")
    assert "start is random" in recipe.problems(Capabilities())[0]
    assert "partial_fit" in recipe.replace(model="logistic_regression").problems(Capabilities())[0]
    assert recipe.replace(model="mlp").problems(Capabilities()) == []
