"""Statistics against hand-worked numbers, scipy, and simulations of what they promise."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from altune.core.errors import RequestError
from altune.numerics.statistics import holm, mean_interval, paired_difference, wilcoxon_signed_rank, wilson_interval

# Ten blocks of margin and random sampling on one data set, as scores are in practice.
MARGIN = [0.912, 0.905, 0.931, 0.899, 0.921, 0.917, 0.908, 0.926, 0.903, 0.915]
RANDOM = [0.896, 0.901, 0.908, 0.893, 0.910, 0.899, 0.905, 0.904, 0.906, 0.897]


def test_interval_of_a_mean_is_scipys_t_interval() -> None:
    interval = mean_interval(MARGIN, 0.9)
    low, high = stats.t.interval(0.9, 9, loc=np.mean(MARGIN), scale=stats.sem(MARGIN))
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert interval.mean == pytest.approx(0.9137)
    assert interval.blocks == 10


def test_difference_worked_by_hand() -> None:
    # Differences 1, 2, 3: mean 2, s² = 1; (1/3 + 1/3)·1 = 2/3; t(2) has the closed form p = 1 − t/√(2 + t²).
    result = paired_difference([2, 4, 6], [1, 2, 3], n_train=75, n_test=25)
    t = 2 / math.sqrt(2 / 3)
    assert result.mean == pytest.approx(2)
    assert result.p == pytest.approx(1 - t / math.sqrt(2 + t * t))
    assert result.high - 2 == pytest.approx(4.302652730 * math.sqrt(2 / 3))
    assert 2 - result.low == pytest.approx(result.high - 2)
    assert result.better == 1.0


def test_without_test_rows_the_correction_vanishes_and_scipys_paired_test_remains() -> None:
    result = paired_difference(MARGIN, RANDOM, n_train=300, n_test=0)
    plain = stats.ttest_rel(MARGIN, RANDOM)
    ends = plain.confidence_interval(0.95)
    assert result.p == pytest.approx(plain.pvalue)
    assert (result.low, result.high) == pytest.approx((ends.low, ends.high))
    assert result.better == pytest.approx(0.9)


def test_correction_widens_the_interval_by_the_published_factor() -> None:
    plain = paired_difference(MARGIN, RANDOM, n_train=300, n_test=0)
    corrected = paired_difference(MARGIN, RANDOM, n_train=300, n_test=100)
    widening = (corrected.high - corrected.low) / (plain.high - plain.low)
    assert widening == pytest.approx(math.sqrt((1 / 10 + 1 / 3) / (1 / 10)))
    assert corrected.p > plain.p


def test_interval_and_test_agree_at_the_edge() -> None:
    # The interval of confidence 1 − p must end at zero exactly.
    p = paired_difference(MARGIN, RANDOM, n_train=300, n_test=100).p
    edge = paired_difference(MARGIN, RANDOM, n_train=300, n_test=100, confidence=1 - p)
    assert edge.low == pytest.approx(0, abs=1e-12)


def test_swapping_the_sides_mirrors_the_result() -> None:
    there = paired_difference(MARGIN, RANDOM, n_train=300, n_test=100)
    back = paired_difference(RANDOM, MARGIN, n_train=300, n_test=100)
    assert (back.mean, back.low, back.high, back.p) == pytest.approx((-there.mean, -there.high, -there.low, there.p))


def test_identical_curves_are_no_difference() -> None:
    result = paired_difference(MARGIN, MARGIN, n_train=300, n_test=100)
    assert (result.mean, result.low, result.high, result.p, result.better) == (0, 0, 0, 1, 0)


def test_constant_difference_collapses_in_spite_of_rounding() -> None:
    shifted = [x + 0.1 for x in MARGIN]
    result = paired_difference(shifted, MARGIN, n_train=300, n_test=100)
    assert result.p == 0
    assert result.low == result.mean == result.high == pytest.approx(0.1)


def test_one_block_says_nothing_of_chance() -> None:
    result = paired_difference([0.9], [0.8], n_train=300, n_test=100)
    assert result.mean == pytest.approx(0.1)
    assert (result.low, result.high, result.p) == (-math.inf, math.inf, 1)
    plain = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert plain["low"] is None
    assert plain["blocks"] == 1
    assert mean_interval([0.9]).to_dict()["high"] is None


def test_corrected_interval_covers_where_the_plain_one_does_not() -> None:
    # Nadeau and Bengio: blocks whose training sets overlap are correlated by n_test / (n_test + n_train).
    rng, true, blocks, n_train, n_test = np.random.default_rng(0), 0.02, 10, 300, 100
    rho = n_test / (n_train + n_test)
    covered = {"corrected": 0, "plain": 0}
    runs = 600
    for _ in range(runs):
        noise = math.sqrt(rho) * rng.normal() + math.sqrt(1 - rho) * rng.normal(size=blocks)
        b = rng.uniform(0.8, 0.9, size=blocks)
        a = b + true + 0.01 * noise
        for name, size in (("corrected", n_test), ("plain", 0)):
            result = paired_difference(a, b, n_train=n_train, n_test=size)
            covered[name] += result.low <= true <= result.high
    assert 0.92 < covered["corrected"] / runs < 0.98
    assert covered["plain"] / runs < 0.75


def test_null_p_values_are_uniform() -> None:
    rng = np.random.default_rng(1)
    p = [paired_difference(*rng.normal(size=(2, 8)), n_train=1, n_test=0).p for _ in range(400)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_holm_worked_by_hand() -> None:
    # Sorted .005 .01 .03 .04 times 4 3 2 1 is .02 .03 .06 .04, and must not fall: .02 .03 .06 .06.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])
    assert len(holm([])) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_lowers_a_p_value_nor_changes_their_order(p_values: list[float]) -> None:
    adjusted, raw = holm(p_values), np.array(p_values)
    assert (adjusted >= raw - 1e-15).all()
    assert (adjusted <= np.minimum(1, raw * len(raw)) + 1e-15).all() or len(raw) > 1
    order = np.argsort(raw, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()
    assert adjusted.min() == pytest.approx(min(1, raw.min() * len(raw)))


def test_wilcoxon_worked_by_hand_and_with_ties() -> None:
    assert wilcoxon_signed_rank(MARGIN, MARGIN) == 1.0
    gaps = np.array([0.01, 0.02, 0.03, 0.04, 0.05, -0.005])
    # All six ranks by hand: only the smallest is against, so W = 1 and p = 2·2/2⁶.
    assert wilcoxon_signed_rank(gaps, np.zeros(6)) == pytest.approx(4 / 64)
    assert wilcoxon_signed_rank([0.1 + 0.2, 0.9], [0.3, 0.9]) == 1.0
    # Ties by rounding share a rank: 1.5 and 1.5 for and against, 3 to 5 for; W = 1.5, 6 of 32 sign patterns.
    scores = np.array([0.3, 0.5, 0.6, 0.7, 0.8])
    others = scores - np.array([0.1, -0.1, 0.2, 0.3, 0.4])
    assert wilcoxon_signed_rank(scores, others) == pytest.approx(6 / 32)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: paired_difference([1, 2], [1], n_train=1, n_test=1), "same blocks, got 2 and 1"),
        (lambda: paired_difference([1, 2], [1, 2], n_train=0, n_test=1), "n_train"),
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
