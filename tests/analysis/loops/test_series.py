"""Means over blocks, loop by loop."""

from __future__ import annotations

import numpy as np

from altune.analysis.loops.series import series_of


def test_loops_that_few_blocks_had_are_means_of_those():
    found = series_of([np.array([1.0, 3.0]), np.array([3.0])], np.arange(2))
    assert found.mean == (2.0, 3.0)
    assert found.low == (1.2, 3.0)
    assert series_of([np.array([np.nan, 1.0])], np.arange(2)).mean == (None, 1.0)
