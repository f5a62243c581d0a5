"""Trials as observations: failed, repeated and dropped ones."""

from __future__ import annotations

import numpy as np
import pytest

from altune.analysis.importance.observations import Observation, observe
from tests.helpers.importance import FINITE, search, strategy_part


def test_failed_and_repeated_trials() -> None:
    played = search(FINITE, strategy_part, 10, 0)[1]
    failed = Observation(played[0].params, None)
    seen = observe([*played, failed, played[0]])
    assert seen.left_out == 1
    assert len(seen) + seen.repeated == 11
    assert seen.noise == pytest.approx(np.ones(len(seen)))


def test_a_dropped_recipe_is_compared_on_the_blocks_it_met() -> None:
    effect = np.array([0.0, 1.0, 5.0])
    labels = ["random", "margin", "entropy", "kcenter", "badge"]
    whole = [Observation({"query_strategy": x}, None, tuple(place + effect)) for place, x in enumerate(labels)]
    dropped = Observation({"query_strategy": "kmeans"}, None, (7.0, 8.0))
    seen = observe([*whole, dropped])
    assert seen.y == pytest.approx([2.0, 3.0, 4.0, 5.0, 6.0, 9.0], abs=0.01)
    assert seen.noise == pytest.approx([1, 1, 1, 1, 1, 1.5])


def test_the_luck_of_recipes_played_again_does_not_shift_the_blocks() -> None:
    """The first block is as hard as the others. The best recipes there were lucky, and are played again."""
    rng = np.random.default_rng(2)
    worth = rng.normal(size=200)
    values = worth[:, None] + rng.normal(size=(200, 4))
    again = values[:, 0] > 1.0
    counts = np.where(again, 4, 1)
    trials = [Observation({"size": i}, None, tuple(values[i, : counts[i]])) for i in range(200)]
    seen = observe(trials)
    assert seen.played.sum(axis=1).tolist() == counts.tolist()
    # Within the recipes played again, the other blocks look harder by half of what made them lucky.
    assert np.mean(values[again, 0] - values[again, 1:].mean(axis=1)) > 0.7
    gap = seen.y[again].mean() - seen.y[~again].mean()
    plain = values[again].mean() - values[~again, 0].mean()
    assert gap == pytest.approx(plain, abs=0.25)
