"""Distances against brute force and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import scale

from altune.numerics.geometry import distances
from altune.numerics.geometry.covering import distances_to
from altune.numerics.geometry.distances import blocks, make_points, random_argmax, squared_distances, squared_to_nearest
from altune.numerics.geometry.typicality import typicality


@pytest.fixture(scope="module")
def cancer():
    return scale(load_breast_cancer(return_X_y=True)[0])[:300]


def rng(seed=0):
    return np.random.default_rng(seed)


def rows(*positions):
    return np.array(positions, dtype=np.intp)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_squared_distances_are_those_of_the_features_up_to_the_scale(form):
    X = load_digits().data[:200]
    got = squared_distances(make_points(form(X)), make_points(form(X)))
    want = cdist(X, X, "sqeuclidean") / 32.0**2  # the largest entry is 16 = 0.5 * 2^5
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)
    assert (np.diagonal(got) == 0).all()


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_a_duplicate_is_at_distance_zero_exactly(form):
    X = np.tile(rng().normal(size=(20, 33)), (3, 1))
    points = make_points(form(X))
    for row in range(20):
        assert distances_to(points, row)[[row, row + 20, row + 40]].tolist() == [0, 0, 0]


def test_blocks_give_what_one_block_gives(monkeypatch, cancer):
    points = make_points(cancer)
    nearest, typical = squared_to_nearest(points, points.take(rows(3, 50, 9))), typicality(points, 7)
    monkeypatch.setattr(distances, "BLOCK_CELLS", 999)
    assert len(list(blocks(len(points), 300))) == 100
    np.testing.assert_allclose(squared_to_nearest(points, points.take(rows(3, 50, 9))), nearest, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(typicality(points, 7), typical, rtol=1e-7)


def test_without_centres_everything_is_infinitely_far(cancer):
    points = make_points(cancer)
    assert np.isinf(squared_to_nearest(points, points.take(rows()))).all()


def test_ties_fall_by_chance_and_rounding_is_a_tie():
    values = np.array([1.0, 2.0, 2.0 + 1e-13, 0.0, 2.0])
    assert {random_argmax(values, rng(seed)) for seed in range(50)} == {1, 2, 4}
    assert {random_argmax(np.array([-np.inf, np.inf, np.inf]), rng(seed)) for seed in range(20)} == {1, 2}
    assert {random_argmax(np.zeros(3), rng(seed)) for seed in range(50)} == {0, 1, 2}
