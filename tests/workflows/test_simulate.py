"""Simulating a recipe: what is refused, and which model is played."""

from __future__ import annotations

import pytest
from sklearn.datasets import load_iris

from altune.core.errors import RequestError
from altune.data import Dataset
from altune.recipes.recipe import Recipe
from altune.workflows.compare import compare
from altune.workflows.simulate import simulate


def iris() -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris")


def test_what_cannot_be_played_is_refused_before_it_starts():
    with pytest.raises(RequestError, match=r"the recipe does not work here: .*several annotators"):
        simulate(Recipe(labeling={"method": "majority"}), iris(), budget=30)
    with pytest.raises(RequestError, match="n_blocks must be 1 or more"):
        simulate("vanilla", iris(), n_blocks=0, budget=30)
    with pytest.raises(RequestError, match="seed must be 0 or more"):
        simulate("vanilla", iris(), seed=-1, budget=30)
    with pytest.raises(RequestError, match="two recipes or more"):
        compare({"one": "vanilla"}, iris(), budget=30)
    with pytest.raises(RequestError, match="jobs"):
        simulate("vanilla", iris(), n_blocks=1, budget=30, n_jobs=0)


def test_a_model_given_beside_the_recipe_takes_its_place():
    played = simulate("vanilla", iris(), n_blocks=1, budget=30, model="naive_bayes")
    assert played.recipe.model.method == "naive_bayes"
