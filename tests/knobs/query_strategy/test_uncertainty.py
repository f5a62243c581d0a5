"""Uncertainty: scores by their formulas, two classes, and parity with scikit-activeml."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

from tests.helpers.queries import FixedScores, linear_pool, scores, select

SCORED = ["random", "least_confidence", "margin", "entropy", "density_weighted", "mixture"]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = X[:500] / 16
    return linear_pool(X, y[:500], np.random.default_rng(0).permutation(500)[:40], 10)


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return linear_pool(scale(X), y, np.random.default_rng(1).permutation(569)[:20])


def test_uncertainty_scores_are_their_formulas(digits):
    p = np.sort(digits.known().probabilities, axis=1)[:, ::-1]
    np.testing.assert_allclose(scores("least_confidence", digits), 1 - p[:, 0])
    np.testing.assert_allclose(scores("margin", digits), p[:, 1] - p[:, 0])
    np.testing.assert_allclose(scores("entropy", digits), -(p * np.log(p)).sum(axis=1))


def test_two_classes_have_one_order_of_uncertainty(cancer):
    orders = {name: select(name, cancer, 500, seed=2).tolist() for name in SCORED[1:4]}
    assert orders["margin"] == orders["least_confidence"] == orders["entropy"]
    p = cancer.known().probabilities
    expected = np.argsort(np.abs(p[:, 0] - 0.5), kind="stable")[:50]
    assert orders["margin"][:50] == cancer.candidates[expected].tolist()


def test_two_classes_tie_alike():
    p = np.array([0.5, 0.5 + 1e-12, 0.3, 0.7, 0.3, 0.9, 0.1, 1.0, 0.0, 0.7])
    told = FixedScores(np.column_stack([p, 1 - p]))
    pool = linear_pool(np.arange(12.0)[:, None], np.arange(12) % 2, [0, 1], 2, told)
    orders = [[select(name, pool, 10, s).tolist() for s in range(30)] for name in SCORED[1:4]]
    assert orders[0] == orders[1] == orders[2]
    assert {order[0] for order in orders[0]} == {2}  # a hair surer is surer, though its entropy is the same
    assert len({tuple(order) for order in orders[0]}) > 1


@pytest.mark.parametrize("name", ["least_confidence", "margin", "entropy"])
@pytest.mark.parametrize("pool_name", ["digits", "cancer"])
def test_uncertainty_picks_what_scikit_activeml_picks(name, pool_name, request):
    skactiveml = pytest.importorskip("skactiveml.pool")
    classifier = pytest.importorskip("skactiveml.classifier")
    pool = request.getfixturevalue(pool_name)
    y = np.full(pool.n_rows, np.nan)
    y[pool.labelled] = pool.labels
    theirs = {"least_confidence": "least_confident", "margin": "margin_sampling", "entropy": "entropy"}
    picks = skactiveml.UncertaintySampling(method=theirs[name], random_state=0).query(
        pool.X,
        y,
        classifier.SklearnClassifier(LogisticRegression(), classes=range(pool.n_classes)),
        batch_size=20,
    )
    assert select(name, pool, 20).tolist() == list(picks)
