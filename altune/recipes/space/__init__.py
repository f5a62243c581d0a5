"""Search spaces: recipes with open choices, and the search spaces that altune ships."""

from __future__ import annotations

from typing import Any

from altune.recipes.space.changes import differences
from altune.recipes.space.checking import KnobCheck, SpaceCheck, check_space
from altune.recipes.space.core import SearchSpace
from altune.recipes.space.domains import Choices, Range
from altune.recipes.space.schema import recipe_schema, space_schema
from altune.recipes.space.shipped import shipped_spaces, summary

__all__ = [
    "Choices",
    "KnobCheck",
    "Range",
    "SearchSpace",
    "SpaceCheck",
    "check_space",
    "differences",
    "list_spaces",
    "recipe_schema",
    "space_schema",
]


def list_spaces() -> list[dict[str, Any]]:
    """Return the shipped search spaces: ``name``, ``summary``, the knobs each one ``opens``, number of ``parameters``.

    >>> [row["name"] for row in list_spaces()][:4]
    ['cold_start', 'costs', 'full', 'large_pool']
    """
    rows = []
    for name, path in shipped_spaces().items():
        space = SearchSpace.load(path)
        opens = [knob for knob in space.decisions if space.is_open(knob)]
        rows.append({"name": name, "summary": summary(path), "opens": opens, "parameters": space.n_open})
    return rows
