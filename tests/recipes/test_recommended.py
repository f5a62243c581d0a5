"""The recommended recipe: what it is, and what gives way where a part of it cannot work."""

from __future__ import annotations

import pytest

from altune.core.errors import RequestError
from altune.core.needs import Capabilities
from altune.recipes.recipe import Recipe, load_recipe
from altune.recipes.recommended import recommended_for, recommended_recipe
from altune.recipes.space import SearchSpace
from altune.simulation.environment import make_environment
from altune.workflows.recipes import find_recipe


def test_it_starts_with_typical_rows_covers_by_margin_and_lets_loops_grow() -> None:
    recipe = recommended_recipe(Recipe(), n_classes=2)
    assert recipe.initial_sample.to_dict() == {"method": "typiclust", "size": 5}
    assert recipe.query_strategy == Recipe(query_strategy="margin_cover").query_strategy
    assert recipe.loop_size.to_dict() == {"method": "geometric", "growth": 1.2}


@pytest.mark.parametrize(("n_classes", "size"), [(2, 5), (5, 5), (6, 6), (26, 26)])
def test_its_first_sample_has_five_rows_or_a_row_for_each_class(n_classes: int, size: int) -> None:
    assert recommended_recipe(Recipe(), n_classes).initial_sample.size == size


def test_everything_else_is_that_of_the_base() -> None:
    base = Recipe(model="mlp", retrain="warm_start", query_strategy="badge")
    recipe = recommended_recipe(base, n_classes=3)
    assert (recipe.model, recipe.retrain) == (base.model, base.retrain)


def test_what_cannot_work_gives_way_to_what_can_and_that_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, lines = recommended_for(Recipe(), [Capabilities(n_classes=4)])
    assert (usual.query_strategy.method, lines) == ("margin_cover", [])
    blind = Recipe(model="logistic_regression")
    monkeypatch.setattr(type(blind.model), "able", lambda self: frozenset())
    recipe, lines = recommended_for(blind, [Capabilities(n_classes=4)])
    assert recipe.query_strategy.method == "random"
    assert len(lines) == 1
    assert lines[0].startswith("the recommended recipe has random in place of margin_cover: query_strategy: ")
    assert "class scores" in lines[0]


def test_several_data_sets_share_a_recipe_with_rows_for_the_most_classes() -> None:
    recipe, _ = recommended_for(Recipe(), [Capabilities(n_classes=2), Capabilities(n_classes=11)])
    assert recipe.initial_sample.to_dict() == {"method": "typiclust", "size": 11}


def test_it_is_a_baseline_of_every_space_unless_the_space_has_one_of_that_name() -> None:
    offered = Capabilities(n_classes=7)
    fixed = {"initial_sample": "random", "loop_size": "constant", "retrain": "warm_start", "model": "mlp"}
    recipes = SearchSpace.from_dict({"query_strategy": ["margin", "random"], **fixed}).baseline_recipes(offered)
    assert list(recipes) == ["random_sampling", "margin", "vanilla", "recommended"]
    base = Recipe(model="mlp", retrain="warm_start")
    assert recipes["recommended"] == recommended_recipe(base, n_classes=7)
    own = SearchSpace.from_dict({"baselines": {"recommended": {"query_strategy": "badge"}}}).baseline_recipes(offered)
    assert own["recommended"] == Recipe(name="recommended", query_strategy="badge")


def test_its_name_means_the_recipe_for_the_data_at_hand() -> None:
    environment = make_environment("iris", budget=30)
    found = find_recipe("recommended", "naive_bayes", [environment])
    assert found == recommended_recipe(Recipe(model="naive_bayes"), n_classes=3)
    with pytest.raises(RequestError, match=r"the recipe 'recommended' depends on the data; altune\.recommend"):
        load_recipe("recommended")
