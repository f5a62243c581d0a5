"""The baselines of a search space: read them from a file, and complete them with what the space fixes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from altune.core.errors import FormatError
from altune.core.registry import FIELDS
from altune.recipes.recipe import BASELINES, Recipe

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


def complete_baselines(base: Recipe, of_space: Mapping[str, Mapping[str, Any]]) -> dict[str, Recipe]:
    """Return the baselines as full recipes: random sampling, vanilla and those of the space, on top of ``base``."""
    recipes = {}
    for name, part in {**BASELINES, **of_space}.items():
        # If the base has the method of a built-in baseline already, its parameters are kept, which the space may fix.
        knobs = {
            knob: value
            for knob, value in part.items()
            if name in of_space or getattr(base, knob).method != value["method"]
        }
        recipes[name] = base.replace(name=name, **knobs)
    return recipes
