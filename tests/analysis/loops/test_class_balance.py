"""Balance of the classes that were bought, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris

from altune.analysis.loops.class_balance import by_chance, class_counts, divergence, evenness
from altune.recipes.recipe import Recipe
from tests.helpers.examined import examined


def test_class_counts_are_those_of_the_rows():
    plain, _, _ = examined(Recipe())
    y = load_iris().target
    counts = class_counts(plain, y, 3)
    ends = np.cumsum(plain.loop_rows)
    for loop, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        assert counts[loop].tolist() == np.bincount(y[plain.rows[start:end]], minlength=3).tolist()


def test_evenness_and_divergence_by_hand():
    counts = np.array([[1, 1, 2], [4, 0, 0]])
    assert evenness(counts)[0] == pytest.approx((2 * 0.25 * np.log(4) + 0.5 * np.log(2)) / np.log(3))
    assert divergence(counts, np.array([1, 1, 2])) == pytest.approx([0.0, np.log(4)])


def test_chance_is_nearer_the_pool_with_more_rows():
    pool = np.array([100, 100, 50])
    small, large, whole = by_chance(pool, [5, 100, 250], np.random.default_rng(0))
    assert small > large > whole == 0
    assert large == pytest.approx(2 / (2 * 100) * (150 / 250), rel=0.3), "(K - 1) / 2n, less what is drawn already"
