"""Greedy coverings and sampling by squared distance, against brute force."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.preprocessing import scale

from altune.numerics.geometry import covering
from altune.numerics.geometry.clustering import central_points
from altune.numerics.geometry.covering import distances_to, farthest_first, farthest_pair, sample_by_squared_distance
from altune.numerics.geometry.density import mean_similarity
from altune.numerics.geometry.distances import make_points
from tests.helpers.geometry import greedy_k_center


@pytest.fixture(scope="module")
def cancer():
    return scale(load_breast_cancer(return_X_y=True)[0])[:300]


def rng(seed=0):
    return np.random.default_rng(seed)


def rows(*positions):
    return np.array(positions, dtype=np.intp)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_farthest_first_is_the_greedy_k_center_of_all_pairs(form, cancer):
    points = make_points(form(cancer))
    others = np.setdiff1d(np.arange(300), [5, 17])
    picks = others[farthest_first(points.take(others), points.take(rows(5, 17)), 60, rng())]
    assert picks.tolist() == greedy_k_center(cancer, [5, 17], 60)


def test_farthest_first_is_at_most_twice_the_best_radius():
    X = load_iris().data[::10]
    apart = cdist(X, X)
    best = min(apart[:, list(c)].min(axis=1).max() for c in itertools.combinations(range(len(X)), 3))
    points = make_points(X)
    for seed in range(len(X)):
        picks = farthest_first(points, points.take(rows()), 3, rng(seed))
        assert apart[:, picks].min(axis=1).max() <= 2 * best + 1e-12


@pytest.mark.parametrize("factor", [2.0**500, 2.0**-500])
def test_huge_and_tiny_features_give_the_same_picks(factor, cancer):
    usual, scaled = make_points(cancer), make_points(cancer * factor)
    for pick in (farthest_first, lambda p, _, size, r: central_points(p, size, r)):
        want = pick(usual, usual.take(rows()), 20, rng(4))
        assert pick(scaled, scaled.take(rows()), 20, rng(4)).tolist() == want.tolist()
    np.testing.assert_allclose(mean_similarity(cancer * factor), mean_similarity(cancer))


def test_a_common_offset_does_not_drown_the_distances(cancer):
    usual, shifted = make_points(cancer), make_points(cancer + 1e8)
    want = farthest_first(usual, usual.take(rows(0)), 20, rng())
    assert farthest_first(shifted, shifted.take(rows(0)), 20, rng()).tolist() == want.tolist()


def test_farthest_first_takes_each_duplicate_once_and_all_when_asked_for_more():
    points = make_points(np.repeat([[0.0, 0.0], [1.0, 5.0]], 4, axis=0))
    picks = farthest_first(points, points.take(rows()), 99, rng())
    assert sorted(picks) == list(range(8))
    assert {picks[0] // 4, picks[1] // 4} == {0, 1}


def test_sampling_by_squared_distance_draws_in_proportion():
    points = make_points(np.array([[0.0], [1.0], [2.0], [3.0], [0.0]]))
    drawn = np.zeros(5)
    draws, generator = 4000, rng()
    for _ in range(draws):
        picks = sample_by_squared_distance(
            lambda row: distances_to(points, row), np.full(5, np.inf), 2, generator, first=0
        )
        assert picks[0] == 0
        drawn[picks[1]] += 1
    want = np.array([0, 1, 4, 9, 0]) / 14
    np.testing.assert_allclose(drawn / draws, want, atol=4 * np.sqrt(0.25 / draws))
    assert drawn[[0, 4]].tolist() == [0, 0]


def test_sampling_by_squared_distance_falls_back_to_chance_among_duplicates():
    points = make_points(np.ones((6, 2)))
    firsts = set()
    for seed in range(40):
        picks = sample_by_squared_distance(lambda row: distances_to(points, row), np.full(6, np.inf), 9, rng(seed))
        assert sorted(picks) == list(range(6))
        firsts.add(picks[1])
    assert firsts == set(range(6))


def test_farthest_pair_is_the_farthest_of_all_pairs(cancer, monkeypatch):
    apart = cdist(cancer, cancer)
    points = make_points(cancer)
    assert apart[farthest_pair(points, rng())] == apart.max()
    monkeypatch.setattr(covering, "EXACT_PAIR_ROWS", 0)
    for seed in range(20):
        first, second = farthest_pair(points, rng(seed))
        assert first != second
        assert apart[first, second] >= apart.max() / 2


def test_covering_a_large_pool_makes_no_square_array():
    points = make_points(rng().normal(size=(20_000, 5)))
    tracemalloc.start()
    farthest_first(points, points.take(np.arange(500)), 5, rng())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6  # all pairs would take 3.2e9 bytes
