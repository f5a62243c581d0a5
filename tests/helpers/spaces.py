"""Draws from search spaces."""

from __future__ import annotations

from typing import Any

import optuna

from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace


def draw(
    space: SearchSpace, n_trials: int, sampler: optuna.samplers.BaseSampler
) -> list[tuple[Recipe, dict[str, Any]]]:
    study = optuna.create_study(sampler=sampler, direction="maximize")
    drawn = []
    for number in range(n_trials):
        trial = study.ask()
        drawn.append((space.suggest(trial), trial.params))
        study.tell(trial, float(number % 5))
    return drawn
