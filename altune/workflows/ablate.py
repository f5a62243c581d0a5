"""ablate(): which decision made the difference between two recipes, without a search."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from altune.analysis.ablation import Ablation, find_ablation
from altune.core.deprecations import renamed_keywords
from altune.core.errors import RequestError
from altune.data import Dataset
from altune.recipes.recipe import Recipe
from altune.simulation.environment import Environment, make_environment
from altune.simulation.execution.items import WorkItem, curves_or_raise
from altune.simulation.execution.player import Player
from altune.simulation.execution.processes import processes
from altune.simulation.play import AnyRecipe, Setup, recipe_with, set_up
from altune.simulation.scenario import Scenario
from altune.tuning.ablation import Ablated
from altune.tuning.ablation import ablate as play_path
from altune.tuning.ablation_path import ORDER_BLOCKS, differing
from altune.tuning.confirmation import ConfirmationBlocks
from altune.tuning.judging import REFERENCE


@renamed_keywords
def ablate(
    recipe: AnyRecipe,
    data: Dataset | str | Path,
    *,
    start: AnyRecipe = "vanilla",
    n_blocks: int = 20,
    seed: int = 0,
    target: str | None = None,
    model: Any = None,
    scenario: Scenario | None = None,
    splits: Any = None,
    n_jobs: int = 1,
    on_done: Callable[[], None] | None = None,
    **overrides: Any,
) -> Ablation:
    """Play the path from one recipe to another, one knob at a time, and say what each step gains.

    At each step the knob is changed that gains most. The order is chosen on up to 10 blocks, and what the steps gain
    is played on ``n_blocks`` others, so that no gain is flattered by the choice. Beside the path, the recipe is played
    with each knob alone put back to what it is at the start.

    Parameters
    ----------
    recipe : the recipe at the end: a recipe, the name of a built-in one, a YAML file, or a mapping.
    data : a data set, the name of a built-in one, or a file.
    start : the recipe at the start, likewise.
    n_blocks : number of blocks to report on, 1 or more.
    seed : the study's seed, from which the blocks are drawn.
    target : the label column of a table.
    model : takes the place of both recipes' model.
    scenario : the scenario; ``overrides`` (``budget``, ``loops``, ``metric``, ``objective``, …) replace its fields.
    splits : explicit blocks, see :func:`altune.data.blocks.read_splits`; with ``report`` blocks among them.
    n_jobs : processes; −1 for one on each core. It changes no result.
    on_done : called once for each trajectory.

    Raises
    ------
    RequestError
        If the two recipes are the same, or something does not fit.
    WorkError
        If a recipe of the path fails.

    Examples
    --------
    >>> found = ablate({"query_strategy": {"method": "margin"}}, "iris", budget=30, n_blocks=2)
    >>> [step.knobs for step in found.steps]
    [('query_strategy',)]
    """
    environment = make_environment(data, target=target, scenario=scenario, seed=seed, splits=splits, **overrides)
    setup = set_up({"start": start, "end": recipe}, [environment], n_blocks, model)
    first, last, reference = setup.recipes["start"], setup.recipes["end"], recipe_with(REFERENCE, model)
    if not differing(first, last):
        raise RequestError("the two recipes are the same, so there is no path between them")
    part = _part(setup)
    with Player(jobs=processes(n_jobs)) as player:

        def told(*_: object) -> None:
            if on_done is not None:
                on_done()

        ablated = play_path(
            player, first, last, [part], reference=reference, refusal=partial(_refusal, environment), on_done=told
        )
        references = None
        if environment.objective.needs_reference:
            references = curves_or_raise(
                player.play([WorkItem(reference, block, environment) for block in part.report], told)
            )
    return _found(ablated, part, references, first.name or "the start")


def _refusal(environment: Environment, recipe: Recipe) -> str | None:
    return next(iter(recipe.problems(environment.capabilities)), None)


def _part(setup: Setup) -> ConfirmationBlocks:
    [environment], [report] = setup.environments, setup.blocks
    if not environment.explicit:
        return ConfirmationBlocks(environment, environment.blocks("select", ORDER_BLOCKS), report)
    if not environment.explicit.get("report"):
        raise RequestError("the order must not be chosen on the blocks that are reported: give `report` blocks as well")
    return ConfirmationBlocks(environment, environment.explicit.get("select") or environment.explicit["search"], report)


def _found(ablated: Ablated, part: ConfirmationBlocks, references: Any, start_name: str) -> Ablation:
    block = part.report[0]
    return find_ablation(
        ablated,
        0,
        part.environment.objective,
        n_train=len(block.pool),
        n_test=len(block.test),
        references=references,
        start_name=start_name,
    )
