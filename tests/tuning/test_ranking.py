"""Ranks and correlations of trials."""

import pytest

from altune.tuning.ranking import RankedValues, correlations


def test_equal_trials_share_a_rank_in_the_correlation():
    entries = [RankedValues(number, (value,), {}) for number, value in enumerate([1.0, 1.0, 0.0])]
    assert correlations(entries, [entries[1], entries[0], entries[2]]) == pytest.approx((1.0, 1.0))
    assert correlations(entries, entries[::-1])[0] == pytest.approx(-1.0)
    assert correlations(entries[:2], entries[:2]) == (None, None)
