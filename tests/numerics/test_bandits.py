"""The rules of bandits: EXP4.P by its formulas, and Thompson sampling by what it must prefer."""

from __future__ import annotations

import numpy as np
import pytest

from altune.numerics.bandits import Draw, Exp4P, discounted_counts, thompson_arms


def test_the_weights_and_probabilities_of_exp4p_are_those_of_the_paper() -> None:
    n_arms, rounds, delta = 3, 200, 0.05
    state = Exp4P(np.zeros(n_arms), rounds, delta)
    weights, floor = np.ones(n_arms), np.sqrt(np.log(n_arms) / (n_arms * rounds))
    rng = np.random.default_rng(0)
    for _ in range(300):
        p = (1 - n_arms * floor) * weights / weights.sum() + floor
        np.testing.assert_allclose(state.probabilities(), p, rtol=1e-9)
        advice, reward = rng.dirichlet(np.ones(n_arms)), rng.random()
        q = float(p @ advice)
        draw = Draw(state.probabilities(), advice)
        assert draw.chance == pytest.approx(q)
        bonus = np.sqrt(np.log(n_arms / delta) / (n_arms * rounds))
        weights = weights * np.exp(floor / 2 * (reward * advice / q + bonus / p))
        weights /= weights.sum()
        state = state.learn(draw, reward)


def test_weights_follow_the_arm_that_is_rewarded() -> None:
    state, rng = Exp4P(np.zeros(3), rounds=300), np.random.default_rng(0)
    for _ in range(300):
        arm = int(rng.choice(3, p=state.probabilities()))
        state = state.learn(Draw(state.probabilities(), np.eye(3)[arm]), reward=float(arm == 1))
    assert state.probabilities().argmax() == 1
    assert state.probabilities()[1] > 0.7


def test_probabilities_have_a_floor_even_for_few_rounds() -> None:
    assert Exp4P(np.arange(4.0), rounds=1).probabilities().tolist() == [0.25] * 4
    lopsided = Exp4P(np.array([0.0, -2000.0]), rounds=50).probabilities()
    floor = np.sqrt(np.log(2) / 100)
    np.testing.assert_allclose(lopsided, [1 - floor, floor])


def test_labels_of_older_batches_count_less() -> None:
    arms, ages, classes = np.array([0, 1, 1, 0, 0]), np.array([2, 1, 0, 0, 0]), np.array([0, 2, 2, 1, 1])
    np.testing.assert_allclose(discounted_counts(arms, ages, classes, (2, 3), 0.5), [[0.25, 2, 0], [0, 0, 1.5]])
    none = np.array([], dtype=np.intp)
    assert not discounted_counts(none, none, none, (2, 3), 0.9).any()


def test_thompson_sampling_draws_arms_as_often_as_their_posteriors_win() -> None:
    counts, values = np.array([[3.0, 1.0, 0.0], [1.0, 1.0, 1.0]]), np.array([0.1, 0.5, 1.0])
    rng = np.random.default_rng(1)
    drawn = thompson_arms(counts, values, 20_000, rng)
    # each Dirichlet once more, as normalised gamma variables
    theta = [rng.gamma(found + 1, size=(200_000, 3)) for found in counts]
    expected = [shape / shape.sum(axis=1, keepdims=True) @ values for shape in theta]
    assert np.mean(drawn == 1) == pytest.approx(np.mean(expected[1] > expected[0]), abs=0.015)


def test_arms_are_drawn_evenly_where_all_classes_have_one_value() -> None:
    drawn = thompson_arms(np.array([[50.0, 0.0], [0.0, 50.0], [1.0, 1.0]]), np.ones(2), 3000, np.random.default_rng(0))
    assert np.bincount(drawn).min() > 900
