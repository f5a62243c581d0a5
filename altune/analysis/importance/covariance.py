"""The covariance between the atoms of a knob.

It is a sum of up to four **parts**, each with weighted mean 0:

- ``method``: atoms of one alternative are alike;
- ``shared``: parameters of one name in several alternatives (``size`` of every first sample) have a common effect;
- ``own``: a parameter has an effect in its own alternative only;
- ``joint``: the parameters of one alternative act together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from altune.recipes.space.domains import Choices, Range, canonical
from altune.recipes.space.tree import Decision, Slot

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Params = Mapping[str, Any]
Kind = Literal["method", "shared", "own", "joint"]

LENGTH = 0.5
"""Length scale of the covariance of a numeric parameter, in units of its range."""
KEPT = 1e-5
"""Eigenvectors with a smaller share of the trace are left out."""


@dataclass(frozen=True, eq=False)
class AtomPart:
    """One part of a knob's covariance, as features of each atom.

    Attributes
    ----------
    kind : which of the parts.
    features : ``(n_atoms, rank)``; their inner products are the covariance, with weighted mean 0 and a mean variance
        of 1 over the draws of the space.
    """

    kind: Kind
    features: Array


def knob_parts(
    knob: str, decision: Decision, atoms: Sequence[Params], weights: Array, drawn: Array
) -> tuple[AtomPart, ...]:
    """Return the parts of the covariance between the atoms of a knob; those that are constant are left out.

    Parameters
    ----------
    knob, decision : the knob, and its decision in the space.
    atoms : its atoms.
    weights : the weights under which the parts have mean 0, ``(n_atoms,)``.
    drawn : the probability of each atom in a draw of the space, ``(n_atoms,)``.
    """
    paths = [path for path in decision.open_paths(knob) if path != knob]
    columns = {path: _Column(decision.find(path, knob), [atom.get(path) for atom in atoms]) for path in paths}
    parts: list[tuple[Kind, Array]] = []
    if len(decision.alternatives) > 1:
        parts.append(("method", _alike([str(atom.get(knob)) for atom in atoms])))
    shared = _shared_names(columns)
    if shared:
        merged = [_merged([columns[path] for path in group]) for group in shared]
        parts.append(("shared", np.sum([_covariance(column, weights) for column in merged], axis=0)))
    if paths:
        parts.append(("own", np.sum([_covariance(column, weights) for column in columns.values()], axis=0)))
    together = _together(columns)
    if together:
        parts.append(("joint", np.sum([_product(group, weights) for group in together], axis=0)))
    return tuple(AtomPart(kind, features) for kind, C in parts if (features := _features(C, weights, drawn)).size)


class _Column:
    """One parameter over all atoms: its slot, and its value in each atom, None if it is inactive."""

    def __init__(self, slot: Slot | None, values: list[Any]) -> None:
        self.slot = slot
        self.values = values
        self.numbers = is_number(slot)


def is_number(slot: Slot | None) -> bool:
    """Return whether a parameter is a number: a range, or a choice of numbers."""
    if isinstance(slot, Choices):
        return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in slot.values)
    return isinstance(slot, Range)


def _shared_names(columns: Mapping[str, _Column]) -> list[list[str]]:
    """Return the groups of numeric parameters that have one name in several alternatives."""
    groups: dict[str, list[str]] = {}
    for path, column in columns.items():
        if column.numbers:
            groups.setdefault(path.rsplit(".", 1)[1], []).append(path)
    return [group for group in groups.values() if len(group) > 1]


def _merged(columns: Sequence[_Column]) -> _Column:
    slots = [column.slot for column in columns]
    # An atom has one alternative, so at most one of the parameters is active in it.
    values = [
        next((value for value in in_atom if value is not None), None)
        for in_atom in zip(*(column.values for column in columns), strict=True)
    ]
    ranges = [slot for slot in slots if isinstance(slot, Range)]
    if len(ranges) == len(slots):
        low, high = min(slot.low for slot in ranges), max(slot.high for slot in ranges)
        slot: Slot = Range(low, high, log=all(slot.log for slot in ranges), whole=ranges[0].whole)
    else:
        numbers = {value for slot in slots for value in _ends(slot)} | {value for value in values if value is not None}
        slot = Choices(tuple(sorted(numbers)))
    return _Column(slot, values)


def _ends(slot: Slot | None) -> Iterable[Any]:
    return slot.values if isinstance(slot, Choices) else ()


def scaled(slot: Range | Choices, values: Sequence[Any]) -> Array:
    """Return numbers scaled to [0, 1]: their position in a range on its own scale, or their rank among choices."""
    if isinstance(slot, Choices):
        ranked = sorted(float(value) for value in slot.values)
        return np.array([ranked.index(float(value)) for value in values]) / max(1, len(ranked) - 1)
    numbers = np.array(values, dtype=np.float64)
    low, high = float(slot.low), float(slot.high)
    if slot.log:
        numbers, low, high = np.log(numbers), math.log(low), math.log(high)
    return np.asarray((numbers - low) / (high - low))


def _covariance(column: _Column, weights: Array) -> Array:
    """Return the covariance of one parameter's effect, ``(n_atoms, n_atoms)``; 0 if it is inactive in either atom.

    Its mean over the atoms in which the parameter is active is 0, so that the effect of an alternative as a whole
    belongs to the part ``method``.
    """
    return _product([column], weights)


def _together(columns: Mapping[str, _Column]) -> list[list[_Column]]:
    """Return the groups of two or more parameters that are active in the same atoms."""
    groups: dict[tuple[bool, ...], list[_Column]] = {}
    for column in columns.values():
        groups.setdefault(tuple(value is not None for value in column.values), []).append(column)
    return [group for group in groups.values() if len(group) > 1]


def _product(columns: Sequence[_Column], weights: Array) -> Array:
    """Return the covariance of the joint effect of parameters that are active in the same atoms."""
    values = columns[0].values
    active = np.array([index for index, value in enumerate(values) if value is not None], dtype=np.intp)
    inside = np.prod([_similarity(column, active) for column in columns], axis=0)
    C = np.zeros((len(values), len(values)))
    C[np.ix_(active, active)] = _centred(inside, weights[active] / weights[active].sum())
    return C


def _similarity(column: _Column, active: Indices) -> Array:
    values = [column.values[index] for index in active]
    if column.numbers and isinstance(column.slot, (Range, Choices)):
        x = scaled(column.slot, values)
        return np.asarray(np.exp(-0.5 * ((x[:, None] - x[None, :]) / LENGTH) ** 2))
    return _alike([canonical(value) for value in values])


def _centred(C: Array, weights: Array) -> Array:
    mean = C @ weights
    return np.asarray(C - mean[:, None] - mean[None, :] + weights @ mean)


def _alike(labels: Sequence[str]) -> Array:
    codes = np.unique(np.array(labels, dtype=str), return_inverse=True)[1]
    return np.asarray(codes[:, None] == codes[None, :], dtype=np.float64)


def _features(C: Array, weights: Array, drawn: Array) -> Array:
    """Return features of a covariance, scaled to mean 0 under the weights and trace 1 under the draws."""
    centred = _centred(C, weights)
    trace = float(drawn @ np.diag(centred))
    if trace <= KEPT:
        return np.zeros((len(C), 0))
    values, vectors = np.linalg.eigh(centred / trace)
    kept = values > KEPT * values.sum()
    return np.asarray(vectors[:, kept] * np.sqrt(values[kept]))
