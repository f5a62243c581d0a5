"""Numbers that explain most of the share of their knob, and the shares between recipes that have one in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.analysis.importance.covariance import is_number
from altune.analysis.importance.shares import KnobShare, NumberShare
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace
from altune.recipes.space.domains import Choices, Range, stored_choice
from altune.recipes.space.tree import Decision, Slot

Array = NDArray[np.float64]

MOST = 0.5
"""A number explains most of a knob if its share is more than this part of the knob's."""


def leading_numbers(
    space: SearchSpace, knobs: Sequence[KnobShare], inside: Mapping[str, Array], confidence: float
) -> tuple[NumberShare, ...]:
    """Return the number that explains most of each knob that matters and has one.

    Methods of a knob may have a parameter of one name, such as the size of every first sample; it counts as one number.

    Parameters
    ----------
    space : the space.
    knobs : the share of each knob.
    inside : what each decision inside a knob explains alone, in draws, by path.
    confidence : coverage of the intervals.
    """
    leading = []
    for knob in knobs:
        for number, paths in _numbers(space.decisions[knob.knob], knob.knob).items() if knob.matters else ():
            draws = np.sum([inside[path] for path in paths if path in inside], axis=0)
            share = float(np.mean(draws))
            if share > MOST * knob.share:
                low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
                leading.append(NumberShare(knob.knob, number, paths, share, float(low), float(high)))
    return tuple(sorted(leading, key=lambda number: -number.share))


def _numbers(decision: Decision, knob: str) -> dict[str, tuple[str, ...]]:
    """Return Optuna's names of the numbers of a knob, by the parameter's own name."""
    names: dict[str, tuple[str, ...]] = {}
    for path in decision.open_paths(knob):
        if path != knob and is_number(decision.find(path, knob)):
            number = path.rsplit(".", 1)[1]
            names[number] = (*names.get(number, ()), path)
    return names


def value_in(space: SearchSpace, recipe: Recipe, number: NumberShare) -> Any | None:
    """Return the value of a number in a recipe, None if the recipe does not have it."""
    params = space.params_of(recipe) or {}
    drawn = next((params[path] for path in number.paths if path in params), None)
    value = getattr(getattr(recipe, number.knob), number.number, None) if drawn is None else drawn
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def held_values(space: SearchSpace, number: NumberShare, value: float) -> dict[str, Any]:
    """Return a value for each path of a number: the nearest one that the space has there."""
    decision = space.decisions[number.knob]
    return {path: _nearest(decision.find(path, number.knob), value) for path in number.paths}


def _nearest(slot: Slot | None, value: float) -> Any:
    if isinstance(slot, Choices):
        return stored_choice(min(slot.values, key=lambda choice: abs(choice - value)))
    return min(max(value, slot.low), slot.high) if isinstance(slot, Range) else value
