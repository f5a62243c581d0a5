"""Comparisons made by hand, for the tests of the report."""

from __future__ import annotations

from altune.analysis.comparison.contest import Contest
from altune.analysis.comparison.result import RecipeComparison
from altune.recipes.recipe import load_recipe
from altune.simulation.objectives import Objective
from tests.helpers.report_samples import BUDGET, played


def contest(data: str, names: tuple[str, str, str] = ("good", "random_sampling", "poor"), shift: int = 0) -> Contest:
    rates = (0.95, 0.72, 0.60)
    return Contest(
        data=data,
        curves={
            name: tuple(played(rate, 0.96, first=100 * place + shift))
            for place, (name, rate) in enumerate(zip(names, rates, strict=True))
        },
        objective=Objective(end=BUDGET),
        budget=BUDGET,
        n_train=1000,
        n_test=360,
        yardstick=names[1],
    )


def comparison(*data: str, names: tuple[str, str, str] = ("good", "random_sampling", "poor")) -> RecipeComparison:
    recipes = dict.fromkeys(names, load_recipe("vanilla"))
    return RecipeComparison(recipes, tuple(contest(name, names, 7 * place) for place, name in enumerate(data)))
