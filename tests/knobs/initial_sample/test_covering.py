"""First samples that cover the pool."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits, load_wine
from sklearn.preprocessing import scale

from tests.helpers.first_samples import sample


@pytest.fixture(scope="module")
def wine():
    return scale(load_wine().data)


def test_kcenter_leaves_a_smaller_largest_gap_than_random(wine):
    gap = {
        name: np.mean([cdist(wine, wine[sample(name, wine, 15, seed)]).min(axis=1).max() for seed in range(5)])
        for name in ("kcenter", "random")
    }
    assert gap["kcenter"] < 0.9 * gap["random"]


def test_kcenter_goes_on_from_rows_bought_but_not_from_held_out_ones():
    X = np.array([[0.0], [1.0], [10.0], [11.0], [5.0]])
    assert sample("kcenter", X, 1, bought=[0]).tolist() == [3]
    assert sample("kcenter", X, 1, bought=[0], held_out=[3]).tolist() == [2]
    # the held-out row 3 lies next to row 2, and covers nothing
    assert sample("kcenter", X, 2, bought=[0], held_out=[3]).tolist() == [2, 4]


def test_kennard_stone_starts_from_the_two_farthest_rows(wine):
    apart = cdist(wine, wine)
    rows = sample("kennard_stone", wine, 8)
    assert apart[rows[0], rows[1]] == apart.max()
    for turn in range(2, 8):
        to_nearest = apart[:, rows[:turn]].min(axis=1)
        assert to_nearest[rows[turn]] == to_nearest.max()


def test_kmeans_pp_spreads_more_than_random():
    X = load_digits().data[:500]
    cost = {
        name: np.mean([cdist(X, X[sample(name, X, 20, seed)]).min(axis=1).sum() for seed in range(8)])
        for name in ("kmeans_pp", "random", "kmedoids")
    }
    assert cost["kmedoids"] < cost["kmeans_pp"]
    spread = {
        name: np.mean([np.min(cdist(p := X[sample(name, X, 20, s)], p) + 1e9 * np.eye(20)) for s in range(8)])
        for name in ("kmeans_pp", "random")
    }
    assert spread["kmeans_pp"] > spread["random"]


def test_kmeans_pp_never_draws_a_copy_while_something_else_is_left():
    X = np.repeat(np.eye(5), 20, axis=0)
    for seed in range(10):
        assert set(sample("kmeans_pp", X, 5, seed) // 20) == set(range(5))
