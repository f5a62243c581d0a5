"""The assignments of a search space: count or list them, draw one at random, or take one at a point of the unit cube.

An assignment gives a value to each Optuna parameter that is in use. The parameters of an alternative are in use only if
the alternative is chosen. This module does not need Optuna and builds no methods.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from altune.core.errors import FormatError, RequestError, did_you_mean
from altune.recipes.space.domains import Choices, Fixed, Range, stored_choice
from altune.recipes.space.tree import Alternative, Decision, Slot

Coordinate = Callable[[str], float]
"""Returns the number in [0, 1) that decides the parameter at an Optuna path."""


@dataclass(frozen=True, eq=False)
class Assignments:
    """The Optuna parameters of a search space and their possible values.

    Attributes
    ----------
    decisions : one for each knob that the space names, and for ``model`` if it names it.
    """

    decisions: Mapping[str, Decision]

    @property
    def open_nodes(self) -> dict[str, Decision | Range | Choices]:
        """Everything that a search decides, by Optuna name."""
        return {
            path: node for knob, decision in self.decisions.items() for path, node in decision.open_nodes(knob).items()
        }

    @property
    def open_paths(self) -> list[str]:
        """Optuna names of everything that a search decides."""
        return list(self.open_nodes)

    @property
    def n_open(self) -> int:
        """Number of Optuna parameters, including those inside alternatives."""
        return len(self.open_paths)

    def is_open(self, knob: str) -> bool:
        """Return whether a knob, or ``model``, has an open parameter or choice."""
        return knob in self.decisions and bool(self.decisions[knob].open_paths(knob))

    def categorical_choices(self) -> dict[str, tuple[str, ...]]:
        """Return the labels of the alternatives at each open choice of a method, including nested choices."""
        return {path: node.labels for path, node in self.open_nodes.items() if isinstance(node, Decision)}

    def count(self) -> int | None:
        """Return the number of different assignments, including forbidden ones; None if it is infinite.

        It is infinite if a range of floats without a step is open.
        """
        count = math.prod(map(_count, self.decisions.values()))
        return None if count == math.inf else int(count)

    def grid(self) -> Iterator[dict[str, Any]]:
        """Iterate over all assignments; the last parameter varies fastest.

        Assignments are generated one at a time, so a huge grid takes no memory.

        Raises
        ------
        RequestError
            If a range of floats without a step is open.
        """
        for path, node in self.open_nodes.items():
            if isinstance(node, Range) and node.count() is None:
                raise RequestError(f"{path}: a range of floats has no grid; give a step or choices")
        return _combined([partial(_slot_grid, decision, knob) for knob, decision in self.decisions.items()])

    def random_params(self, rng: np.random.Generator) -> dict[str, Any]:
        """Return a random assignment, distributed as Optuna's ``RandomSampler`` draws it.

        Parameters
        ----------
        rng : one number is drawn from it for each parameter in use.
        """
        return self._assign(lambda path: float(rng.random()))

    def params_at(self, point: Mapping[str, float]) -> dict[str, Any]:
        """Return the assignment at a point of the unit cube, for space-filling designs.

        Parameters
        ----------
        point : a number in [0, 1) for each open path; those of parameters that are not in use have no effect. As in
            Optuna, choices, integers and steps have slices of equal size, and logarithmic ranges are uniform on the log
            scale, where the slices of integers are those that rounding gives.

        Raises
        ------
        FormatError
            If a coordinate is missing, is not in [0, 1), or has no open path.

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
        assignment: dict[str, Any] = {}
        for knob, decision in self.decisions.items():
            assignment |= _assign_slot(decision, knob, coordinate)
        return assignment


def _count(slot: Slot) -> float:
    """Return the number of assignments of a slot, ∞ for a range of floats without a step."""
    if isinstance(slot, Decision):
        return sum(math.prod(map(_count, alternative.slots.values())) for alternative in slot.alternatives)
    count = slot.count()
    return math.inf if count is None else count


def _slot_grid(slot: Slot, path: str) -> Iterator[dict[str, Any]]:
    if isinstance(slot, Fixed):
        yield {}
    elif isinstance(slot, Decision):
        for alternative in slot.alternatives:
            chosen = {path: alternative.label} if len(slot.alternatives) > 1 else {}
            grids = [partial(_slot_grid, inner, inner_path) for inner_path, inner in _inner(alternative, path)]
            for assignment in _combined(grids):
                yield chosen | assignment
    else:
        for value in slot.each():
            yield {path: stored_choice(value)}


def _combined(grids: Sequence[Callable[[], Iterator[dict[str, Any]]]]) -> Iterator[dict[str, Any]]:
    # itertools.product would hold every grid in memory.
    if not grids:
        yield {}
        return
    for first in grids[0]():
        for rest in _combined(grids[1:]):
            yield first | rest


def _assign_slot(slot: Slot, path: str, coordinate: Coordinate) -> dict[str, Any]:
    if isinstance(slot, Fixed):
        return {}
    if isinstance(slot, (Range, Choices)):
        return {path: stored_choice(slot.at(coordinate(path)))}
    assignment: dict[str, Any] = {}
    chosen = slot.alternatives[0]
    if len(slot.alternatives) > 1:
        chosen = slot.alternatives[int(coordinate(path) * len(slot.alternatives))]
        assignment[path] = chosen.label
    for inner_path, inner in _inner(chosen, path):
        assignment |= _assign_slot(inner, inner_path, coordinate)
    return assignment


def _inner(alternative: Alternative, path: str) -> list[tuple[str, Slot]]:
    return [(f"{path}.{alternative.label}.{name}", slot) for name, slot in alternative.slots.items()]


def _given_coordinate(point: Mapping[str, float], path: str) -> float:
    if path not in point:
        raise FormatError("the point has no coordinate for this path", path=path)
    value = float(point[path])
    if not 0.0 <= value < 1.0:
        raise FormatError(f"{value!r} is not a coordinate; it must be in [0, 1)", path=path, value=value)
    return value
