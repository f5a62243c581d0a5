"""Subpools: how they are drawn, scored and completed."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale

from altune.knobs.pool_geometry import draw_rows
from altune.knobs.query_strategy.subpool import complete, spread_scores
from tests.helpers.queries import make_pool, select


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return make_pool(scale(X), y, np.random.default_rng(1).permutation(569)[:20])


def test_subpools_are_drawn_scored_and_filled_up():
    rng = np.random.default_rng(0)
    drawn = [draw_rows(np.arange(30), 10, rng) for _ in range(200)]
    assert all(len(set(one.tolist())) == 10 and (np.diff(one) > 0).all() for one in drawn)
    assert set(np.concatenate(drawn).tolist()) == set(range(30))
    given = spread_scores(np.array([-1e200, 3.0]), np.array([4, 0]), 6)
    assert np.isfinite(given).all()
    assert np.argsort(-given)[:2].tolist() == [0, 4]
    picked = complete(np.array([3, 1]), 5, 4, rng)
    assert picked[:2].tolist() == [3, 1]
    assert len(set(picked.tolist())) == 4
    assert len(complete(np.array([3, 1]), 5, 99, rng)) == 5


def test_rows_beyond_the_subpool_follow_at_random(cancer):
    value = {"method": "variance_reduction", "subpool": 10}
    rows = select(value, cancer, 40)
    assert len(set(rows.tolist())) == 40
    assert rows[:10].tolist() == select(value, cancer, 10).tolist()
