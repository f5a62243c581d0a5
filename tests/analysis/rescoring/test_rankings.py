"""Correlations of two rankings of trials."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=9))
def test_correlations_are_counted_pair_by_pair(values):
    """Kendall's τ-b from concordant and discordant pairs, Spearman's ρ as Pearson's of the shared ranks."""

    def ranked(side):
        trials = [
            TrialRecord(number, "complete", float(pair[side]), {}, (), None, objectives=(float(pair[side]),))
            for number, pair in enumerate(values)
        ]
        return sorted(trials, key=lambda trial: -trial.value)

    spearman, kendall = correlations(ranked(0), ranked(1))
    signs = [tuple(np.sign(a[side] - b[side]) for side in (0, 1)) for a, b in itertools.combinations(values, 2)]
    untied = [sum(sign[side] != 0 for sign in signs) for side in (0, 1)]
    if 0 in untied:
        assert (spearman, kendall) == (None, None)
        return
    assert kendall == pytest.approx(sum(a * b for a, b in signs) / math.sqrt(untied[0] * untied[1]))
    ranks = [
        [sum(o[s] > v[s] for o in values) + (sum(o[s] == v[s] for o in values) + 1) / 2 for v in values] for s in (0, 1)
    ]
    assert spearman == pytest.approx(np.corrcoef(*ranks)[0, 1])
