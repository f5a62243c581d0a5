"""What recipes are worth on many data sets: each is played on the same blocks of each cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from altune.core.types import Array
from altune.learning.episodes import Episode, EpisodeCell, Episodes, Say
from altune.recipes.recipe import Recipe
from altune.simulation.execution.counting import Counter
from altune.simulation.execution.items import Failure, Outcome
from altune.simulation.execution.player import Player

RecipeFor = Callable[[EpisodeCell], Recipe]
"""Returns the recipe to play on a cell; its model is replaced by that of the cell."""


@dataclass(frozen=True, eq=False)
class Compared:
    """Recipes on the blocks of one cell.

    Attributes
    ----------
    cell : data set, model, budget and label errors.
    values : objective of each recipe on each block, ``(n_recipes, n_blocks)``; the higher the better, and NaN where the
        recipe failed.
    """

    cell: EpisodeCell
    values: Array


def chosen_cells(episodes: Episodes, noisy_every: int = 1) -> list[EpisodeCell]:
    """Return the cells that are played: label errors are played on every so-many-th data set alone.

    Parameters
    ----------
    episodes : all cells.
    noisy_every : 1 to play label errors on every data set, 3 for the first of each three.
    """
    position = {name: number for number, name in enumerate(dict.fromkeys(cell.data for cell in episodes.cells))}
    return [cell for cell in episodes.cells if not cell.noise or position[cell.data] % noisy_every == 0]


def compare_recipes(
    recipes: Mapping[str, RecipeFor],
    episodes: Episodes,
    cells: Sequence[EpisodeCell],
    player: Player,
    counter: Counter,
    *,
    stage: str,
    say: Say,
) -> list[Compared]:
    """Play recipes on the search blocks of cells, and return their values on each cell, in the order of the cells."""
    listed = [
        Episode(made, cell, block)
        for cell in cells
        for made in [make(cell) for make in recipes.values()]
        for block in episodes.blocks(cell)
    ]
    outcomes = iter(episodes.play(listed, player, counter, stage=stage, say=say))
    compared = []
    for cell in cells:
        n_blocks = len(episodes.blocks(cell))
        values = [[_value(cell, next(outcomes)) for _ in range(n_blocks)] for _ in recipes]
        compared.append(Compared(cell, np.array(values)))
    return compared


def _value(cell: EpisodeCell, outcome: Outcome) -> float:
    if isinstance(outcome, Failure):
        return float("nan")
    objective = cell.environment.objective
    return float(objective.sign * objective.each([outcome], [outcome])[0])
