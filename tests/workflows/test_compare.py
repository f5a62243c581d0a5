"""Comparing recipes on the same blocks."""

from __future__ import annotations

from sklearn.datasets import load_iris

from altune.data import Dataset
from altune.workflows.compare import compare
from altune.workflows.simulate import simulate
from tests.helpers.curves import same


def iris() -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris")


def test_compared_recipes_meet_the_same_blocks():
    options = {"n_blocks": 3, "budget": 30, "loops": 5}
    both = compare({"a": "vanilla", "b": "random_sampling"}, iris(), **options)
    for name, recipe in (("a", "vanilla"), ("b", "random_sampling")):
        for mine, alone in zip(both.simulations[name].curves, simulate(recipe, iris(), **options).curves, strict=True):
            same(mine, alone)
