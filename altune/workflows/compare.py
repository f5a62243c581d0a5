"""compare(): play recipes on the same blocks of one data set or several, and compare them pairwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from altune.analysis.comparison.contest import Contest
from altune.analysis.comparison.mean_ranks import PostHoc
from altune.analysis.comparison.result import RecipeComparison, yardstick_of
from altune.core.arguments import plain_arguments
from altune.core.errors import RequestError
from altune.recipes.recipe import Recipe
from altune.simulation.environment import AnyData, Environment, make_environments
from altune.simulation.given_scenario import AnyScenario, scenario_arguments
from altune.simulation.play import AnyRecipe, play_recipes
from altune.simulation.result import Simulation
from altune.workflows.progress import shown_progress
from altune.workflows.recipes import find_recipe, find_run

if TYPE_CHECKING:
    from altune.analysis.run import Run


@plain_arguments(also=scenario_arguments)
def compare(
    recipes: Mapping[str, AnyRecipe | Run],
    data: AnyData | Sequence[AnyData],
    *,
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
    post_hoc: PostHoc = "wilcoxon",
    **overrides: Any,
) -> RecipeComparison:
    """Play recipes on the same blocks of one data set or several, and compare them pairwise.

    Parameters
    ----------
    recipes : two or more recipes by name, each in any form that :func:`altune.simulate` takes. A run may have been
        searched on other data or in another scenario; a note says so.
    data : data set, name of a built-in one, or file; or a list of them.
    n_blocks : number of blocks of each data set.
    splits : explicit splits of one data set.
    post_hoc : post-hoc test over several data sets: ``wilcoxon``, signed-rank tests with Holm's correction, or
        ``nemenyi``, a critical difference of mean ranks.
    seed, target, group, time, model, scenario, n_jobs, on_done, progress, overrides : as for :func:`altune.simulate`.

    Raises
    ------
    RequestError
        If there are fewer than two recipes, or an argument is wrong.
    """
    if len(recipes) < 2:
        raise RequestError(f"a comparison needs two recipes or more, not {len(recipes)}")
    if post_hoc not in ("wilcoxon", "nemenyi"):
        raise RequestError(f"post_hoc is wilcoxon or nemenyi, not {post_hoc!r}")
    environments = make_environments(
        data, target=target, group=group, time=time, scenario=scenario, seed=seed, splits=splits, **overrides
    )
    names = [environment.dataset.name for environment in environments]
    if len(set(names)) < len(names):
        raise RequestError(f"two data sets have the same name among {', '.join(names)}; give each data set once")
    loaded, notes = _load_all(recipes, environments, model)
    with shown_progress(progress, on_done) as counter:
        played = play_recipes(loaded, environments, n_blocks, model=model, n_jobs=n_jobs, counter=counter)
    contests = tuple(_contest(*pair) for pair in zip(environments, played, strict=True))
    played_recipes = {name: simulation.recipe for name, simulation in played[0].items()}
    return RecipeComparison(played_recipes, contests, dict(zip(names, played, strict=True)), notes, post_hoc)


def _contest(environment: Environment, played: Mapping[str, Simulation]) -> Contest:
    first = next(iter(played.values()))
    block = first.blocks[0]
    return Contest(
        data=environment.dataset.name,
        curves={name: simulation.curves for name, simulation in played.items()},
        objective=first.objective,
        budget=environment.scenario.labels,
        n_train=len(block.pool),
        n_test=len(block.test),
        yardstick=yardstick_of({name: simulation.recipe for name, simulation in played.items()}),
        references=first.references,
        encoding=first.encoding,
    )


def _load_all(
    recipes: Mapping[str, AnyRecipe | Run], environments: Sequence[Environment], model: Any
) -> tuple[dict[str, Recipe], tuple[str, ...]]:
    from altune.analysis.comparison.stored_runs import origin_of_run

    runs = {name: find_run(source) for name, source in recipes.items()}
    loaded = {name: find_recipe(runs[name] or source, model, environments) for name, source in recipes.items()}
    origins = [origin_of_run(name, run, environments) for name, run in runs.items() if run is not None]
    counts = sorted({environment.dataset.n_classes for environment in environments})
    remarks = [
        f"{name}{f', {count} classes' if len(counts) > 1 else ''}: {line}"
        for name, recipe in loaded.items()
        for count in counts
        for line in recipe.query_strategy.remarks(count)
    ]
    return loaded, (*origins, *remarks)
