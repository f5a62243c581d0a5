"""Play recipes on the same fresh blocks, without a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altune.core.errors import RequestError
from altune.data.blocks import Block
from altune.models import as_model
from altune.recipes.recipe import RECOMMENDED, Recipe, load_recipe
from altune.recipes.recommended import recommended_for
from altune.simulation.environment import Environment
from altune.simulation.execution.counting import Counter, NoCounter, counted
from altune.simulation.execution.items import WorkItem, curves_or_raise
from altune.simulation.execution.player import Player
from altune.simulation.execution.processes import processes
from altune.simulation.result import Simulation

AnyRecipe = Recipe | str | Path | Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Setup:
    """Recipes that work in the environments they are to be played in, and the blocks to play them on.

    Attributes
    ----------
    recipes : the recipes by name.
    environments : one for each data set.
    blocks : fresh blocks of each environment, in the same order.
    """

    recipes: Mapping[str, Recipe]
    environments: Sequence[Environment]
    blocks: Sequence[Sequence[Block]]


def set_up(
    recipes: Mapping[str, AnyRecipe], environments: Sequence[Environment], n_blocks: int, model: Any = None
) -> Setup:
    """Load recipes, check that they work in the environments, and choose fresh blocks.

    Parameters
    ----------
    recipes : one or more recipes, by name.
    environments : one for each data set.
    n_blocks : number of blocks of each data set, 1 or more.
    model : replaces the model of every recipe; None keeps them.

    Raises
    ------
    RequestError
        If ``n_blocks`` is below 1, or a recipe cannot be read or does not work in an environment.
    """
    if n_blocks < 1:
        raise RequestError(f"n_blocks must be 1 or more, not {n_blocks}")
    loaded = {name: recipe_with(recipe, model, environments) for name, recipe in recipes.items()}
    for environment in environments:
        where = f" on {environment.dataset.name}" if len(environments) > 1 else ""
        for name, recipe in loaded.items():
            environment.require(recipe, f"the recipe {name!r}{where}" if len(loaded) > 1 else f"the recipe{where}")
    return Setup(loaded, environments, [fresh_blocks(environment, n_blocks) for environment in environments])


def recipe_with(source: AnyRecipe, model: Any = None, environments: Sequence[Environment] = ()) -> Recipe:
    """Return a recipe as :func:`altune.recipes.recipe.load_recipe` does, with another model unless it is None.

    The name ``recommended`` means the recommended recipe for the environments, which must be given for it.
    """
    if source == RECOMMENDED and environments:
        base = Recipe() if model is None else Recipe(model=as_model(model))
        return recommended_for(base, [environment.capabilities for environment in environments])[0]
    recipe = load_recipe(source)
    return recipe if model is None else recipe.replace(model=as_model(model))


def fresh_blocks(environment: Environment, count: int) -> Sequence[Block]:
    """Return blocks with pools of their own, scored on held-back rows; of explicit blocks all suitable ones.

    A search with the same seed was scored on other rows and reported on other pools, so playing its recipe here checks
    the luck of its report blocks. With another seed other rows are held back, which a search may have seen.
    """
    if environment.explicit:
        return environment.explicit.get("report") or environment.explicit["search"]
    return environment.blocks("replay", count)


def play_recipes(
    recipes: Mapping[str, AnyRecipe],
    environments: Sequence[Environment],
    n_blocks: int,
    *,
    model: Any = None,
    n_jobs: int = 1,
    counter: Counter | None = None,
) -> list[dict[str, Simulation]]:
    """Play recipes on the same fresh blocks, and return the simulation of each recipe for each environment.

    Parameters
    ----------
    recipes, environments, n_blocks, model : as for :func:`set_up`.
    n_jobs : number of processes.
    counter : counts the trajectories.
    """
    count = counter if counter is not None else NoCounter()
    setup = set_up(recipes, environments, n_blocks, model)
    references = [recipe_with("random_sampling", model)] if environments[0].objective.needs_reference else []
    items = [
        WorkItem(recipe, block, environment)
        for environment, blocks in zip(environments, setup.blocks, strict=True)
        for recipe in [*setup.recipes.values(), *references]
        for block in blocks
    ]
    count.stage("simulation" if len(setup.recipes) == 1 else "comparison", len(items))
    with Player(jobs=processes(n_jobs)) as player:
        curves = iter(curves_or_raise(player.play(items, counted(player, count))))
        first_items = [next(item for item in items if item.environment is environment) for environment in environments]
        encodings = [player.encoding(item) for item in first_items]
    simulations = []
    for environment, blocks, encoding in zip(environments, setup.blocks, encodings, strict=True):
        played = {name: tuple(next(curves) for _ in blocks) for name in setup.recipes}
        of_random = tuple(next(curves) for _ in blocks) if references else None
        overlap = len(blocks[0].test) / len(blocks[0].pool)
        simulations.append(
            {
                name: Simulation(
                    recipe, played[name], tuple(blocks), environment.objective, overlap, of_random, encoding
                )
                for name, recipe in setup.recipes.items()
            }
        )
    return simulations
