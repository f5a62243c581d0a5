"""simulate(): play one recipe on fresh blocks and return its learning curves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from altune.core.arguments import plain_arguments
from altune.simulation.environment import AnyData, make_environment
from altune.simulation.given_scenario import AnyScenario, scenario_arguments
from altune.simulation.play import AnyRecipe, play_recipes
from altune.simulation.result import Simulation
from altune.workflows.progress import shown_progress
from altune.workflows.recipes import find_recipe

if TYPE_CHECKING:
    from altune.analysis.run import Run


@plain_arguments(also=scenario_arguments)
def simulate(
    recipe: AnyRecipe | Run,
    data: AnyData,
    *,
    n_blocks: int = 10,
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
) -> Simulation:
    """Play one recipe on fresh blocks and return its learning curves.

    Parameters
    ----------
    recipe : recipe, name of a built-in one, YAML file, or mapping; a run or its folder for its confirmed recipe (before
        the confirmation the best of its search, with a warning).
    data : data set, name of a built-in one, or file.
    n_blocks : number of blocks.
    seed : seed of the study, from which the blocks are drawn.
    target : label column of a table.
    group, time : names of columns that are no features: no split separates rows of a group, and tests are later than
        pools; see :class:`altune.Dataset`.
    model : model that replaces the one of the recipe.
    scenario : scenario; ``overrides`` (``budget``, ``loops``, ``metric``, ``objective``, …) replace its fields. Options
        of reading a file are given here as well, such as ``sep`` and ``drop``: see :class:`altune.data.Reading`.
    splits : explicit splits, see :func:`altune.data.blocks.read_splits`.
    n_jobs : number of processes; −1 uses all cores. It does not affect results.
    on_done : called after each trajectory.
    progress : whether to show progress where someone watches: in a terminal, on standard error, and in a notebook.

    Examples
    --------
    >>> simulate("random_sampling", "iris", budget=30, n_blocks=2).values.shape
    (2,)
    """
    environment = make_environment(
        data, target=target, group=group, time=time, scenario=scenario, seed=seed, splits=splits, **overrides
    )
    with shown_progress(progress, on_done) as counter:
        [simulations] = play_recipes(
            {"recipe": find_recipe(recipe, model, [environment])},
            [environment],
            n_blocks,
            model=model,
            n_jobs=n_jobs,
            counter=counter,
        )
    return simulations["recipe"]
