"""Strategies that pick some rows by chance."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tests.helpers.queries import linear_pool, select


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = X[:500] / 16
    return linear_pool(X, y[:500], np.random.default_rng(0).permutation(500)[:40], 10)


def test_epsilon_mix_takes_its_share_by_chance(digits):
    best = select("margin", digits, 20).tolist()
    mixed = [select({"method": "epsilon_mix", "epsilon": 0.3}, digits, 20, seed) for seed in range(200)]
    kept = np.mean([len(set(rows.tolist()) & set(best)) for rows in mixed])
    # 14 rows are the best of margin on average; of 6 random ones of 446 some are by chance as well
    assert kept == pytest.approx(14, abs=0.7)
    assert select({"method": "epsilon_mix", "epsilon": 0.0}, digits, 20).tolist() == best
    at_random = select({"method": "epsilon_mix", "epsilon": 1.0}, digits, 460).tolist()
    assert sorted(at_random) == digits.candidates.tolist()
