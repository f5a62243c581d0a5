"""Label models: one belief from the votes of several rules."""

from __future__ import annotations

import numpy as np
import pytest

from altune.knobs.labeling.label_models import given_beliefs, latent_classes, most_named


def test_votes_that_are_even_give_no_label():
    votes = np.array([[0, 0, 1], [0, -1, 1], [-1, -1, -1], [-1, 2, -1]])
    assert most_named(votes, 3).tolist() == [0, -1, -1, 2]


def test_given_is_bayes_rule_by_hand():
    votes = np.array([[0], [0], [-1], [-1]])
    prior = np.array([0.25, 0.75])
    # names class 0 for half the rows, rightly for 40 %: P(0 | 0) = .2/.25 and P(0 | 1) = .3/.75
    found = given_beliefs(votes, prior, np.array([0.4]), [None])
    assert found[0] == pytest.approx([0.4, 0.6])
    silence = np.array([0.25 * 0.2, 0.75 * 0.6])
    assert found[2] == pytest.approx(silence / silence.sum(), rel=1e-4)
    stated = given_beliefs(votes, prior, np.array([0.4]), [0.25])
    silent = np.array([0.25 * (1 - 0.1 / 0.25), 0.75 * (1 - 0.15 / 0.75)])
    assert stated[2] == pytest.approx(silent / silent.sum(), rel=1e-4)


def rough_functions(n_rows=2000, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(2, size=n_rows)
    votes = np.full((n_rows, 5), -1)
    for place, (accuracy, coverage) in enumerate([(0.9, 0.6), (0.85, 0.5), (0.8, 0.6), (0.55, 0.9), (0.55, 0.9)]):
        said = np.where(rng.random(n_rows) < accuracy, truth, 1 - truth)
        votes[:, place] = np.where(rng.random(n_rows) < coverage, said, -1)
    return truth, votes


def test_accuracies_given_or_found_beat_the_plain_vote():
    truth, votes = rough_functions()
    spoken = (votes >= 0).any(axis=1)
    vote = np.mean(most_named(votes, 2)[spoken] == truth[spoken])
    accuracy = np.array([0.9, 0.85, 0.8, 0.55, 0.55])
    given = given_beliefs(votes, np.array([0.5, 0.5]), accuracy, [None] * 5).argmax(axis=1)
    found = latent_classes(votes, 2).argmax(axis=1)
    assert np.mean(given[spoken] == truth[spoken]) > vote + 0.03
    assert np.mean(found[spoken] == truth[spoken]) > vote + 0.03
    assert latent_classes(np.full((3, 2), -1), 2).tolist() == [[0.5, 0.5]] * 3
