"""The Fisher information ratio against a computation in full."""

from __future__ import annotations

import numpy as np
import pytest

from altune.numerics.fisher import InformationRatio, most_reducing_batch


def value(ratio):
    return np.einsum("kde,ked->", ratio.inverse, ratio.pool)


def ratio_in_full(rows, g, spread, reference, ridge):
    total = 0.0
    for weights in spread:
        pool = sum(weights[i] * np.outer(g[i], g[i]) for i in reference) / len(reference)
        known = ridge * np.eye(g.shape[1]) + sum(weights[i] * np.outer(g[i], g[i]) for i in rows)
        total += np.trace(np.linalg.inv(known) @ pool)
    return total


def test_information_ratio_falls_as_it_does_when_computed_in_full():
    chance = np.random.default_rng(0)
    g, p = chance.normal(size=(25, 4)), chance.dirichlet([1, 1, 1], 25)
    spread = (p * (1 - p)).T
    rest = np.arange(5, 25)
    ratio = InformationRatio(spread[:, 5:], g[5:], spread[:, :5], g[:5], 0.3)
    rows = [0, 1, 2, 3, 4]
    for pick in (7, 2, 11, 2):
        before = ratio_in_full(rows, g, spread, rest, 0.3)
        assert value(ratio) == pytest.approx(before)
        fall = [before - ratio_in_full([*rows, i], g, spread, rest, 0.3) for i in rest]
        np.testing.assert_allclose(ratio.gains(), fall)
        ratio.add(pick)
        rows.append(5 + pick)
    assert value(ratio) == pytest.approx(ratio_in_full(rows, g, spread, rest, 0.3))


def test_two_classes_have_the_ratio_of_logistic_regression():
    chance = np.random.default_rng(1)
    g, positive = chance.normal(size=(20, 3)), chance.random(20)
    spread = (positive * (1 - positive))[None].repeat(2, axis=0)
    ours = value(InformationRatio(spread[:, 6:], g[6:], spread[:, :6], g[:6], 0.5))
    weight = positive * (1 - positive)
    known = 0.5 * np.eye(3) + (g[:6].T * weight[:6]) @ g[:6]
    wanted = (g[6:].T * weight[6:]) @ g[6:] / 14
    assert ours == pytest.approx(2 * np.trace(np.linalg.solve(known, wanted)))


def test_variance_reduction_takes_no_duplicates():
    base = np.random.default_rng(3).normal(size=(4, 3)) * [3, 1, 1]
    g = np.repeat(base, 2, axis=0)
    spread = np.full((2, 8), 0.25)
    ratio = InformationRatio(spread, g, np.zeros((2, 0)), np.zeros((0, 3)), 0.05)
    first, second = most_reducing_batch(ratio, 2, np.random.default_rng(0)) // 2
    assert first != second
