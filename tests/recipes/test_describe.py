"""Recipes in plain words."""

from __future__ import annotations

from altune.core.registry import every_method, parse_method
from altune.recipes.describe import change_words, changed_words
from altune.recipes.recipe import DEFAULTS, Recipe


def test_changes_in_words() -> None:
    growing = parse_method("loop_size", {"method": "geometric", "growth": 1.3})
    shrinking = parse_method("loop_size", {"method": "geometric", "growth": 0.8})
    constant = parse_method("loop_size", {"method": "constant"})
    switch = parse_method("query_strategy", {"method": "switch", "at": 0.3})
    usual = parse_method("query_strategy", {"method": "least_confidence"})
    assert change_words(constant, growing) == "loops: constant → geometric (growth 1.3)"
    assert changed_words(constant, growing) == "growing loops"
    assert changed_words(constant, shrinking) == "shrinking loops"
    assert changed_words(shrinking, growing) == "loops growth 0.8 → 1.3"
    assert change_words(usual, switch).startswith(
        "query strategy: least confidence → switch (typiclust, margin, at 0.3"
    )


def test_a_recipe_in_plain_words() -> None:
    recipe = Recipe(
        initial_sample={"method": "typiclust", "size": 20},
        query_strategy={"method": "switch", "first": "typiclust", "then": "margin", "at": 0.25},
        loop_size={"method": "geometric", "start": 5, "growth": 1.5},
        labeling={"method": "majority", "annotators": 3},
    )
    text = recipe.describe()
    assert "Label 20 rows chosen by typiclust first." in text
    assert "by typiclust until 25 % of the budget is spent, then by margin." in text
    assert "loops that grow by a factor of 1.5, 5 rows in the first." in text
    assert "Ask 3 annotators for each row." in text
    assert "scratch" not in text  # the default is not told
    assert "All as usual" in Recipe().describe()
    for cls in every_method():
        name = cls.model_fields["method"].default
        told = Recipe(**{cls.knob: {"method": name}}).describe()
        assert told.endswith(".")
        if name != DEFAULTS[cls.knob]:
            assert "All as usual" not in told


def test_shares_of_the_budget_in_words() -> None:
    recipe = Recipe(
        initial_sample={"method": "typiclust", "share": 0.125},
        loop_size={"method": "geometric", "share": 0.02, "growth": 1.5},
    )
    text = recipe.describe()
    assert "Label 12.5 % of the budget in rows chosen by typiclust first." in text
    assert "loops that grow by a factor of 1.5, 2 % of the budget in rows in the first." in text
    constant = Recipe(loop_size={"method": "constant", "share": 0.1}).describe()
    assert constant == "Label 10 % of the budget in rows in each loop."
    usual = Recipe().initial_sample
    assert change_words(usual, recipe.initial_sample) == "start: random → typiclust (share 0.125)"
    assert changed_words(usual, recipe.initial_sample) == "typiclust start (share 0.125)"
