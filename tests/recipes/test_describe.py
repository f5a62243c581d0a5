"""Recipes in plain words."""

from __future__ import annotations

import pytest

from altune.core.registry import Method, every_method, parse_method
from altune.recipes.describe import change_words, changed_words
from altune.recipes.recipe import Recipe


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
        model={"method": "svm_rbf", "C": 10.0},
    )
    assert recipe.describe() == (
        "With svm_rbf (C 10), first label 20 rows chosen by typiclust, then rows in loops that grow by a factor of 1.5 "
        "(5 rows in the first), chosen by typiclust until 25 % of the budget is spent, then by margin; ask 3 "
        "annotators for each row."
    )


def test_what_is_a_default_is_named_where_it_decides() -> None:
    usual = (
        "With logistic_regression, first label a twentieth of the budget chosen at random, then equally many rows in "
    )
    assert Recipe().describe() == f"{usual}each loop, chosen by margin."
    assert Recipe(query_strategy="random").describe() == f"{usual}each loop, chosen at random."
    assert Recipe(retrain="warm_start").describe() == (
        f"{usual}each loop, chosen by margin; train on from the last model in each loop, on all labels."
    )
    mixed = Recipe(query_strategy={"method": "epsilon_mix", "epsilon": 0.3}).describe()
    assert mixed.endswith("chosen by epsilon_mix (strategy margin, epsilon 0.3).")


def test_loops_name_their_sizes_or_their_rule() -> None:
    def loops(**size: object) -> str:
        return Recipe(loop_size=size).describe().partition("then ")[2].removesuffix(", chosen by margin.")

    assert loops(method="constant", size=7) == "7 rows in each loop"
    assert loops(method="fraction", of="pool", rho=0.05) == "5 % of the pool in each loop"
    assert (
        loops(method="linear", step=-2, start=30) == "rows in loops that shrink by 2 rows each (30 rows in the first)"
    )
    assert loops(method="list", sizes=(10, 20)) == "10, 20, 20 … rows loop by loop"
    assert loops(method="list", sizes=tuple(range(1, 10))) == "1, 2, 3, 4, 5, 6, … rows loop by loop"
    assert loops(method="cost_aware").startswith("rows in loops sized by cost_aware")


@pytest.mark.parametrize("cls", list(every_method()), ids=lambda cls: cls.__name__)
def test_every_recipe_is_one_sentence_that_names_start_loops_strategy_and_model(cls: type[Method]) -> None:
    recipe = Recipe(**{cls.knob: {"method": cls.model_fields["method"].default}})
    text = recipe.describe()
    assert text.endswith(".")
    assert ". " not in text
    for part in (f"With {recipe.model.method}", ", first label ", ", then ", ", chosen "):
        assert text.count(part) == 1 or part == ", then "
    if cls.knob == "query_strategy":
        assert recipe.query_strategy.method == "switch" or recipe.query_strategy.method in text
    elif recipe.methods()[cls.knob] != Recipe().methods()[cls.knob]:
        assert text != Recipe().describe()


def test_shares_of_the_budget_in_words() -> None:
    recipe = Recipe(
        initial_sample={"method": "typiclust", "share": 0.125},
        loop_size={"method": "geometric", "share": 0.02, "growth": 1.5},
    )
    assert recipe.describe() == (
        "With logistic_regression, first label 12.5 % of the budget chosen by typiclust, then rows in loops that grow "
        "by a factor of 1.5 (2 % of the budget in the first), chosen by margin."
    )
    constant = Recipe(loop_size={"method": "constant", "share": 0.1}).describe()
    assert "then 10 % of the budget in each loop, chosen by margin." in constant
    usual = Recipe().initial_sample
    assert change_words(usual, recipe.initial_sample) == "start: random → typiclust (share 0.125)"
    assert changed_words(usual, recipe.initial_sample) == "typiclust start (share 0.125)"
