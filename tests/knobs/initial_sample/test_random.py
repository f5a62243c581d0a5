"""First samples at random."""

from __future__ import annotations

import numpy as np

from tests.helpers.first_samples import sample


def test_random_draws_every_row_alike():
    drawn = np.bincount(np.concatenate([sample("random", np.zeros((10, 1)), 3, seed) for seed in range(2000)]))
    assert np.abs(drawn - 600).max() < 5 * np.sqrt(2000 * 0.3 * 0.7)
