"""Regression with shrinkage by groups: what has an effect is found, and what has none is shrunk to zero."""

import numpy as np

from altune.numerics.shrinkage import Moments, grouped_ridge

GROUPS = np.repeat(np.arange(5), 4)


def drawn(effects, n=600, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, len(GROUPS)))
    return X, X @ effects + noise * rng.normal(size=n)


def test_a_group_with_an_effect_is_found_and_the_others_are_shrunk():
    effects = np.where(GROUPS == 2, 0.5, 0.0)
    X, y = drawn(effects)
    found = grouped_ridge(Moments.of(X, y), GROUPS)
    plain = np.linalg.lstsq(X, y)[0]
    assert np.abs(found[GROUPS == 2] - 0.5).max() < 0.12
    assert np.abs(found[GROUPS != 2]).max() < 0.5 * np.abs(plain[GROUPS != 2]).max()
    assert np.linalg.norm(found - effects) < np.linalg.norm(plain - effects)


def test_without_any_effect_everything_is_near_zero():
    found = [np.abs(grouped_ridge(Moments.of(*drawn(np.zeros(20), seed=seed)), GROUPS)).max() for seed in range(5)]
    assert np.median(found) < 0.05


def test_moments_of_parts_add_up():
    X, y = drawn(np.full(20, 0.3))
    whole, parts = Moments.of(X, y), Moments.of(X[:200], y[:200]) + Moments.of(X[200:], y[200:])
    for one, two in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, two)


def test_equal_responses_of_zero_give_zero():
    X, _ = drawn(np.zeros(20))
    assert not grouped_ridge(Moments.of(X, np.zeros(len(X))), GROUPS).any()
