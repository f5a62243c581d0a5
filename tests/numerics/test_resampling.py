"""The bootstrap over data sets, blocks and test rows."""

from __future__ import annotations

import numpy as np
import pytest

from altune.numerics.resampling import resampled_means


def test_the_bootstrap_draws_data_sets_and_then_blocks_and_rows() -> None:
    flat = [np.full((2, 3, 4), level) for level in (0.0, 1.0)]
    drawn = resampled_means(flat, np.random.default_rng(0), 4000)
    assert set(np.unique(drawn.round(9))) == {0.0, 0.5, 1.0}, "blocks that agree leave the choice of data sets alone"
    assert drawn.mean() == pytest.approx(0.5, abs=0.03)
    assert drawn.var() == pytest.approx(0.125, abs=0.01)
    noisy = [np.array([[[0.0], [1.0]], [[1.0], [2.0]]])] * 2
    drawn = resampled_means(noisy, np.random.default_rng(0), 4000)
    assert np.allclose(drawn[:, 1] - drawn[:, 0], 1.0), "the same blocks for all recipes"
    assert drawn[:, 0].var() == pytest.approx(0.0625, abs=0.006)
    by_row = [table.transpose(0, 2, 1) for table in noisy]
    drawn = resampled_means(by_row, np.random.default_rng(0), 4000)
    assert drawn[:, 0].var() == pytest.approx(0.0625, abs=0.006)
