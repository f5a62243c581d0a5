"""Uncertainty weighted by density, by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import scale

from tests.helpers.queries import linear_pool, scores, select


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = X[:500] / 16
    return linear_pool(X, y[:500], np.random.default_rng(0).permutation(500)[:40], 10)


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return linear_pool(scale(X), y, np.random.default_rng(1).permutation(569)[:20])


@pytest.mark.parametrize("kind", ["least_confidence", "margin", "entropy"])
def test_density_weighted_is_uncertainty_times_similarity_by_brute_force(kind, cancer):
    known = cancer.known()
    u = {
        "least_confidence": known.least_confidence,
        "margin": 1 - known.margin,
        "entropy": known.entropy,
    }
    similarity = (1 - cdist(cancer.X, cancer.X, "cosine") / 2).mean(axis=1)[cancer.candidates]
    got = scores({"method": "density_weighted", "uncertainty": kind, "beta": 1.7}, cancer)
    np.testing.assert_allclose(got, u[kind] * similarity**1.7)


def test_density_weighted_without_weight_is_uncertainty(digits):
    for kind in ("least_confidence", "margin", "entropy"):
        plain = {"method": "density_weighted", "uncertainty": kind, "beta": 0}
        assert select(plain, digits, 30).tolist() == select(kind, digits, 30).tolist()


def test_similarity_is_computed_once_for_a_pool(digits, monkeypatch):
    scores("density_weighted", digits)
    monkeypatch.setattr("altune.knobs.pool_geometry.mean_similarity", None)
    scores("density_weighted", digits)
