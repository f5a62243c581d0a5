"""Strategies that draw by their score."""

from __future__ import annotations

import numpy as np
import pytest

from altune.knobs.query_strategy.randomised import perturbed
from tests.helpers.queries import read
from tests.helpers.query_generations import play, uncertain

SCORED = ["least_confidence", "margin", "entropy"]


@pytest.fixture(scope="module")
def told():
    return np.random.default_rng(0).dirichlet([1, 1, 1], size=(8, 12))


@pytest.mark.parametrize("kind", SCORED)
def test_power_draws_in_proportion_to_the_power_of_the_uncertainty(kind, told):
    pool, _ = play(told[:1], [None])
    value = {"method": "power", "uncertainty": kind, "gamma": 2.0}
    draws = 4000
    rng = np.random.default_rng(1)
    picks = np.array([read(value).select(pool, 1, rng)[0] for _ in range(draws)])
    chances = uncertain(told[0], kind)[1:] ** 2.0
    drawn = np.array([(picks == row).mean() for row in pool.candidates])
    np.testing.assert_allclose(drawn, chances / chances.sum(), atol=4.5 * np.sqrt(0.25 / draws))


def test_power_is_random_at_0_and_greedy_when_large(told):
    pool, _ = play(told[:1], [None])
    best = read("margin").select(pool, 3, np.random.default_rng(0)).tolist()
    greedy = {"method": "power", "gamma": 100.0}
    first = [read(greedy).select(pool, 1, np.random.default_rng(seed))[0] for seed in range(50)]
    assert np.mean(np.array(first) == best[0]) > 0.8
    random = {"method": "power", "gamma": 0.0}
    firsts = {int(read(random).select(pool, 1, np.random.default_rng(seed))[0]) for seed in range(200)}
    assert firsts == set(pool.candidates.tolist())


def test_rows_without_uncertainty_come_last_and_in_random_order():
    weights = np.array([0.0, 0.2, 0.0, 1e-9, 0.0])
    orders = [np.argsort(-perturbed(weights, 1.0, np.random.default_rng(seed))).tolist() for seed in range(60)]
    assert all(set(order[:2]) == {1, 3} for order in orders)
    assert {order[2] for order in orders} == {0, 2, 4}
    assert np.isfinite(perturbed(np.zeros(5), 100.0, np.random.default_rng(0))).all()
