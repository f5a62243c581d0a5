"""Baselines of a space."""

from __future__ import annotations

import optuna
import pytest

from altune.core.errors import FormatError
from altune.core.registry import parse_method
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from tests.helpers.spaces import draw


def test_fixing_the_model_is_refused_where_the_space_opens_it() -> None:
    mlp = parse_method("model", "mlp")
    assert SearchSpace.load("standard").with_fixed(model="mlp").base_recipe().model == mlp
    drawn = SearchSpace.load("quick").with_fixed(model=mlp)
    assert all(recipe.model == mlp for recipe, _ in draw(drawn, 3, optuna.samplers.RandomSampler(seed=0)))
    for name in ("full", "neural"):
        with pytest.raises(FormatError, match="opens model"):
            SearchSpace.load(name).with_fixed(model=mlp)


def test_baselines_take_what_the_space_fixes_else_the_defaults() -> None:
    space = SearchSpace.from_dict(
        {
            "initial_sample": {"method": "random", "size": 30},
            "loop_size": [{"method": "constant", "size": 7}, "geometric"],
            "query_strategy": ["margin", "entropy"],
            "model": {"method": "mlp", "batch_size": 8, "alpha": {"low": 1e-4, "high": 1e-2}},
            "baselines": {"mine": {"initial_sample": {"method": "kmeans"}}},
        }
    )
    recipes = space.baseline_recipes()
    assert list(recipes) == ["random_sampling", "margin", "vanilla", "mine"]
    random, margin, vanilla, mine = recipes.values()
    assert random.query_strategy.method == "random"
    assert margin.query_strategy.method == "margin"
    assert vanilla.query_strategy.method == "least_confidence"
    assert mine.query_strategy.method == "margin"
    assert random.initial_sample.size == margin.initial_sample.size == vanilla.initial_sample.size == 30
    assert mine.initial_sample.to_dict() == {"method": "kmeans"}
    for recipe in recipes.values():
        assert recipe.loop_size.to_dict() == {"method": "constant"}
        assert recipe.model == parse_method("model", {"method": "mlp", "batch_size": 8})


def test_the_defining_knobs_of_vanilla_override_what_the_space_fixes() -> None:
    space = SearchSpace.from_dict({"initial_sample": "typiclust", "loop_size": "geometric", "query_strategy": "badge"})
    vanilla = space.baseline_recipes()["vanilla"]
    assert vanilla == Recipe(query_strategy="least_confidence", name="vanilla")
    assert space.baseline_recipes()["random_sampling"].initial_sample.method == "typiclust"
