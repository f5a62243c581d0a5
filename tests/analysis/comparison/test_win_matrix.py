"""Wins of one recipe over another."""

from __future__ import annotations

import pytest

from altune.analysis.comparison.win_matrix import win_matrix
from altune.analysis.paired import Comparison, Pair
from altune.core.errors import RequestError
from altune.numerics.statistics import Interval, PairedDifference


def compared(low: float, mean: float, high: float) -> Comparison:
    whole, p = Interval(0.5, 0.4, 0.6, 5), 0.01 if low > 0 or high < 0 else 0.5
    return Comparison({"a": whole, "b": whole}, (Pair("a", "b", PairedDifference(mean, low, high, p, 5, 0.5)),))


def test_a_win_is_a_clear_difference() -> None:
    three = [compared(0.1, 0.2, 0.3), compared(-0.1, 0.2, 0.5), compared(-0.3, -0.2, -0.1), compared(0.0, 0.0, 0.0)]
    wins = win_matrix(three)
    assert wins.clear == ((0, 1), (1, 0))
    assert wins.ahead == ((0, 2), (1, 0))
    assert wins.ties(0, 1) == 2
    assert wins.to_dict()["against"]["a"]["b"] == {"wins": 1, "ties": 2, "losses": 1, "ahead": 2}
    assert win_matrix([compared(0.1, 0.2, 0.3)], sign=-1.0).clear == ((0, 0), (1, 0)), "less is better"
    with pytest.raises(RequestError, match="one or more data sets"):
        win_matrix([])
