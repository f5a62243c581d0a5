"""Statistics against hand-worked numbers, scipy, and simulations of what they promise."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from altune.core.errors import RequestError
from altune.numerics.crossed import variance_parts
from altune.numerics.hypothesis_tests import holm
from altune.numerics.statistics import (
    Interval,
    PairedDifference,
    mean_interval,
    over_data_sets,
    paired_difference,
    resampled_ends,
    resampled_p,
    side_by_side,
    wilson_interval,
)

# Ten blocks of margin and random sampling on one data set, as scores are in practice.
MARGIN = [0.912, 0.905, 0.931, 0.899, 0.921, 0.917, 0.908, 0.926, 0.903, 0.915]
RANDOM = [0.896, 0.901, 0.908, 0.893, 0.910, 0.899, 0.905, 0.904, 0.906, 0.897]


def test_interval_of_a_mean_is_scipys_t_interval() -> None:
    interval = mean_interval(MARGIN, 0.9)
    low, high = stats.t.interval(0.9, 9, loc=np.mean(MARGIN), scale=stats.sem(MARGIN))
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert interval.mean == pytest.approx(0.9137)
    assert interval.blocks == 10


def test_what_is_written_of_an_interval_and_of_a_difference() -> None:
    table = np.random.default_rng(0).normal(size=(5, 8))
    parts = variance_parts(table)
    interval = Interval(0.5, -math.inf, math.inf, 3, "blocks and rows", parts)
    assert interval.to_dict() == {
        **{"mean": 0.5, "low": None, "high": None, "blocks": 3, "basis": "blocks and rows"},
        "variance": parts.to_dict(),
    }
    assert Interval(0.5, 0.25, 0.75, 9).to_dict() == {
        **{"mean": 0.5, "low": 0.25, "high": 0.75, "blocks": 9, "basis": "blocks alone"},
    }
    difference = PairedDifference(0.5, 0.25, 0.75, 0.01, 9, 0.875)
    plain = {
        **{"mean": 0.5, "low": 0.25, "high": 0.75, "p": 0.01, "blocks": 9, "better": 0.875, "p_holm": 0.01},
        **{"low_together": 0.25, "high_together": 0.75, "clear": True, "basis": "blocks alone"},
    }
    assert difference.to_dict() == plain
    assert replace(difference, parts=parts).to_dict() == plain | {"variance": parts.to_dict()}


def test_difference_worked_by_hand() -> None:
    # Differences 0, 1, 2, 3, 4: mean 2, s² = 2.5; (1/5 + 1/3)·2.5 = 4/3; the 97.5 % quantile of t(4) is 2.776445105.
    result = paired_difference([1, 3, 5, 7, 9], [1, 2, 3, 4, 5], overlap=1 / 3)
    t = 2 / math.sqrt(4 / 3)
    assert result.mean == pytest.approx(2)
    # The distribution function of t(4) in closed form.
    assert result.p == pytest.approx(1 - t * (t * t + 6) / (t * t + 4) ** 1.5)
    assert result.high - 2 == pytest.approx(2.776445105 * math.sqrt(4 / 3))
    assert 2 - result.low == pytest.approx(result.high - 2)
    assert result.better == 0.8


def test_without_test_rows_the_correction_vanishes_and_scipys_paired_test_remains() -> None:
    result = paired_difference(MARGIN, RANDOM, overlap=0.0)
    plain = stats.ttest_rel(MARGIN, RANDOM)
    ends = plain.confidence_interval(0.95)
    assert result.p == pytest.approx(plain.pvalue)
    assert (result.low, result.high) == pytest.approx((ends.low, ends.high))
    assert result.better == pytest.approx(0.9)


def test_correction_widens_the_interval_by_the_published_factor() -> None:
    plain = paired_difference(MARGIN, RANDOM, overlap=0.0)
    corrected = paired_difference(MARGIN, RANDOM, overlap=1 / 3)
    widening = (corrected.high - corrected.low) / (plain.high - plain.low)
    assert widening == pytest.approx(math.sqrt((1 / 10 + 1 / 3) / (1 / 10)))
    assert corrected.p > plain.p


def test_interval_and_test_agree_at_the_edge() -> None:
    # The interval of confidence 1 − p must end at zero exactly.
    p = paired_difference(MARGIN, RANDOM, overlap=1 / 3).p
    edge = paired_difference(MARGIN, RANDOM, overlap=1 / 3, confidence=1 - p)
    assert edge.low == pytest.approx(0, abs=1e-12)


def test_swapping_the_sides_mirrors_the_result() -> None:
    there = paired_difference(MARGIN, RANDOM, overlap=1 / 3)
    back = paired_difference(RANDOM, MARGIN, overlap=1 / 3)
    assert (back.mean, back.low, back.high, back.p) == pytest.approx((-there.mean, -there.high, -there.low, there.p))


def test_identical_curves_are_no_difference() -> None:
    result = paired_difference(MARGIN, MARGIN, overlap=1 / 3)
    assert (result.mean, result.low, result.high, result.p, result.better) == (0, 0, 0, 1, 0)


def test_constant_difference_collapses_in_spite_of_rounding() -> None:
    shifted = [x + 0.1 for x in MARGIN]
    result = paired_difference(shifted, MARGIN, overlap=1 / 3)
    assert result.p == 0
    assert result.low == result.mean == result.high == pytest.approx(0.1)


@pytest.mark.parametrize("blocks", [1, 2, 4])
def test_few_blocks_say_nothing_of_chance(blocks: int) -> None:
    result = paired_difference(MARGIN[:blocks], RANDOM[:blocks], overlap=1 / 3)
    assert result.mean == pytest.approx(np.mean(MARGIN[:blocks]) - np.mean(RANDOM[:blocks]))
    assert (result.low, result.high, result.p, result.clear) == (-math.inf, math.inf, 1, False)
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert plain["low"] is None
    assert plain["blocks"] == blocks
    assert mean_interval(MARGIN[:blocks]).to_dict()["high"] is None


def by_p(*p_values: float) -> list[PairedDifference]:
    """Differences with these p values, of a standard error of 1 and many degrees of freedom."""
    differences = []
    for p in p_values:
        mean, half = float(stats.norm.isf(p / 2)), float(stats.norm.isf(0.025))
        differences.append(PairedDifference(mean, mean - half, mean + half, p, 20, 0.5, error=1.0))
    return differences


@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=8))
def test_intervals_side_by_side_say_what_holms_test_says(p_values: list[float]) -> None:
    judged = side_by_side(by_p(*p_values), -math.inf, math.inf)
    assert [difference.p_holm for difference in judged] == pytest.approx(holm(p_values).tolist())
    for difference in judged:
        low, high = difference.together
        if abs(difference.p_holm - 0.05) > 1e-9:
            assert difference.clear == (low > 0 or high < 0)
        assert low <= difference.low + 1e-12
        assert difference.high <= high + 1e-12


@given(st.lists(st.floats(-1, 1), min_size=100, max_size=400), st.floats(0.001, 0.5))
def test_resampled_intervals_exclude_zero_where_the_test_rejects(values: list[float], level: float) -> None:
    draws = np.sort(values)
    low, high = resampled_ends(draws, 1 - level)
    if abs(resampled_p(draws) - level) > 1e-9:
        assert (low > 0 or high < 0) == (resampled_p(draws) <= level)


def test_resampled_ends_worked_by_hand() -> None:
    draws = np.arange(1.0, 40.0)  # 39 draws: 2.5 % of 40 is the first
    assert resampled_ends(draws, 0.95) == (1.0, 39.0)
    assert resampled_p(draws) == pytest.approx(2 / 40)
    assert resampled_ends(draws, 0.99) == (-math.inf, math.inf)


def test_side_by_side_worked_by_hand() -> None:
    # Sorted .004 .02 .03 are tested at .05/3, .05/2 and .05: all are clear.
    first, second, third = side_by_side(by_p(0.03, 0.004, 0.02), -math.inf, math.inf)
    assert [round(difference.p_holm, 6) for difference in (first, second, third)] == [0.04, 0.012, 0.04]
    assert first.mean - first.together[0] == pytest.approx(stats.norm.isf(0.05 / 2))
    assert second.mean - second.together[0] == pytest.approx(stats.norm.isf(0.05 / 3 / 2))
    assert third.mean - third.together[0] == pytest.approx(stats.norm.isf(0.05 / 2 / 2))
    # At .03 Holm's method stops, and so both of the rest are shown at its level, .05/2.
    unclear = side_by_side(by_p(0.001, 0.03, 0.04), -math.inf, math.inf)
    assert [difference.clear for difference in unclear] == [True, False, False]
    assert unclear[2].together[0] == pytest.approx(unclear[2].mean - stats.norm.isf(0.05 / 2 / 2))
    assert unclear[2].together[0] < 0 < unclear[2].low
    assert side_by_side([], 0.0, 1.0) == []


def test_over_data_sets_the_variances_are_combined() -> None:
    # Two data sets with standard errors .03 and .04: that of the mean is .05/2; t quantiles by Satterthwaite.
    first = PairedDifference(0.1, 0.04, 0.16, 0.01, 20, 0.9, error=0.03, degrees=10)
    second = PairedDifference(0.02, -0.06, 0.1, 0.6, 10, 0.6, error=0.04, degrees=20)
    both = over_data_sets([first, second])
    assert (both.mean, both.error, both.blocks, both.better) == pytest.approx((0.06, 0.025, 30, 0.8))
    assert both.degrees == pytest.approx(0.05**4 / (0.03**4 / 10 + 0.04**4 / 20))
    assert both.high - both.mean == pytest.approx(stats.t.ppf(0.975, both.degrees) * 0.025)
    assert both.p == pytest.approx(2 * stats.t.sf(0.06 / 0.025, both.degrees))
    alone = over_data_sets([first])
    assert (alone.mean, alone.error, alone.degrees) == pytest.approx((first.mean, first.error, first.degrees))
    few = PairedDifference(0.1, -math.inf, math.inf, 1.0, 3, 1.0, error=0.01, degrees=2)
    assert not over_data_sets([first, few]).known


def test_intervals_stay_within_what_is_possible() -> None:
    assert mean_interval([0.9, 1.0, 1.0, 1.0, 1.0]).within(0.0, 1.0).high == 1.0
    difference = side_by_side(by_p(0.3), -0.5, 1.5)[0]
    assert (difference.low, difference.high) == difference.together == (-0.5, 1.5)


def test_null_p_values_are_uniform() -> None:
    rng = np.random.default_rng(1)
    p = [paired_difference(*rng.normal(size=(2, 8)), overlap=0.0).p for _ in range(400)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: paired_difference([1, 2], [1], overlap=1.0), "same blocks, got 2 and 1"),
        (lambda: paired_difference([1, 2], [1, 2], overlap=-1.0), "overlap"),
        (lambda: mean_interval([]), "at least one value"),
        (lambda: mean_interval([1.0, math.nan]), "NaN"),
        (lambda: mean_interval([[1.0], [2.0]]), "shape"),
        (lambda: mean_interval([1, 2], confidence=95), "confidence"),
        (lambda: holm([0.5, 1.5]), "p values"),
    ],
)
def test_what_cannot_be_computed_is_refused_in_one_line(call, says) -> None:
    with pytest.raises(RequestError, match=says) as refused:
        call()
    assert "\n" not in str(refused.value)


@given(st.integers(1, 60), st.data())
def test_wilson_agrees_with_scipy(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials))
    found = wilson_interval(hits, trials)
    reference = stats.binomtest(hits, trials).proportion_ci(0.95, method="wilson")
    assert (found.mean, found.low, found.high) == pytest.approx((hits / trials, reference.low, reference.high))


def test_wilson_refuses_what_is_no_share() -> None:
    with pytest.raises(RequestError, match="got 3 of 2"):
        wilson_interval(3, 2)
