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
