"""The baselines of a search space: read them from a file, and complete them with what the space fixes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from altune.core.errors import FormatError
from altune.core.needs import Capabilities
from altune.core.registry import FIELDS
from altune.recipes.recipe import BASELINES, RECOMMENDED, Recipe
from altune.recipes.recommended import recommended_for

Baselines = dict[str, dict[str, Any]]


def read_baselines(value: Any) -> Baselines:
    """Read ``baselines:``, a mapping of names to recipes, each as the knobs that define it."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise FormatError("must be a mapping of names to recipes", path="baselines", value=value)
    read: Baselines = {}
    for name, part in value.items():
        path = f"baselines.{name}"
        part = part.methods() if isinstance(part, Recipe) else part
        if not isinstance(part, Mapping):
            raise FormatError("must be a mapping of knobs to methods", path=path, value=part)
        try:
            recipe = Recipe.from_dict(part)
        except FormatError as error:
            raise error.within(path=path) from None
        read[str(name)] = {knob: getattr(recipe, knob).to_dict() for knob in FIELDS if knob in part}
    return read


def complete_baselines(
    base: Recipe, of_space: Mapping[str, Mapping[str, Any]], capabilities: Sequence[Capabilities] = ()
) -> tuple[dict[str, Recipe], list[str]]:
    """Return the baselines as full recipes on top of ``base``: the built-in ones and those of the space.

    Parameters
    ----------
    base : recipe of what the space fixes.
    of_space : baselines of the space, which replace built-in ones of the same name.
    capabilities : what the environment of each data set offers. Without it there is no recommended recipe.

    Returns
    -------
    The recipes by name, and one line for each part of the recommended recipe that cannot work.
    """
    recipes = {name: _built_in(name, part, base) for name, part in BASELINES.items()}
    lines: list[str] = []
    if capabilities and RECOMMENDED not in of_space:
        recipes[RECOMMENDED], lines = recommended_for(base, capabilities)
    return recipes | {name: base.replace(name=name, **part) for name, part in of_space.items()}, lines


def _built_in(name: str, part: Mapping[str, Any], base: Recipe) -> Recipe:
    # If the base has the method of a built-in baseline already, its parameters are kept, which the space may fix.
    knobs = {knob: value for knob, value in part.items() if getattr(base, knob).method != value["method"]}
    return base.replace(name=name, **knobs)
