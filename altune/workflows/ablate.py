"""ablate(): which decision makes the difference between two recipes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from altune.analysis.ablation import Ablation, find_ablation
from altune.core.arguments import plain_arguments
from altune.core.errors import RequestError
from altune.recipes.recipe import Recipe
from altune.simulation.environment import AnyData, Environment, make_environment
from altune.simulation.execution.counting import counted
from altune.simulation.execution.items import WorkItem, curves_or_raise
from altune.simulation.execution.player import Player
from altune.simulation.execution.processes import processes
from altune.simulation.given_scenario import AnyScenario, scenario_arguments
from altune.simulation.play import AnyRecipe, Setup, recipe_with, set_up
from altune.tuning.ablation import Ablated, trajectories_to_ablate
from altune.tuning.ablation import ablate as play_path
from altune.tuning.ablation_path import ORDER_BLOCKS, differing
from altune.tuning.judging import REFERENCE
from altune.tuning.played import ConfirmationBlocks
from altune.workflows.progress import shown_progress
from altune.workflows.recipes import find_recipe

if TYPE_CHECKING:
    from altune.analysis.run import Run


@plain_arguments(also=scenario_arguments)
def ablate(
    recipe: AnyRecipe | Run,
    data: AnyData,
    *,
    start: AnyRecipe | Run = "vanilla",
    n_blocks: int = 20,
    seed: int = 0,
    target: str | None = None,
    group: Any = None,
    time: Any = None,
    model: Any = None,
    scenario: AnyScenario | None = None,
    splits: Any = None,
    n_jobs: int = 1,
    on_done: Callable[[], None] | None = None,
    progress: bool = True,
    **overrides: Any,
) -> Ablation:
    """Play the path from one recipe to another, one knob at a time, and say what each step gains.

    Each step changes the knob that gains most. The order is chosen on up to 6 blocks and the gains are measured on
    ``n_blocks`` other ones, so that the choice does not inflate them. Beside the path, the recipe is played with each
    knob alone set back to its value at the start.

    Parameters
    ----------
    recipe, start : recipes at the end and at the start of the path, as for :func:`altune.simulate`.
    n_blocks : number of blocks to report on, 1 or more.
    splits : explicit splits, with ``report`` blocks among them.
    data, seed, target, group, time, model, scenario, n_jobs, on_done, progress, overrides : as for
        :func:`altune.simulate`.

    Raises
    ------
    RequestError
        If the two recipes are the same, or an argument is wrong.
    WorkError
        If a recipe of the path fails.

    Examples
    --------
    >>> ablation = ablate({"query_strategy": {"method": "margin"}}, "iris", budget=30, n_blocks=2)
    >>> [step.knobs for step in ablation.steps]
    [('query_strategy',)]
    """
    environment = make_environment(
        data, target=target, group=group, time=time, scenario=scenario, seed=seed, splits=splits, **overrides
    )
    ends = {name: find_recipe(end, model, [environment]) for name, end in (("start", start), ("end", recipe))}
    setup = set_up(ends, [environment], n_blocks, model)
    first, last, reference = setup.recipes["start"], setup.recipes["end"], recipe_with(REFERENCE, model)
    if not differing(first, last):
        raise RequestError("the two recipes are the same, so there is no path between them")
    blocks = _confirmation_blocks(setup)
    needs_references, n_changed = environment.objective.needs_reference, len(differing(first, last))
    with Player(jobs=processes(n_jobs)) as player, shown_progress(progress, on_done) as counter:
        counter.stage(
            "ablation",
            trajectories_to_ablate(n_changed, [blocks]) + (2 + needs_references) * len(blocks.report),
        )
        count = counted(player, counter)
        ablated = play_path(
            player, first, last, [blocks], reference=reference, refusal=partial(_refusal, environment), on_done=count
        )
        references = None
        if needs_references:
            references = curves_or_raise(
                player.play([WorkItem(reference, block, environment) for block in blocks.report], count)
            )
        # Changes that are clearly behind are played less than was announced, which is not left open in the display.
        counter.stage("done", 0)
    return _result(ablated, blocks, references, first.name or "the start")


def _refusal(environment: Environment, recipe: Recipe) -> str | None:
    return next(iter(recipe.problems(environment.capabilities)), None)


def _confirmation_blocks(setup: Setup) -> ConfirmationBlocks:
    [environment], [report] = setup.environments, setup.blocks
    if not environment.explicit:
        return ConfirmationBlocks(environment, environment.blocks("select", ORDER_BLOCKS), report)
    if not environment.explicit.get("report"):
        raise RequestError("the order of the steps cannot be chosen on the report blocks: give `report` blocks as well")
    return ConfirmationBlocks(environment, environment.explicit.get("select") or environment.explicit["search"], report)


def _result(ablated: Ablated, blocks: ConfirmationBlocks, references: Any, start_name: str) -> Ablation:
    block = blocks.report[0]
    return find_ablation(
        ablated,
        0,
        blocks.environment.objective,
        overlap=len(block.test) / len(block.pool),
        references=references,
        start_name=start_name,
    )
