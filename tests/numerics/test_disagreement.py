"""Disagreement of a committee by hand, by its formulas, and against scikit-activeml."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy as entropy_of

from altune.numerics.disagreement import bootstrap_positions, mean_divergence, mutual_information, vote_entropy


@pytest.fixture(scope="module")
def members():
    """Probabilities of 4 members about 30 rows of 3 classes, some of them sure."""
    told = np.random.default_rng(0).dirichlet([0.4, 0.6, 0.8], size=(4, 30))
    told[:, 5] = [1.0, 0.0, 0.0]
    told[0, 6] = [0.0, 1.0, 0.0]
    return told


def test_vote_entropy_by_hand():
    votes = np.array([[0, 0, 0], [0, 1, 1], [0, 1, 2], [0, 0, 0]])
    third = -(0.5 * np.log(0.5) + 2 * 0.25 * np.log(0.25))
    np.testing.assert_allclose(vote_entropy(votes, 3), [0.0, np.log(2), third], atol=1e-15)


def test_divergence_and_information_are_their_formulas(members):
    middle = members.mean(axis=0)
    divergence = np.mean([[entropy_of(p, q) for p, q in zip(m, middle, strict=True)] for m in members], axis=0)
    np.testing.assert_allclose(mean_divergence(members), divergence, atol=1e-12)
    information = entropy_of(middle, axis=1) - np.mean([entropy_of(m, axis=1) for m in members], axis=0)
    np.testing.assert_allclose(mutual_information(members), information, atol=1e-12)


def test_mutual_information_is_mean_divergence(members):
    np.testing.assert_allclose(mutual_information(members), mean_divergence(members), atol=1e-12)


def test_members_who_agree_tie_exactly():
    same = np.repeat(np.random.default_rng(0).dirichlet([1, 1, 1], size=(1, 50)), 7, axis=0)
    for disagree in (mean_divergence, mutual_information):
        assert disagree(same).tolist() == [0.0] * 50


def test_disagreement_is_that_of_scikit_activeml(members):
    theirs = pytest.importorskip("skactiveml.pool")
    votes = members.argmax(axis=2)
    np.testing.assert_allclose(vote_entropy(votes, 3), theirs.vote_entropy(votes.T, [0, 1, 2]), atol=1e-12)
    # theirs keeps probabilities above 1e-7
    np.testing.assert_allclose(mean_divergence(members), theirs.average_kl_divergence(members.copy()), atol=1e-5)
    greedy = theirs.batch_bald(members.copy(), batch_size=1)[0]
    np.testing.assert_allclose(mutual_information(members), greedy, atol=1e-5)


def test_bootstrap_keeps_each_class_and_is_one():
    labels = np.array([0] * 20 + [1] * 9 + [4])
    drawn = [bootstrap_positions(labels, np.random.default_rng(seed)) for seed in range(400)]
    assert all(set(labels[rows]) == {0, 1, 4} for rows in drawn)
    assert {len(rows) for rows in drawn} == {30, 31}
    times = np.mean([np.bincount(rows, minlength=30) for rows in drawn], axis=0)
    assert times[:29] == pytest.approx(np.ones(29), abs=0.25)
    # the only row of its class comes once more where the draw left it out: 1 + (1 − 1/30)³⁰
    assert times[29] == pytest.approx(1 + (29 / 30) ** 30, abs=0.2)
