"""Expected change: gradients, errors and variances by brute force, and parity with scikit-activeml."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

from altune.core.metadata import Metadata
from altune.core.types import TrainingSet
from altune.knobs.query_strategy.expected_change import MOST_DIMENSIONS, most_probable, short_embedding
from altune.models import LogisticRegressionModel, MultilayerPerceptron, as_model
from tests.helpers.queries import make_pool, scores, select

OURS = ["egl", "eer", {"method": "eer", "loss": "zero_one"}, "variance_reduction"]


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    rows = np.random.default_rng(4).permutation(150)[:40]
    return make_pool(scale(X)[rows], y[rows], range(9))


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return make_pool(scale(X), y, np.random.default_rng(1).permutation(569)[:20])


@pytest.mark.parametrize("value", OURS, ids=str)
def test_one_class_and_sparse_features_are_borne(value):
    X, y = load_wine(return_X_y=True)
    one_class = make_pool(scale(X), y, np.flatnonzero(y == 1)[:4])
    assert len(set(select(value, one_class, 200).tolist())) == 174
    digits, labels = load_digits(return_X_y=True)
    pools = [make_pool(form(digits[:120] / 16), labels[:120], range(30)) for form in (np.asarray, sparse.csr_array)]
    assert select(value, pools[0], 8).tolist() == select(value, pools[1], 8).tolist()


def test_egl_is_the_mean_length_of_the_gradients_in_full(iris):
    p, g = iris.known().probabilities, iris.X[iris.candidates]
    lengths = [
        sum(p[i, k] * np.linalg.norm(np.outer(p[i] - np.eye(3)[k], g[i])) for k in range(3)) for i in range(len(p))
    ]
    got = scores("egl", iris)
    np.testing.assert_allclose(got / got.max(), np.array(lengths) / max(lengths))


def test_egl_uses_the_embedding_of_a_network():
    X, y = load_wine(return_X_y=True)
    pool = make_pool(scale(X), y, range(0, 178, 12), learner=MultilayerPerceptron(max_epochs=20, hidden_units=8))
    p, g = pool.known().probabilities, pool.model.embedding(pool.X[pool.candidates])
    assert g.shape[1] == 8
    gaps = np.linalg.norm(p[:, None] - np.eye(3)[None], axis=2)
    want = (p * gaps).sum(axis=1) * np.linalg.norm(g, axis=1)
    got = scores("egl", pool)
    np.testing.assert_allclose(got / got.max(), want / want.max())


def everything(loss):
    return {"method": "eer", "loss": loss, "candidates": 200, "evaluation": 200, "classes": 20}


@pytest.mark.parametrize("loss", ["log_loss", "zero_one"])
def test_eer_retrains_for_each_candidate_and_class(loss, iris):
    p = iris.known().probabilities
    rest = iris.X[iris.candidates]
    want = np.zeros(len(rest))
    for i, row in enumerate(iris.candidates):
        for k in range(3):
            X, y = iris.X[[*iris.labelled, row]], [*iris.labels, k]
            told = LogisticRegression(max_iter=1000).fit(X, y).predict_proba(rest)
            risk = -(told * np.log(told)).sum(axis=1) if loss == "log_loss" else 1 - told.max(axis=1)
            want[i] -= p[i, k] * risk.mean()
    np.testing.assert_allclose(scores(everything(loss), iris), want, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["log_loss", "zero_one"])
def test_eer_is_that_of_scikit_activeml(loss, iris):
    theirs = pytest.importorskip("skactiveml.pool")
    classifier = pytest.importorskip("skactiveml.classifier")
    y = np.full(iris.n_rows, np.nan)
    y[iris.labelled] = iris.labels
    name = {"log_loss": "log_loss", "zero_one": "misclassification_loss"}[loss]
    strategy = theirs.MonteCarloEER(method=name, random_state=0)
    model = classifier.SklearnClassifier(LogisticRegression(max_iter=1000), classes=range(3))
    X_eval = iris.X[iris.candidates]
    _, utilities = strategy.query(iris.X, y, model, X_eval=X_eval, ignore_partial_fit=True, return_utilities=True)
    ours = scores(everything(loss), iris)
    want = utilities[0][iris.candidates]
    # theirs is a sum for the one loss and a mean for the other
    factor = want.mean() / ours.mean()
    assert round(factor, 4) in (1.0, len(X_eval))
    np.testing.assert_allclose(ours * factor, want, rtol=1e-4)
    assert iris.candidates[ours.argmax()] == iris.candidates[want.argmax()]


def test_eer_bounds_its_trainings(cancer, monkeypatch):
    fits = []
    own = LogisticRegressionModel.fit
    monkeypatch.setattr(
        LogisticRegressionModel, "fit", lambda self, *given: fits.append(len(given[0])) or own(self, *given)
    )
    given = scores({"method": "eer", "candidates": 7, "evaluation": 30}, cancer)
    assert fits == [21] * 14
    assert (given > given.min()).sum() == 7
    fits.clear()
    scores({"method": "eer", "candidates": 7, "classes": 1}, cancer)
    assert len(fits) == 7


def test_eer_of_another_model(iris):
    bayes = make_pool(iris.X, np.zeros(40, int), iris.labelled, 3, as_model("naive_bayes"))
    bayes.set_labels(iris.labelled, iris.labels)
    bayes.model = bayes.learner.fit(TrainingSet(iris.X[iris.labelled], iris.labels, 3), 0)
    bayes.metadata = Metadata(bayes.X, bayes.candidates, bayes.model)
    got = scores({**everything("log_loss"), "query_model": "naive_bayes"}, iris)
    np.testing.assert_allclose(got, scores(everything("log_loss"), bayes))


def test_eer_weighs_the_new_label_as_one(iris):
    plain = scores(everything("log_loss"), iris)
    pool = make_pool(iris.X, np.zeros(40, int), iris.labelled, 3)
    pool.set_labels(iris.labelled, iris.labels)
    pool.metadata = iris.metadata
    pool.label_weights = np.ones(9)
    np.testing.assert_allclose(scores(everything("log_loss"), pool), plain)
    pool.label_weights = np.full(9, 0.2)
    assert not np.allclose(scores(everything("log_loss"), pool), plain)


def test_most_probable_classes_stand_for_all():
    codes, shares = most_probable(np.array([0.3, 0.0, 0.6, 0.1]), 2)
    assert (codes.tolist(), shares.round(6).tolist()) == ([2, 0], [0.666667, 0.333333])
    assert most_probable(np.array([0.0, 1.0, 0.0]), 3)[0].tolist() == [1]


def ratio_in_full(rows, g, spread, reference, ridge):
    total = 0.0
    for weights in spread:
        pool = sum(weights[i] * np.outer(g[i], g[i]) for i in reference) / len(reference)
        known = ridge * np.eye(g.shape[1]) + sum(weights[i] * np.outer(g[i], g[i]) for i in rows)
        total += np.trace(np.linalg.inv(known) @ pool)
    return total


def test_variance_reduction_is_greedy_over_the_pool(iris):
    chosen = np.concatenate([iris.labelled, iris.candidates])
    g = np.column_stack([iris.X[chosen] / np.sqrt((iris.X[chosen] ** 2).mean()), np.ones(40)])
    p = iris.model.predict_proba(iris.X[chosen])
    spread, rest, rows = (p * (1 - p)).T, range(9, 40), list(range(9))
    for _ in range(3):
        rows.append(min(set(rest) - set(rows), key=lambda i: ratio_in_full([*rows, i], g, spread, rest, 2.0)))
    got = select({"method": "variance_reduction", "ridge": 2.0}, iris, 3)
    assert got.tolist() == chosen[rows[9:]].tolist()


def test_variance_reduction_learns_more_than_chance(cancer):
    """The rows picked lower the mean variance of the pool's linear scores, which is what the ratio stands for."""
    g = short_embedding(cancer.X, np.random.default_rng(0))
    weight = np.prod(cancer.model.predict_proba(cancer.X), axis=1)

    def variance(rows):
        known = np.eye(g.shape[1]) + (g[rows].T * weight[rows]) @ g[rows]
        rest = cancer.candidates
        return (weight[rest] * np.einsum("id,id->i", g[rest] @ np.linalg.inv(known), g[rest])).mean()

    picked = variance(np.append(cancer.labelled, select("variance_reduction", cancer, 10)))
    by_chance = [variance(np.append(cancer.labelled, select("random", cancer, 10, seed))) for seed in range(20)]
    assert picked < min(by_chance)


def test_long_embeddings_are_shortened_without_loss_where_there_is_none():
    chance = np.random.default_rng(0)
    low = chance.normal(size=(50, 8)) @ chance.normal(size=(8, 400))
    short = short_embedding(low, chance)
    assert short.shape == (50, 51)  # no more directions than rows
    assert MOST_DIMENSIONS == 100
    products = short[:, :-1] @ short[:, :-1].T
    np.testing.assert_allclose(products / products.max(), low @ low.T / (low @ low.T).max(), atol=1e-8)
    of_sparse = short_embedding(sparse.csr_array(low), np.random.default_rng(1))[:, :-1]
    np.testing.assert_allclose(of_sparse @ of_sparse.T, products, atol=1e-6)
    plain = short_embedding(low[:, :10] * 1e150, chance)
    assert (plain[:, :-1] ** 2).mean() == pytest.approx(1.0)
    assert set(plain[:, -1]) == {1.0}
