"""A recipe from elsewhere becomes the nearest recipe of a space, as Optuna parameters."""

from __future__ import annotations

import numpy as np
import pytest

from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace, list_spaces
from altune.recipes.space.placing import Task, params_near

TASK = Task(budget=200, n_classes=3)
KNOBS = ("initial_sample", "query_strategy", "loop_size")


def near(space: dict[str, object] | SearchSpace, task: Task = TASK, **knobs: object) -> dict[str, object] | None:
    recipe = Recipe.from_dict(dict(knobs))
    searched = space if isinstance(space, SearchSpace) else SearchSpace.from_dict(space)
    return params_near(searched, {knob: getattr(recipe, knob) for knob in knobs}, task)


@pytest.mark.parametrize("name", [row["name"] for row in list_spaces()])
def test_a_recipe_of_the_space_is_found_as_it_was_drawn(name: str) -> None:
    space = SearchSpace.load(name)
    rng = np.random.default_rng(0)
    for _ in range(10):
        recipe = space.recipe_at(space.random_params(rng))
        placed = params_near(space, recipe.methods(), TASK)
        assert placed is not None
        assert space.recipe_at(placed) == recipe


def test_numbers_move_to_the_nearest_that_the_space_allows() -> None:
    space = {
        "initial_sample": {"method": "random", "share": {"choices": [0.05, 0.1, 0.2]}},
        "query_strategy": [{"method": "density_weighted", "beta": {"low": 0.5, "high": 1.0, "step": 0.25}}, "margin"],
        "loop_size": [{"method": "geometric", "growth": {"low": 1.1, "high": 1.3}}, "constant"],
    }
    placed = near(
        space,
        initial_sample={"method": "random", "share": 0.14},
        query_strategy={"method": "density_weighted", "beta": 0.7},
        loop_size={"method": "geometric", "growth": 1.5},
    )
    assert placed == {
        "initial_sample.random.share": 0.1,
        "query_strategy": "density_weighted",
        "query_strategy.density_weighted.beta": 0.75,
        "loop_size": "geometric",
        "loop_size.geometric.growth": 1.3,
    }


def test_a_first_sample_keeps_its_number_of_rows_in_the_unit_of_the_space() -> None:
    shares = {"initial_sample": {"method": "random", "share": {"low": 0.01, "high": 0.5}}}
    sizes = {"initial_sample": {"method": "random", "size": {"low": 2, "high": 90}}}
    rows, share = {"method": "random", "size": 30}, {"method": "random", "share": 0.25}
    assert near(shares, initial_sample=rows) == {"initial_sample.random.share": 0.15}
    assert near(sizes, initial_sample=share) == {"initial_sample.random.size": 50}
    assert near(sizes, initial_sample="random") == {"initial_sample.random.size": 10}, "a twentieth, the default"
    five = {"method": "random", "size": 5}
    assert near(sizes, Task(200, 26), initial_sample=five) == {"initial_sample.random.size": 26}, "a row for each class"


def test_what_the_space_fixes_stays_and_other_knobs_take_their_defaults() -> None:
    space = {
        "initial_sample": {"method": "kmeans", "size": 12},
        "query_strategy": ["margin", "entropy"],
        "retrain": ["warm_start", "reset"],
        "model": {"method": "naive_bayes", "var_smoothing": {"low": 0.2, "high": 0.6}},
    }
    assert near(space, initial_sample="random", query_strategy="entropy") == {
        "query_strategy": "entropy",
        "retrain": "reset",
        "model.naive_bayes.var_smoothing": 0.2,
    }


def test_a_space_without_a_method_does_not_admit_the_recipe() -> None:
    space = {"query_strategy": ["margin", {"method": "switch", "first": ["typiclust", "random"], "then": "margin"}]}
    assert near(space, query_strategy="badge") is None
    switch = {"method": "switch", "first": "badge", "then": "margin"}
    assert near(space, query_strategy=switch) is None
    assert near(space, query_strategy={**switch, "first": "random"}) == {
        "query_strategy": "switch",
        "query_strategy.switch.first": "random",
    }
    assert near({"retrain": ["reset", "warm_start"]}, query_strategy="margin") is None, "nothing of it is searched"
