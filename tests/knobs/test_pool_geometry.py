"""What strategies know about the geometry of a pool, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_iris

from altune.core.pool import FeatureCache
from altune.knobs.pool_geometry import pool_points, pool_pure_radius
from tests.helpers.first_samples import make_pool


def test_the_radius_of_a_pool_is_that_of_its_clusters_by_brute_force():
    X, y = load_iris(return_X_y=True)
    X = X[y < 2]
    y = y[y < 2]  # setosa and versicolor: k-means finds the two species
    pool = make_pool(X, n_classes=2)
    points = pool_points(pool)
    apart = cdist(points.values, points.values)
    other = np.where(y[:, None] != y[None, :], apart, np.inf).min(axis=1)
    got = np.sqrt(pool_pure_radius(pool, 0.95))
    assert got == pytest.approx(np.sort(other)[5])
    # all trajectories of a block share it, whatever they drew
    assert pool_pure_radius(make_pool(X, n_classes=2, shared=FeatureCache()), 0.95) == pytest.approx(got**2)
