"""The recipe that a name, a YAML file, a run or the folder of a run means."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.core.errors import AltuneWarning, RequestError
from altune.core.plain import home_path, shown
from altune.models import as_model
from altune.recipes.recipe import BUILT_IN, Recipe
from altune.simulation.environment import Environment
from altune.simulation.play import AnyRecipe, recipe_with
from altune.tuning.folders import contents_of
from altune.tuning.run_folder import RECIPE_FILE, is_run

if TYPE_CHECKING:
    from altune.analysis.run import Run


def find_recipe(source: AnyRecipe | Run, model: Any = None, environments: Sequence[Environment] = ()) -> Recipe:
    """Return the recipe that a source means: a recipe, a name, a YAML file, a mapping, a run or its folder.

    A run means its confirmed recipe. One that is not confirmed means the best recipe of its search, and a warning says
    so.

    Parameters
    ----------
    source : the source. A built-in name comes before a folder of the same name.
    model : replaces the model of the recipe unless it is None.
    environments : what the recipe is for, which the recommended recipe depends on.

    Raises
    ------
    RequestError
        If there is no such name or file, or a folder holds no run.
    WorkError
        If no trial of a run succeeded.
    """
    source = at_home(source)
    run = find_run(source)
    if run is None:
        return recipe_with(source, model, environments)  # type: ignore[arg-type]
    recipe = run.best_recipe
    if run.confirmation is None:
        where = "the run" if run.folder is None else str(run.folder)
        warnings.warn(f"{where}: not confirmed, so this is the best recipe of its search", AltuneWarning, 2)
    return recipe if model is None else recipe.replace(model=as_model(model))


def at_home(source: Any) -> Any:
    """Return a source of a recipe; in a path, a leading ``~`` becomes the home directory."""
    return home_path(source, "recipe") if isinstance(source, (str, PathLike)) else source


def find_run(source: AnyRecipe | Run) -> Run | None:
    """Return a run that is given itself or by its folder; None for any other source of a recipe.

    Raises
    ------
    RequestError
        If a folder holds no run.
    """
    source = at_home(source)
    if isinstance(source, (Recipe, Mapping)) or (isinstance(source, str) and source in BUILT_IN):
        return None
    from altune.analysis.run import Run

    if isinstance(source, Run):
        return source
    if not isinstance(source, (str, Path)):
        raise RequestError(
            f"a recipe is a Recipe, its name, its file, a mapping, or a run or its folder, not {shown(source)}"
        )
    folder = Path(source)
    if is_run(folder):
        return Run.open(folder)
    if not folder.is_dir():
        return None
    if (folder / RECIPE_FILE).is_file():
        raise RequestError(f"{folder}: no run here; give its recipe, {folder / RECIPE_FILE}")
    raise RequestError(
        f"{folder}: no run here, but {contents_of(folder)}; give the folder of a run, a YAML file or a name "
        f"({', '.join(BUILT_IN)})"
    )
