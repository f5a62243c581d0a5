"""Correlations of two rankings of trials."""

import pytest

from altune.analysis.rescoring.rankings import correlations
from altune.tuning.trials import TrialRecord


def test_equal_trials_share_a_rank_in_the_correlation():
    trials = [
        TrialRecord(number, "complete", value, {}, (), None, objectives=(value,))
        for number, value in enumerate([1.0, 1.0, 0.0])
    ]
    assert correlations(trials, [trials[1], trials[0], trials[2]]) == pytest.approx((1.0, 1.0))
    assert correlations(trials, trials[::-1])[0] == pytest.approx(-1.0)
    assert correlations(trials[:2], trials[:2]) == (None, None)
