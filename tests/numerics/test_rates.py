"""Rates of hits that are as high as wanted: against exact sums of probabilities, and never surer than they may be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from altune.numerics.rates import binomial_levels, mean_rate_p


@given(st.integers(1, 200), st.data(), st.floats(0.05, 0.99))
def test_one_group_is_the_exact_binomial_test(trials, data, rate):
    hits = data.draw(st.integers(0, trials))
    expected = binomtest(hits, trials, rate, alternative="greater").pvalue
    assert mean_rate_p([hits], [trials], rate) == pytest.approx(expected, abs=1e-12)
    levels = binomial_levels(trials, rate)
    assert levels[trials - hits] == mean_rate_p([hits], [trials], rate)
    assert len(levels) == trials + 1


def tail(hits, trials, rates):
    """Return the probability of a mean of the observed rates that is as high or higher, for two groups."""
    counts = [np.arange(n + 1) for n in trials]
    chance = np.outer(*(binom.pmf(count, n, rate) for count, n, rate in zip(counts, trials, rates, strict=True)))
    means = np.add.outer(counts[0] / trials[0], counts[1] / trials[1]) / 2
    return chance[means >= np.mean(np.divide(hits, trials)) - 1e-12].sum()


@given(st.tuples(st.integers(1, 25), st.integers(1, 25)), st.data(), st.floats(0.3, 0.95))
def test_two_groups_are_never_surer_than_the_least_favourable_rates_allow(trials, data, rate):
    hits = [data.draw(st.integers(0, n)) for n in trials]
    p = mean_rate_p(hits, trials, rate)
    for first in np.linspace(max(0.0, 2 * rate - 1), min(1.0, 2 * rate), 21):
        assert tail(hits, trials, (first, 2 * rate - first)) <= p + 1e-9


@pytest.mark.parametrize(("trials", "rates"), [((15, 15), (0.9, 0.9)), ((27, 3), (1.0, 0.8)), ((50, 10), (1.0, 0.8))])
def test_groups_without_an_error_have_the_probability_of_that_at_the_least_favourable_rates(trials, rates):
    expected = np.prod(np.power(rates, trials))
    assert mean_rate_p(trials, trials, 0.9) == pytest.approx(expected, rel=1e-6)


def test_a_group_without_trials_may_have_any_rate():
    # Two of three groups are known: a mean of .6 leaves (.9, .9, 0), of .7 it leaves (1, 1, .1).
    assert mean_rate_p([20, 20, 0], [20, 20, 0], 0.6) == pytest.approx(0.9**40, rel=1e-6)
    assert mean_rate_p([20, 20, 0], [20, 20, 0], 0.7) == 1.0
    assert mean_rate_p([0, 0], [0, 0], 0.5) == 1.0


def test_as_many_hits_as_expected_show_nothing():
    assert mean_rate_p([9, 8], [10, 10], 0.85) == 1.0
