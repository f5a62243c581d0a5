"""The posterior of recipes on the same blocks, against the normal distribution written out."""

import numpy as np
import pytest
from scipy import stats

from altune.numerics.posterior import DROP, clearly_behind, posterior


def test_a_posterior_is_that_of_a_normal_mean():
    mean, variance = np.array([0.5, 0.6, 0.1]), np.array([0.01, 0.02, 0.0])
    values = np.array([[0.4, 0.6], [0.9, 0.7], [0.2, 0.4]])
    expected, spread = posterior(mean, variance, 0.03, values)
    adjusted = values.mean(axis=1) - values.mean() + mean.mean()
    for index in (0, 1):
        weights = np.array([1 / variance[index], 2 / 0.03])
        assert expected[index] == pytest.approx(weights @ [mean[index], adjusted[index]] / weights.sum())
        assert spread[index] == pytest.approx(1 / weights.sum())
    assert (expected[2], spread[2]) == pytest.approx((0.1, 0.0)), "a value that is known for sure stays as it is"


def test_hard_blocks_change_nothing():
    mean, variance = np.array([0.5, 0.6]), np.array([0.01, 0.02])
    values = np.random.default_rng(0).normal(size=(2, 4))
    harder = values - np.array([0.3, 0.0, 2.0, 1.0])
    assert posterior(mean, variance, 0.1, harder)[0] == pytest.approx(posterior(mean, variance, 0.1, values)[0])


def test_who_is_clearly_behind_is_rarely_the_better_one():
    mean, variance = np.array([0.0, 0.5, 1.0]), np.array([0.5, 0.2, 0.3])
    better = [
        stats.norm.cdf((value - 1.0) / np.sqrt(spread + 0.3)) for value, spread in zip(mean, variance, strict=True)
    ]
    assert clearly_behind(mean, variance).tolist() == [chance < DROP for chance in better] == [True, False, False]
    assert clearly_behind(mean, np.zeros(3)).tolist() == [True, True, False]
    assert clearly_behind(np.ones(2), np.zeros(2)).tolist() == [False, False]
