"""Bounds, parameters and budget of every loop size that follows the loop."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_iris

from altune.core.errors import FormatError
from altune.core.registry import parse_method
from altune.recipes.recipe import Capabilities, Recipe
from tests.helpers.loop_sizes import play, size_of, utilities


def test_the_bounds_hold_and_follow_the_equal_parts_where_none_are_given():
    many, none = utilities(np.ones(300)), utilities(np.zeros(300))
    rule = {"method": "threshold", "tau": 0.5}
    assert (size_of(rule, **many), size_of(rule, **none)) == (80, 5)  # an equal part is 20
    assert (size_of({**rule, "high": 33}, **many), size_of({**rule, "low": 9}, **none)) == (33, 9)
    assert size_of({**rule, "low": 90}, **many) == 90
    assert size_of({**rule, "high": 3}, **none) == 3


def test_bounds_that_exclude_each_other_are_refused_before_anything_is_played():
    recipe = Recipe(loop_size={"method": "threshold", "low": 9, "high": 8})
    assert "9 is above 8" in recipe.problems(Capabilities())[0]
    assert Recipe(loop_size={"method": "threshold", "low": 8, "high": 8}).problems(Capabilities()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "list", "sizes": []},
        {"method": "list", "sizes": [5, 0]},
        {"method": "agreement", "growth": 1.0},
        {"method": "diminishing", "eta": 1.5},
        {"method": "threshold", "of": "margin"},
        {"method": "cost_aware", "worth": 0},
        {"method": "linear", "step": 2000},
    ],
)
def test_parameters_outside_of_their_ranges_are_refused(wrong):
    with pytest.raises(FormatError):
        parse_method("loop_size", wrong)


def test_iris_is_played_to_its_budget_by_every_dynamic_size():
    X, y = load_iris(return_X_y=True)
    for method in ("linear", "list", "threshold", "diminishing", "agreement", "cost_aware"):
        loop = play(X, y, budget=60, loops=None, loop_size=method, price_per_loop=2.0)
        assert loop.pool.labels_bought == 60
        assert loop.stopped == "budget"
