"""Recipes compared on the same blocks of one data set: differences of all pairs.

Intervals and tests are those of :mod:`altune.simulation.intervals`. Holm's correction is for all pairs of recipes on
one data set, separately for each data set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from altune.core.errors import RequestError
from altune.numerics.statistics import Interval, PairedDifference, side_by_side
from altune.simulation.curve import LearningCurve
from altune.simulation.intervals import estimated_difference, estimated_mean
from altune.simulation.objectives import Objective


@dataclass(frozen=True)
class Pair:
    """One recipe against another on the same blocks.

    Attributes
    ----------
    a, b : names of the two recipes.
    difference : objective of ``a`` minus objective of ``b``, adjusted for all pairs of the comparison.
    """

    a: str
    b: str
    difference: PairedDifference

    @property
    def p_holm(self) -> float:
        """P value adjusted for all pairs of the comparison, in [0, 1]."""
        return self.difference.p_holm

    def turned(self) -> Pair:
        """Return the pair with its recipes exchanged."""
        return Pair(self.b, self.a, self.difference.turned())

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"a": self.a, "b": self.b, **self.difference.to_dict()}


@dataclass(frozen=True)
class Comparison:
    """Recipes compared pairwise on the same blocks.

    Attributes
    ----------
    recipes : mean objective of each recipe with its interval, in the given order.
    differences : all pairs, the earlier recipe minus the later one.
    """

    recipes: Mapping[str, Interval]
    differences: tuple[Pair, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "recipes": {name: interval.to_dict() for name, interval in self.recipes.items()},
            "differences": [pair.to_dict() for pair in self.differences],
        }


def compare_recipes(
    named_curves: Mapping[str, Sequence[LearningCurve]],
    objective: Objective,
    overlap: float = 0.0,
    references: Sequence[LearningCurve] | None = None,
) -> Comparison:
    """Compare all pairs of recipes by an objective on the same blocks.

    Parameters
    ----------
    named_curves : curves of each recipe, all on the same blocks in the same order.
    objective : what is measured of a curve.
    overlap : n_test / n_train of the blocks, for intervals by blocks alone.
    references : curves of random sampling, if the objective is measured against them.
    """
    same_blocks(named_curves)
    pairs = list(combinations(named_curves, 2))
    differences = compared(
        objective, [(named_curves[a], named_curves[b]) for a, b in pairs], overlap=overlap, references=references
    )
    return Comparison(
        recipes={name: estimated_mean(objective, curves, references, overlap) for name, curves in named_curves.items()},
        differences=tuple(Pair(a, b, difference) for (a, b), difference in zip(pairs, differences, strict=True)),
    )


def compared(
    objective: Objective,
    pairs: Sequence[tuple[Sequence[LearningCurve], Sequence[LearningCurve]]],
    *,
    overlap: float,
    references: Sequence[LearningCurve] | None,
) -> list[PairedDifference]:
    """Return the differences of pairs of recipes that are compared side by side, adjusted for all of them."""
    least, most = objective.bounds
    differences = [estimated_difference(objective, a, b, references, overlap) for a, b in pairs]
    return side_by_side(differences, least - most, most - least)


def same_blocks(named_curves: Mapping[str, Sequence[LearningCurve]]) -> int:
    """Return the number of blocks, or raise an error if it is not the same for all recipes."""
    lengths = {name: len(curves) for name, curves in named_curves.items()}
    if not lengths or 0 in lengths.values():
        raise RequestError("there are no learning curves to compare")
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise RequestError(f"a comparison needs the same blocks for all recipes, got {listed}")
    return next(iter(lengths.values()))
