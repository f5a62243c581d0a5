"""Tests of hypotheses against hand-worked numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from altune.numerics.hypothesis_tests import holm, wilcoxon_signed_rank

MARGIN = [0.912, 0.905, 0.931, 0.899, 0.921, 0.917, 0.908, 0.926, 0.903, 0.915]


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


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_rejects_step_by_step(p_values: list[float]) -> None:
    """At each level, the hypotheses in the order of their p values until one is above its share of the level."""
    adjusted = holm(p_values)
    for level in (0.001, 0.05, 0.3, *(0.999 * value for value in adjusted)):
        rejected = set()
        for step, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
            if p_values[index] * (len(p_values) - step) > level:
                break
            rejected.add(index)
        assert {index for index, value in enumerate(adjusted) if value <= level} == rejected


@settings(max_examples=40)
@given(st.lists(st.integers(-30, 30).filter(bool), min_size=1, max_size=8, unique_by=abs), st.integers(1, 9))
def test_wilcoxon_counts_the_signs_of_all_ranks(differences: list[int], factor: int) -> None:
    """Without ties the p value is exact: how many of the 2ⁿ signs are as far from the middle as those that came."""
    ranks = np.argsort(np.argsort(np.abs(differences))) + 1
    observed = ranks[np.array(differences) > 0].sum()
    sums = np.array([np.dot(signs, ranks) for signs in itertools.product((0, 1), repeat=len(ranks))])
    exact = min(1.0, 2 * min((sums <= observed).mean(), (sums >= observed).mean()))
    b = np.linspace(0.1, 0.9, len(differences))
    assert wilcoxon_signed_rank(b + np.array(differences) * factor / 100, b) == pytest.approx(exact)
    assert wilcoxon_signed_rank(b, b + np.array(differences) / 100) == pytest.approx(exact)
