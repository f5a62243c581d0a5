"""Tests of hypotheses against hand-worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
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
