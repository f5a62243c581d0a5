"""Play recipes on the same fresh blocks, without a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from altune.core.errors import RequestError
from altune.data.blocks import Block
from altune.models import as_model
from altune.recipes.recipe import Recipe, load_recipe
from altune.simulation.environment import Environment
from altune.simulation.execution.player import Player, Task, curves_or_raise
from altune.simulation.execution.processes import processes
from altune.simulation.execution.worker import Outcome
from altune.simulation.result import Simulation

AnyRecipe = Recipe | str | Path | Mapping[str, Any]


def play_recipes(
    recipes: Mapping[str, AnyRecipe],
    environments: Sequence[Environment],
    n_blocks: int,
    *,
    model: Any = None,
    n_jobs: int = 1,
    on_done: Any = None,
) -> list[dict[str, Simulation]]:
    """Play recipes on the same fresh blocks of each environment; return each recipe's simulation, for each environment.

    Parameters
    ----------
    recipes : by name.
    environments : data sets with their scenarios.
    n_blocks : number of blocks of each.
    model : takes the place of every recipe's model.
    n_jobs : processes.
    on_done : called once for each trajectory.
    """
    if n_blocks < 1:
        raise RequestError(f"n_blocks must be 1 or more, not {n_blocks}")
    loaded = {name: load_recipe(recipe) for name, recipe in recipes.items()}
    extra = [load_recipe("random_sampling")] if environments[0].objective.needs_reference else []
    if model is not None:
        fixed = as_model(model)
        loaded = {name: recipe.replace(model=fixed) for name, recipe in loaded.items()}
        extra = [recipe.replace(model=fixed) for recipe in extra]
    for environment in environments:
        where = f" on {environment.dataset.name}" if len(environments) > 1 else ""
        for name, recipe in loaded.items():
            environment.require(recipe, f"the recipe {name!r}{where}")
    blocks = [fresh_blocks(environment, n_blocks) for environment in environments]
    tasks = [
        Task(recipe, block, environment)
        for environment, own in zip(environments, blocks, strict=True)
        for recipe in [*loaded.values(), *extra]
        for block in own
    ]

    def told(index: int, outcome: Outcome) -> None:
        if on_done is not None:
            on_done()

    with Player(jobs=processes(n_jobs)) as player:
        curves = iter(curves_or_raise(player.play(tasks, told)))
    found = []
    for environment, own in zip(environments, blocks, strict=True):
        played = [tuple(next(curves) for _ in own) for _ in range(len(loaded) + len(extra))]
        overlap = len(own[0].test) / len(own[0].pool)
        references = played[-1] if extra else None
        found.append(
            {
                name: Simulation(recipe, played[index], tuple(own), environment.objective, overlap, references)
                for index, (name, recipe) in enumerate(loaded.items())
            }
        )
    return found


def fresh_blocks(environment: Environment, count: int) -> Sequence[Block]:
    """Return report blocks, which no search of the same seed has scored; of explicit ones, the given ones."""
    if environment.explicit:
        return environment.explicit.get("report") or environment.explicit["search"]
    return environment.blocks("report", count)
