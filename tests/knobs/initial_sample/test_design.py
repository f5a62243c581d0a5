"""First samples by leverage."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale

from altune.core.pool import FeatureCache
from altune.numerics.geometry.designs import leverage_scores, unit_mean_square
from altune.numerics.geometry.distances import make_points
from tests.helpers.first_samples import sample


def points_of(X):
    return make_points(np.asarray(X, dtype=float))


@pytest.fixture(scope="module")
def wine():
    return scale(load_wine().data)


def test_leverage_draws_by_score_or_takes_the_largest(wine):
    points = unit_mean_square(points_of(wine))
    scores = leverage_scores(points, 1.0, np.random.default_rng(0))
    largest = sample({"method": "leverage", "draw": "largest"}, wine, 10)
    np.testing.assert_allclose(scores[largest], np.sort(scores)[::-1][:10])
    shared, draws = FeatureCache(), 4000
    drawn = np.bincount([sample("leverage", wine, 1, s, shared=shared)[0] for s in range(draws)], minlength=178)
    assert np.abs(drawn / draws - scores / scores.sum()).max() < 4.5 * np.sqrt(0.02 / draws)
