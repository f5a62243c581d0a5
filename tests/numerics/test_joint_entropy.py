"""Batches by joint entropy: by every configuration, and against scikit-activeml."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import entropy as entropy_of

from altune.numerics.disagreement import mutual_information
from altune.numerics.joint_entropy import MOST_CONFIGURATIONS, JointLabels, most_informative_batch


@pytest.fixture(scope="module")
def members():
    """Probabilities of 4 members about 30 rows of 3 classes, some of them sure."""
    told = np.random.default_rng(0).dirichlet([0.4, 0.6, 0.8], size=(4, 30))
    told[:, 5] = [1.0, 0.0, 0.0]
    told[0, 6] = [0.0, 1.0, 0.0]
    return told


def information_in_full(members, rows):
    """I(labels of rows ; member) by every configuration of the labels."""
    joint = 0.0
    for labels in product(range(members.shape[2]), repeat=len(rows)):
        each = np.prod([members[:, row, label] for row, label in zip(rows, labels, strict=True)], axis=0)
        joint -= each.mean() * np.log(each.mean()) if each.mean() > 0 else 0.0
    return joint - sum(entropy_of(members[:, row], axis=1).mean() for row in rows)


def test_batch_is_the_greedy_one_by_every_configuration(members):
    picked = []
    for _ in range(4):
        rest = [row for row in range(30) if row not in picked]
        picked.append(max(rest, key=lambda row: information_in_full(members, [*picked, row])))
    assert most_informative_batch(members, 4, np.random.default_rng(0)).tolist() == picked


def test_batch_is_that_of_scikit_activeml(members):
    theirs = pytest.importorskip("skactiveml.pool")
    utilities = theirs.batch_bald(members.copy(), batch_size=6, n_MC_samples=1000)
    assert most_informative_batch(members, 6, np.random.default_rng(0)).tolist() == np.nanargmax(utilities, 1).tolist()


def test_drawn_configurations_estimate_the_joint_entropy():
    told = np.random.default_rng(1).dirichlet([0.5, 0.5], size=(5, 14))
    joint = JointLabels.empty(5)
    for row in range(11):
        joint = joint.add(told[:, row], np.random.default_rng(row))
    assert len(joint.table) == MOST_CONFIGURATIONS
    assert MOST_CONFIGURATIONS < 2**11
    table = np.ones((1, 5))
    for row in range(11):
        table = (table[:, None] * told[:, row].T[None]).reshape(-1, 5)
    exact = JointLabels(table, np.ones(2**11)).entropies_with(told[:, 11:])
    np.testing.assert_allclose(joint.entropies_with(told[:, 11:]), exact, rtol=0.03)
    assert table.mean(axis=1).sum() == pytest.approx(1.0)


def test_a_batch_takes_no_duplicates_where_single_scores_do():
    told = np.random.default_rng(2).dirichlet([1, 1], size=(6, 4))
    doubled = np.repeat(told, 2, axis=1)
    single = np.argsort(-mutual_information(doubled), kind="stable")[:2]
    assert single[0] // 2 == single[1] // 2
    batch = most_informative_batch(doubled, 2, np.random.default_rng(0))
    assert batch[0] // 2 == single[0] // 2
    assert batch[1] // 2 != batch[0] // 2


def test_a_batch_of_any_size_is_whole_and_begins_anew_after_ten_rows(members):
    rows = most_informative_batch(members, 1000, np.random.default_rng(0))
    assert sorted(rows.tolist()) == list(range(30))
    rest = np.setdiff1d(np.arange(30), rows[:10])
    assert rows[10] == rest[mutual_information(members)[rest].argmax()]
