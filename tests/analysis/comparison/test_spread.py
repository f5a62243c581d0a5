"""Spread over blocks."""

from __future__ import annotations

import numpy as np
import pytest

from altune.analysis.comparison.spread import spread_of
from altune.numerics.statistics import mean_interval


def test_spread_is_seen_from_the_unlucky_side() -> None:
    values = np.linspace(0.5, 1.0, 11)
    mean = mean_interval(values)
    more, less = spread_of("a", values, mean), spread_of("a", values, mean, "minimize")
    assert (more.unlucky, more.worst, more.best) == pytest.approx((0.55, 0.5, 1.0))
    assert (less.unlucky, less.worst, less.best) == pytest.approx((0.95, 1.0, 0.5))
    assert more.mean == mean
