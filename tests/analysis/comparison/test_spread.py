"""Spread over blocks."""

from __future__ import annotations

import numpy as np
import pytest

from altune.analysis.comparison.spread import spread_of


def test_spread_is_told_from_the_unlucky_side() -> None:
    values = np.linspace(0.5, 1.0, 11)
    more, less = spread_of("a", values), spread_of("a", values, "minimize")
    assert (more.unlucky, more.worst, more.best) == pytest.approx((0.55, 0.5, 1.0))
    assert (less.unlucky, less.worst, less.best) == pytest.approx((0.95, 1.0, 0.5))
    assert spread_of("a", values, overlap=0.3).mean.low < more.mean.low
