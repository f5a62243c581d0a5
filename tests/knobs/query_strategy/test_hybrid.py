"""BADGE: distances of gradients, its first row, and parity with scikit-activeml."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

from altune.knobs.query_strategy.hybrid import Gradients
from altune.numerics.geometry.distances import make_points
from tests.helpers.queries import FixedScores, linear_pool, select


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = X[:500] / 16
    return linear_pool(X, y[:500], np.random.default_rng(0).permutation(500)[:40], 10)


def gradients_in_full(pool):
    p = pool.known().probabilities
    errors = p - np.eye(p.shape[1])[p.argmax(axis=1)]
    return (errors[:, :, None] * pool.X[pool.candidates][:, None, :]).reshape(len(p), -1)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_badge_distances_are_those_of_the_gradients_in_full(form, digits):
    full = gradients_in_full(digits)
    factors = Gradients(digits.known().probabilities, make_points(form(digits.X[digits.candidates]), centre=False))
    want = cdist(full, full, "sqeuclidean")
    got = np.stack([factors.distances_to(row) for row in range(len(full))])
    unit = got[0, 1] / want[0, 1]
    np.testing.assert_allclose(got, want * unit, rtol=1e-8, atol=1e-12)
    assert np.log2(unit) == pytest.approx(round(np.log2(unit)))  # scaled by a power of two alone
    np.testing.assert_allclose(factors.norms, (full**2).sum(axis=1) * unit)


def test_badge_starts_from_the_longest_gradient_and_draws_by_squared_distance():
    X, y = load_wine(return_X_y=True)
    pool = linear_pool(scale(X)[::12], y[::12], [0, 6, 12])
    full = gradients_in_full(pool)
    longest = int((full**2).sum(axis=1).argmax())
    squared = cdist(full, full[[longest]], "sqeuclidean")[:, 0]
    draws = 3000
    picks = np.array([select("badge", pool, 2, seed) for seed in range(draws)])
    assert set(picks[:, 0]) == {pool.candidates[longest]}
    drawn = np.array([(picks[:, 1] == row).sum() for row in pool.candidates]) / draws
    np.testing.assert_allclose(drawn, squared / squared.sum(), atol=4.5 * np.sqrt(0.25 / draws))


def test_badge_starts_where_scikit_activeml_starts(digits):
    skactiveml = pytest.importorskip("skactiveml.pool")
    classifier = pytest.importorskip("skactiveml.classifier")
    y = np.full(digits.n_rows, np.nan)
    y[digits.labelled] = digits.labels
    model = classifier.SklearnClassifier(LogisticRegression(), classes=range(10))
    picks, utilities = skactiveml.Badge(random_state=0).query(digits.X, y, model, batch_size=2, return_utilities=True)
    assert select("badge", digits, 5)[0] == picks[0]
    factors = Gradients(digits.known().probabilities, make_points(digits.X[digits.candidates], centre=False))
    first = int(np.searchsorted(digits.candidates, picks[0]))
    # theirs also counts the distance to a gradient of 0, which the authors' code does not
    ours = np.minimum(factors.distances_to(first), factors.norms)
    theirs = utilities[1][digits.candidates]
    keep = ~np.isnan(theirs)
    np.testing.assert_allclose((ours / ours.sum())[keep], theirs[keep], atol=1e-9)


def test_badge_of_a_sure_model_is_random():
    pool = linear_pool(
        np.arange(20.0)[:, None], np.arange(20) % 2, [0, 1], 2, FixedScores(np.eye(2)[np.arange(18) % 2])
    )
    assert {int(select("badge", pool, 1, seed)[0]) for seed in range(200)} == set(range(2, 20))
