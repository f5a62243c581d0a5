"""Recipes in short words."""

import altune
from altune.analysis.sweep.rows import offered_methods, short_words
from altune.recipes.recipe import Recipe


def test_a_recipe_in_short_words_names_what_was_open():
    space = altune.SearchSpace.load("quick")
    recipe = Recipe.from_dict({"loop_size": {"method": "geometric", "growth": 1.25}, "query_strategy": "entropy"})
    assert set(offered_methods(space)) == {"initial_sample", "query_strategy", "loop_size"}
    assert short_words(recipe, ["query_strategy", "loop_size"]) == "geometric (growth 1.25), entropy"
