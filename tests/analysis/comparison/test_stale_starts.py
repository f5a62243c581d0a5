"""Runs that are slow by their own measure."""

from __future__ import annotations

import pytest

from altune.analysis.comparison.stale_starts import over_data_sets, stale_share, stale_starts
from altune.simulation.curve import LearningCurve
from tests.helpers.compared import BUDGET, curve


def test_a_run_is_stale_that_is_slow_by_its_own_measure() -> None:
    quick = curve([10, 25, 100], [0.5, 0.8, 0.9])
    stuck = curve([10, 25, 100], [0.5, 0.55, 0.9])
    flat = curve([10, 25, 100], [0.8, 0.8, 0.8])
    low_but_even = curve([10, 25, 100], [0.5, 0.52, 0.55])
    assert stale_share([quick, stuck, flat, low_but_even], "accuracy", 100) == pytest.approx(0.25)
    late = curve([10, 26, 100], [0.5, 0.8, 0.9])
    assert stale_share([late], "accuracy", 100) == 1.0
    assert stale_share([late], "accuracy", 200) == 0.0


def test_stale_share_on_real_data_is_a_share(played: dict[str, list[LearningCurve]]) -> None:
    shares = [stale_share(curves, "accuracy", BUDGET) for curves in played.values()]
    assert all(0 <= share <= 0.5 for share in shares)


def test_stale_runs_are_counted_with_their_interval() -> None:
    quick, stuck = curve([10, 25, 100], [0.5, 0.8, 0.9]), curve([10, 25, 100], [0.5, 0.55, 0.9])
    found = stale_starts({"a": [quick, stuck], "b": [quick, quick]}, "accuracy", 100)
    assert [(one.recipe, one.stale, one.runs) for one in found] == [("a", 1, 2), ("b", 0, 2)]
    (a, b) = over_data_sets([found, found])
    assert (a.stale, a.runs, a.share, b.low) == (2, 4, 0.5, 0.0)
    assert a.high - a.low < found[0].high - found[0].low
