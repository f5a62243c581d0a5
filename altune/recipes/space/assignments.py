"""The assignments of a space: how many there are, each of them, one at random, one at a point of the unit cube.

An assignment gives a value to each Optuna parameter that is asked for, and to no other: what stands inside an
alternative exists only where that alternative is taken. Nothing here needs Optuna, and no method is built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from altune.core.errors import FormatError, RequestError, did_you_mean
from altune.recipes.space.domains import Choices, Fixed, Range, stored_choice
from altune.recipes.space.tree import Alternative, Decision, Slot

Coordinate = Callable[[str], float]
"""Gives the number in [0, 1) that decides the parameter at an Optuna path."""


@dataclass(frozen=True, eq=False)
class Assignments:
    """The Optuna parameters of a space and what they can be.

    Attributes
    ----------
    decisions : one for each knob that the space names, and ``model``.
    """

    decisions: Mapping[str, Decision]

    @property
    def open_paths(self) -> list[str]:
        """The Optuna names of all that a search may decide."""
        return [path for knob, decision in self.decisions.items() for path in decision.open_paths(knob)]

    @property
    def n_open(self) -> int:
        """Number of Optuna parameters, those inside alternatives included."""
        return len(self.open_paths)

    def is_open(self, knob: str) -> bool:
        """Return whether anything of a knob, or of ``model``, is left open."""
        return knob in self.decisions and bool(self.decisions[knob].open_paths(knob))

    def categorical_choices(self) -> dict[str, tuple[str, ...]]:
        """Return the labels of the alternatives at each open choice of a method, nested ones included.

        A path below an alternative is asked for only where that alternative is taken.
        """
        found: dict[str, tuple[str, ...]] = {}
        for knob, decision in self.decisions.items():
            found |= _method_choices(decision, knob)
        return found

    def count(self) -> int | None:
        """Return the number of different assignments, forbidden ones included; None where it is infinite.

        It is infinite where a range of floats without a step is open.
        """
        return _product(_count_slot(decision) for decision in self.decisions.values())

    def grid(self) -> Iterator[dict[str, Any]]:
        """Return every assignment, one after the other, the last parameter varying fastest.

        Nothing is held in memory but the assignment in hand, so that a huge grid may be begun.

        Raises
        ------
        RequestError
            If a range of floats without a step is open.
        """
        for path in self.open_paths:
            node = self._node(path)
            if isinstance(node, Range) and node.count() is None:
                raise RequestError(f"{path}: a range of floats has no grid; give it a step, or choices")
        return _combined([partial(_slot_grid, decision, knob) for knob, decision in self.decisions.items()])

    def random_params(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return a random assignment, distributed as Optuna's ``RandomSampler`` draws it.

        Parameters
        ----------
        rng : one number is drawn from it for each parameter that is asked for.
        """
        return self._assign(lambda path: float(rng.random()))

    def params_at(self, point: Mapping[str, float]) -> dict[str, Any]:
        """Return the assignment at a point of the unit cube, for designs that fill a space evenly.

        Parameters
        ----------
        point : a number in [0, 1) for each open path; those that are not asked for do not count. Choices have equal
            slices, logarithmic ranges are even on the log scale, whole numbers and steps have equal slices too (on
            the log scale those that rounding gives), as in Optuna.

        Raises
        ------
        FormatError
            If a coordinate is missing, lies outside of [0, 1), or belongs to no open path.

        Examples
        --------
        >>> from altune.recipes.space import SearchSpace
        >>> space = SearchSpace.from_dict({"query_strategy": ["margin", "random"]})
        >>> space.params_at({"query_strategy": 0.75})
        {'query_strategy': 'random'}
        """
        known = set(self.open_paths)
        for path in point:
            if path not in known:
                raise FormatError(f"the space has no such open path; {did_you_mean(path, known)}", path=str(path))
        return self._assign(partial(_given_coordinate, point))

    def _assign(self, coordinate: Coordinate) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for knob, decision in self.decisions.items():
            found |= _assign_slot(decision, knob, coordinate)
        return found

    def _node(self, path: str) -> Slot:
        knob = path.split(".")[0]
        node = self.decisions[knob].find(path, knob)
        if node is None:
            raise KeyError(path)
        return node


def _method_choices(decision: Decision, path: str) -> dict[str, tuple[str, ...]]:
    found = {path: decision.labels} if len(decision.alternatives) > 1 else {}
    for alternative in decision.alternatives:
        for name, slot in alternative.slots.items():
            if isinstance(slot, Decision):
                found |= _method_choices(slot, f"{path}.{alternative.label}.{name}")
    return found


def _count_slot(slot: Slot) -> int | None:
    if isinstance(slot, Decision):
        counts = [_count_alternative(alternative) for alternative in slot.alternatives]
        return None if None in counts else sum(count for count in counts if count is not None)
    return slot.count()


def _count_alternative(alternative: Alternative) -> int | None:
    return _product(_count_slot(slot) for slot in alternative.slots.values())


def _product(counts: Iterator[int | None]) -> int | None:
    total = 1
    for count in counts:
        if count is None:
            return None
        total *= count
    return total


def _slot_grid(slot: Slot, path: str) -> Iterator[dict[str, Any]]:
    if isinstance(slot, Fixed):
        yield {}
    elif isinstance(slot, Decision):
        for alternative in slot.alternatives:
            taken = {path: alternative.label} if len(slot.alternatives) > 1 else {}
            parts = [partial(_slot_grid, inner, place) for place, inner in _inner(alternative, path)]
            for found in _combined(parts):
                yield taken | found
    else:
        for value in slot.each():
            yield {path: stored_choice(value)}


def _combined(parts: Sequence[Callable[[], Iterator[dict[str, Any]]]]) -> Iterator[dict[str, Any]]:
    if not parts:
        yield {}
        return
    for first in parts[0]():
        for rest in _combined(parts[1:]):
            yield first | rest


def _assign_slot(slot: Slot, path: str, coordinate: Coordinate) -> dict[str, Any]:
    if isinstance(slot, Fixed):
        return {}
    if isinstance(slot, (Range, Choices)):
        return {path: stored_choice(slot.at(coordinate(path)))}
    found: dict[str, Any] = {}
    taken = slot.alternatives[0]
    if len(slot.alternatives) > 1:
        taken = slot.alternatives[int(coordinate(path) * len(slot.alternatives))]
        found[path] = taken.label
    for place, inner in _inner(taken, path):
        found |= _assign_slot(inner, place, coordinate)
    return found


def _inner(alternative: Alternative, path: str) -> list[tuple[str, Slot]]:
    return [(f"{path}.{alternative.label}.{name}", slot) for name, slot in alternative.slots.items()]


def _given_coordinate(point: Mapping[str, float], path: str) -> float:
    if path not in point:
        raise FormatError("the point has no coordinate for it", path=path)
    value = float(point[path])
    if not 0.0 <= value < 1.0:
        raise FormatError(f"{value!r} is no coordinate; it must lie in [0, 1)", path=path, value=value)
    return value
