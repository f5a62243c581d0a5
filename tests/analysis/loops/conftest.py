"""Fixtures for the tests of loops."""

from __future__ import annotations

import pytest

import altune
from altune.analysis.loops.facts import LoopFacts
from altune.recipes.recipe import Recipe
from tests.helpers.examined import AUDIT, NOISY


@pytest.fixture(scope="session")
def facts() -> LoopFacts:
    recipe = Recipe(
        query_strategy="margin",
        loop_size={"method": "geometric", "start": 4, "growth": 1.6},
        labeling={**AUDIT, "action": "drop", "every": 2},
        stopping={"method": "classification_change", "threshold": 0.06, "minimum": 30},
    )
    return altune.examine(recipe, "iris", budget=70, loops=10, n_blocks=3, annotators=NOISY)
