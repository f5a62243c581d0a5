"""Recipes with their curves, and the fresh blocks of a data set on which they are played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from altune.data.blocks import Block
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import Environment


@dataclass(frozen=True, eq=False)
class Played:
    """A recipe with its learning curves, one for each block."""

    recipe: Recipe
    curves: tuple[LearningCurve, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        return {"recipe": self.recipe.to_dict(), "curves": [curve.to_dict() for curve in self.curves]}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Played:
        """Read back what :meth:`to_dict` wrote."""
        curves = tuple(LearningCurve.from_dict(curve) for curve in plain["curves"])
        return cls(Recipe.from_dict(plain["recipe"]), curves)


@dataclass(frozen=True, eq=False)
class ConfirmationBlocks:
    """Fresh blocks of one data set, on which the search scored nothing.

    Attributes
    ----------
    environment : data set and scenario.
    select, report : blocks to select on and to report on.
    """

    environment: Environment
    select: Sequence[Block]
    report: Sequence[Block]
