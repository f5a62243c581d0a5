"""Fixtures that several tests of the report share."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris

import altune
from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.loops.facts import LoopFacts
from altune.recipes.recipe import Recipe
from altune.simulation.annotators import Annotator
from tests.helpers.report_comparisons import comparison

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="session")
def one() -> RecipeComparison:
    return comparison("digits")


@pytest.fixture(scope="session")
def several() -> RecipeComparison:
    return comparison(*(f"data_{number}" for number in range(7)))


@pytest.fixture(scope="session")
def facts() -> LoopFacts:
    """A recipe with an audit and growing loops on noisy labels of classes whose names are markup."""
    X, y = load_iris(return_X_y=True)
    data = altune.Dataset(X, np.array([EVIL, "<b>bold</b>", "plain"])[y], name=EVIL)
    recipe = Recipe(
        query_strategy="margin",
        loop_size={"method": "geometric", "start": 4, "growth": 1.5},
        labeling={"method": "single", "audit": "knn_disagreement", "action": "drop", "share": 0.2},
    )
    rules = {"calm": {"method": "classification_change", "threshold": 0.1}, "never": {"method": "max_confidence"}}
    return altune.examine(recipe, data, budget=70, loops=8, n_blocks=3, annotators=(Annotator(error=0.2),), rules=rules)


@pytest.fixture(scope="session")
def plain() -> LoopFacts:
    return altune.examine("vanilla", "iris", budget=33, loops=5, n_blocks=2, rules={})
