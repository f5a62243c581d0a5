"""Balls of one radius: which radius, and which of them cover most, by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale

from altune.numerics.geometry.balls import ball_graph, greedy_cover, pure_squared_radius
from altune.numerics.geometry.distances import make_points


def points_of(X):
    return make_points(np.asarray(X, dtype=float))


@pytest.fixture(scope="module")
def wine():
    return scale(load_wine().data)


def test_the_radius_is_the_largest_whose_balls_are_pure_enough():
    squared = np.random.default_rng(0).random(200)
    for purity in (0.5, 0.9, 0.95, 1.0):
        radius = pure_squared_radius(squared, purity)
        # a ball is open: it is pure as long as no row of another cluster is nearer than the radius
        assert (squared >= radius).mean() >= purity
        assert (squared >= radius * (1 + 1e-9)).mean() < purity
    assert pure_squared_radius(np.full(5, np.inf), 0.95) == np.inf


def test_greedy_cover_by_brute_force(wine):
    points = points_of(wine)
    radius = 0.3**2
    inside = cdist(points.values, points.values) < 0.3
    covered = np.zeros(len(wine), dtype=bool)
    covered[:20] = True
    allowed = np.arange(10, len(wine))
    graph = ball_graph(points, points, radius)
    picked = greedy_cover(graph, sparse.csr_array(graph.T), ~covered, allowed, 40, np.random.default_rng(0))
    assert len(set(picked)) == 40
    for turn, pick in enumerate(picked):
        gains = (inside & ~covered).sum(axis=1)
        gains[picked[:turn]] = -1
        gains[:10] = -1
        assert gains[pick] == gains.max()
        covered |= inside[pick]
