"""Gather evidence on the recommended recipe: play it and simple recipes on the same blocks of many data sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from altune.core.version import __version__
from altune.learning.comparisons import Compared, RecipeFor, chosen_cells, compare_recipes
from altune.learning.episodes import EpisodeCell, Episodes, Say
from altune.learning.portfolio import played_on, recommended_on
from altune.recipes.evidence import AGAINST, Evidence, Studied
from altune.recipes.recipe import load_recipe
from altune.simulation.execution.counting import Counter
from altune.simulation.execution.player import Player


def gather_evidence(
    episodes: Episodes,
    player: Player,
    counter: Counter,
    *,
    noisy_every: int = 3,
    made: Mapping[str, Any] | None = None,
    say: Say = lambda line: None,
) -> Evidence:
    """Play the recommended recipe and those that it is compared with, and return the differences.

    Parameters
    ----------
    episodes : data sets, models, budgets, rates of label errors and blocks.
    player : plays them, with a cache of finished trajectories from which an interrupted command resumes.
    counter : counts the trajectories.
    noisy_every : label errors are played on the first of each group of this many data sets.
    made : how it was made, in words by name, beside what is played on.
    say : receives a line for each recipe that failed on a cell, which is left out.
    """
    recipes: dict[str, RecipeFor] = {"recommended": recommended_on}
    recipes |= {name: _named(name) for name in AGAINST}
    cells = chosen_cells(episodes, noisy_every)
    compared = compare_recipes(recipes, episodes, cells, player, counter, stage="evidence", say=say)
    cases = [_studied(on_cell) for on_cell in compared if not np.isnan(on_cell.values).any()]
    described = {"altune": __version__, **(made or {}), "noisy_every": noisy_every, **played_on(episodes)}
    return Evidence(cases, described)


def _named(name: str) -> RecipeFor:
    recipe = load_recipe(name)
    return lambda cell: recipe


def _studied(on_cell: Compared) -> Studied:
    cell: EpisodeCell = on_cell.cell
    recommended, *others = on_cell.values
    dataset = cell.environment.dataset
    return Studied(
        data=cell.data,
        family=cell.family,
        classes=cell.n_classes,
        rows=dataset.n_rows,
        features=dataset.n_features,
        model=cell.model.method,
        budget=cell.budget,
        noise=cell.noise,
        gains=recommended - np.array(others),
    )
