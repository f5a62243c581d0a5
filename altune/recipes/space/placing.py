"""Place a recipe from elsewhere in a search space: the Optuna parameters of the recipe nearest to it.

:meth:`altune.recipes.space.SearchSpace.params_of` finds a recipe that is in the space exactly. A recipe that was found
on other data is rarely that: its numbers lie between the choices of another space, or outside a range.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from altune.core.errors import FormatError
from altune.core.registry import Method
from altune.knobs.initial_sample import InitialSample
from altune.recipes.recipe import DEFAULTS
from altune.recipes.space.core import SearchSpace
from altune.recipes.space.domains import Choices, Fixed, Range, stored_choice
from altune.recipes.space.tree import Alternative, Decision, Slot

SIZES = ("size", "share")
"""The two units of the size of a first sample: rows, and a share of the budget."""
MIDDLE = 0.5
"""Coordinate of a number that the recipe leaves to its default, which no range contains."""


class Task(NamedTuple):
    """What turns the size of a first sample from rows into a share, and back.

    Attributes
    ----------
    budget : budget in labels.
    n_classes : number of classes.
    """

    budget: int
    n_classes: int


class _Placed(NamedTuple):
    """Parameters of a part of the space, and how many of its values had to be moved."""

    params: dict[str, Any]
    moved: int


def params_near(space: SearchSpace, methods: Mapping[str, Method], task: Task) -> dict[str, Any] | None:
    """Return the Optuna parameters of the recipe of a space that is nearest to given methods.

    What the space fixes stays as it is. A knob that it opens needs the given method; numbers are moved to the nearest
    one that the space allows, and a size in rows becomes a share of the budget where the space has shares, and the
    other way round. Knobs without a given method take the default method, or else the first one of the space.

    Parameters
    ----------
    space : search space, narrowed to what can work.
    methods : methods by knob.
    task : budget and number of classes.

    Returns
    -------
    Parameters by path; None if the space lacks a method, or opens none of the given knobs.

    Examples
    --------
    >>> from altune.core.registry import parse_method
    >>> space = SearchSpace.from_dict({"initial_sample": {"method": "random", "share": {"choices": [0.05, 0.1]}}})
    >>> params_near(space, {"initial_sample": parse_method("initial_sample", {"method": "random", "size": 24})},
    ...             Task(200, 2))
    {'initial_sample.random.share': 0.1}
    """
    if not any(space.is_open(knob) for knob in methods):
        return None
    params: dict[str, Any] = {}
    for knob, decision in space.decisions.items():
        placed = _near_decision(decision, methods.get(knob), knob, task)
        if placed is None:
            return None
        params |= placed.params
    try:
        space.recipe_at(params)
    except FormatError:  # a combination of parameters that the method refuses
        return None
    return params


def _near_decision(decision: Decision, method: Method | None, path: str, task: Task) -> _Placed | None:
    alternatives = list(decision.alternatives)
    if method is None:
        usual = DEFAULTS.get(path)
        alternatives.sort(key=lambda alternative: alternative.method != usual)  # stable: else the first one
        alternatives = alternatives[:1]
    elif len(alternatives) > 1 or "." in path:
        alternatives = [alternative for alternative in alternatives if type(method) is alternative.cls]
    placed = list(_near_alternatives(alternatives, method, path, task))
    if not placed:
        return None
    label, best = min(placed, key=lambda pair: pair[1].moved)
    chosen = {path: label} if len(decision.alternatives) > 1 else {}
    return _Placed({**chosen, **best.params}, best.moved)


def _near_alternatives(
    alternatives: list[Alternative], method: Method | None, path: str, task: Task
) -> Iterator[tuple[str, _Placed]]:
    for alternative in alternatives:
        same = method if method is not None and type(method) is alternative.cls else alternative.typical()
        parts = []
        for name, slot in alternative.slots.items():
            value = _value(same, name, task)
            parts.append(_near_slot(slot, value, f"{path}.{alternative.label}.{name}", task))
        placed = [part for part in parts if part is not None]
        if len(placed) == len(parts):
            params = {name: value for part in placed for name, value in part.params.items()}
            yield alternative.label, _Placed(params, sum(part.moved for part in placed) + _n_lost(alternative, same))


def _n_lost(alternative: Alternative, method: Method) -> int:
    """Return how many parameters of a method differ from what an alternative leaves to its defaults."""
    named = set(alternative.slots)
    if isinstance(method, InitialSample) and named & set(SIZES):
        named |= set(SIZES)  # two units of the same number
    usual = alternative.typical()
    return sum(getattr(method, name) != getattr(usual, name) for name in type(method).model_fields if name not in named)


def _value(method: Method, name: str, task: Task) -> Any:
    """Return the value of a parameter; that of a first sample in the unit that the space has."""
    value = getattr(method, name)
    if isinstance(method, InitialSample) and name in SIZES and (value is None or name == "size"):
        # A size may have been given for another number of classes.
        rows = max(method.n_rows(task.budget, task.n_classes), task.n_classes)
        return rows if name == "size" else rows / task.budget
    return value


def _near_slot(slot: Slot, value: Any, path: str, task: Task) -> _Placed | None:
    if isinstance(slot, Fixed):
        return _Placed({}, int(not slot.contains(value)))
    if isinstance(slot, Decision):
        return _near_decision(slot, value, path, task)
    if slot.contains(value):
        near = value
    elif value is None:
        near = slot.at(MIDDLE)
    elif isinstance(slot, Range):
        near = _near_in_range(slot, value)
    else:
        near = _near_choice(slot, value)
    if near is None:
        return None
    if isinstance(slot, Range):
        near = int(near) if slot.whole else float(near)
    return _Placed({path: stored_choice(near)}, int(not slot.contains(value)))


def _near_in_range(slot: Range, value: Any) -> float | None:
    if not _is_number(value):
        return None
    if slot.step is not None:
        return min(slot.each(), key=lambda near: abs(near - value))
    clipped = float(min(max(value, slot.low), slot.high))
    return round(clipped) if slot.whole else clipped


def _near_choice(slot: Choices, value: Any) -> Any:
    numbers = [choice for choice in slot.values if _is_number(choice)]
    if not _is_number(value) or not numbers:
        return None
    return min(numbers, key=lambda near: abs(near - value))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
