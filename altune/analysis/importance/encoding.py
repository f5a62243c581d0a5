"""The knobs of a space as a surrogate sees them: atoms with weights, and covariance between atoms.

An **atom** is one setting of one knob with all the parameters inside it, as Optuna's parameters. The atoms of a knob
that carry weight stand for the space's own draws (alternatives and choices alike, ranges evenly on their own scale);
atoms of weight 0 are settings that trials met. An inactive parameter is not filled in: what two atoms have in common is
counted over the parameters that are active in both, so a conditional parameter lives inside its knob.

The covariance of a knob is a sum of up to three **parts**, each of mean 0 under the weights:

- ``method``: atoms of one alternative are alike;
- ``shared``: parameters of one name in several alternatives (``size`` of every first sample) act alike;
- ``own``: a parameter acts in its own alternative alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from altune.recipes.space import SearchSpace
from altune.recipes.space.domains import Choices, Range, canonical, stored_choice
from altune.recipes.space.tree import Alternative, Decision, Slot

Array = NDArray[np.float64]
Rows = NDArray[np.intp]
Params = Mapping[str, Any]
Kind = Literal["method", "shared", "own"]

ATOMS = 256
"""About how many atoms with weight a knob with ranges has."""
FEWEST_DRAWS = 6
LENGTH = 0.5
"""Length scale of a numeric parameter's covariance, in units of its range."""
KEPT = 1e-5
"""Directions of a covariance with a smaller share of its trace are left out."""


@dataclass(frozen=True, eq=False)
class AtomPart:
    """One part of a knob's covariance, as features of each atom.

    Attributes
    ----------
    kind : what is alike.
    features : ``(n_atoms, rank)``; their products are the covariance, of weighted mean 0 and weighted trace 1.
    """

    kind: Kind
    features: Array


@dataclass(frozen=True, eq=False)
class KnobAtoms:
    """The settings of one knob.

    Attributes
    ----------
    knob : its name.
    atoms : Optuna's parameters of each setting, ``n_atoms`` of them.
    weights : chance of each under the space's own draws, ``(n_atoms,)``, summing to 1.
    rows : the atom that each trial has, ``(n_trials,)``.
    parts : the parts of its covariance.
    """

    knob: str
    atoms: tuple[dict[str, Any], ...]
    weights: Array
    rows: Rows
    parts: tuple[AtomPart, ...]


def encode_knobs(space: SearchSpace, params: Sequence[Params], seed: int = 0) -> list[KnobAtoms]:
    """Return the atoms of every knob that a space leaves open, in the space's order.

    Parameters
    ----------
    space : what the trials were drawn from.
    params : Optuna's parameters of each trial.
    seed : of the draws that stand for ranges.
    """
    return [
        encode_knob(knob, decision, params, np.random.default_rng([seed, place]))
        for place, (knob, decision) in enumerate(space.decisions.items())
        if space.is_open(knob)
    ]


def encode_knob(knob: str, decision: Decision, params: Sequence[Params], rng: np.random.Generator) -> KnobAtoms:
    """Return the atoms of one knob: those that stand for its draws, and those that trials met."""
    drawn = weighted_atoms(decision, knob, rng)
    place = {_identity(atom): position for position, (atom, _) in enumerate(drawn)}
    atoms = [atom for atom, _ in drawn]
    rows = []
    for one in params:
        atom = part_of(one, knob)
        position = place.setdefault(_identity(atom), len(atoms))
        if position == len(atoms):
            atoms.append(atom)
        rows.append(position)
    weights = np.zeros(len(atoms))
    weights[: len(drawn)] = [weight for _, weight in drawn]
    weights /= weights.sum()
    return KnobAtoms(knob, tuple(atoms), weights, np.array(rows, dtype=np.intp), _parts(knob, decision, atoms, weights))


def part_of(params: Params, knob: str) -> dict[str, Any]:
    """Return those of Optuna's parameters that belong to a knob."""
    return {path: value for path, value in params.items() if path == knob or path.startswith(f"{knob}.")}


def _identity(atom: Params) -> str:
    return canonical(dict(atom))


# atoms --------------------------------------------------------------------------------------------------------------


def weighted_atoms(decision: Decision, path: str, rng: np.random.Generator) -> list[tuple[dict[str, Any], float]]:
    """Return settings that stand for a decision's draws, with their chances.

    Alternatives and choices are enumerated, and get their exact chance, as long as there are few; ranges are cut into
    slices of equal chance with one draw in each (a Latin hypercube).
    """
    alternatives = decision.alternatives
    ranged = sum(bool(_open_slots(alternative)) for alternative in alternatives)
    draws = max(FEWEST_DRAWS, ATOMS // max(1, ranged))
    found: dict[str, tuple[dict[str, Any], float]] = {}
    for alternative in alternatives:
        own = {path: alternative.label} if len(alternatives) > 1 else {}
        inside = _alternative_atoms(alternative, f"{path}.{alternative.label}", draws, rng)
        for atom, chance in inside:
            whole = {**own, **atom}
            key = _identity(whole)
            before = found[key][1] if key in found else 0.0
            found[key] = (whole, before + chance / len(alternatives))
    return list(found.values())


def _open_slots(alternative: Alternative) -> dict[str, Slot]:
    return {
        name: slot
        for name, slot in alternative.slots.items()
        if isinstance(slot, (Range, Choices)) or (isinstance(slot, Decision) and slot.open_paths(""))
    }


def _alternative_atoms(
    alternative: Alternative, path: str, draws: int, rng: np.random.Generator
) -> list[tuple[dict[str, Any], float]]:
    slots = {f"{path}.{name}": slot for name, slot in _open_slots(alternative).items()}
    if not slots:
        return [({}, 1.0)]
    exact = [_exact_options(slot, inner) for inner, slot in slots.items()]
    if math.prod(len(options) if options else draws + 1 for options in exact) <= draws:
        combined = product(*(options or [] for options in exact))
        return [
            ({name: value for atom, _ in some for name, value in atom.items()}, math.prod(chance for _, chance in some))
            for some in combined
        ]
    columns = [_drawn(slot, inner, draws, rng) for inner, slot in slots.items()]
    return [
        ({name: value for atom in some for name, value in atom.items()}, 1 / draws)
        for some in zip(*columns, strict=True)
    ]


def _exact_options(slot: Slot, path: str) -> list[tuple[dict[str, Any], float]]:
    """Return every value of a slot with its chance; none where there is a range in it."""
    if isinstance(slot, Choices):
        return [({path: stored_choice(value)}, 1 / len(slot.values)) for value in slot.values]
    if not isinstance(slot, Decision):
        return []
    found: list[tuple[dict[str, Any], float]] = []
    for alternative in slot.alternatives:
        own = {path: alternative.label} if len(slot.alternatives) > 1 else {}
        inner = f"{path}.{alternative.label}"
        exact = [_exact_options(inside, f"{inner}.{name}") for name, inside in _open_slots(alternative).items()]
        if not all(exact):
            return []
        for some in product(*exact):
            atom = {name: value for part, _ in some for name, value in part.items()}
            found.append(({**own, **atom}, math.prod(chance for _, chance in some) / len(slot.alternatives)))
    return found


def _drawn(slot: Slot, path: str, draws: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return ``draws`` evenly spread draws of one slot in random order."""
    even = (rng.permutation(draws) + rng.random(draws)) / draws
    if isinstance(slot, Range):
        return [{path: slot.at(float(position))} for position in even]
    if isinstance(slot, Choices):
        return [{path: stored_choice(slot.values[int(position * len(slot.values))])} for position in even]
    if not isinstance(slot, Decision):
        return [{} for _ in even]
    found: list[dict[str, Any]] = []
    picked = [int(position * len(slot.alternatives)) for position in even]
    columns = []
    for alternative in slot.alternatives:
        inner = f"{path}.{alternative.label}"
        parts = [_drawn(inside, f"{inner}.{name}", draws, rng) for name, inside in _open_slots(alternative).items()]
        columns.append([{name: value for part in parts for name, value in part[i].items()} for i in range(draws)])
    for position, place in enumerate(picked):
        own = {path: slot.alternatives[place].label} if len(slot.alternatives) > 1 else {}
        found.append({**own, **columns[place][position]})
    return found


# covariance ---------------------------------------------------------------------------------------------------------


def _parts(knob: str, decision: Decision, atoms: Sequence[Params], weights: Array) -> tuple[AtomPart, ...]:
    paths = [path for path in decision.open_paths(knob) if path != knob]
    columns = {path: _Column(decision.find(path, knob), [atom.get(path) for atom in atoms]) for path in paths}
    found: list[tuple[Kind, Array]] = []
    if len(decision.alternatives) > 1:
        found.append(("method", _alike([str(atom.get(knob)) for atom in atoms])))
    shared = _shared_names(columns)
    if shared:
        merged = [_merged([columns[path] for path in group]) for group in shared]
        found.append(("shared", np.sum([_covariance(column, weights) for column in merged], axis=0)))
    if paths:
        found.append(("own", np.sum([_covariance(column, weights) for column in columns.values()], axis=0)))
    return tuple(AtomPart(kind, features) for kind, C in found if (features := _features(C, weights)).size)


class _Column:
    """One parameter over all atoms: its slot, and its value in each atom, None where it is inactive."""

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
    values = [
        next((value for value in some if value is not None), None)
        for some in zip(*(c.values for c in columns), strict=True)
    ]
    ranges = [slot for slot in slots if isinstance(slot, Range)]
    if len(ranges) == len(slots):
        low, high = min(one.low for one in ranges), max(one.high for one in ranges)
        slot: Slot = Range(low, high, log=all(one.log for one in ranges), whole=ranges[0].whole)
    else:
        numbers = {value for slot in slots for value in _ends(slot)} | {value for value in values if value is not None}
        slot = Choices(tuple(sorted(numbers)))
    return _Column(slot, values)


def _ends(slot: Slot | None) -> Iterable[Any]:
    return slot.values if isinstance(slot, Choices) else ()


def scaled(slot: Range | Choices, values: Sequence[Any]) -> Array:
    """Return numbers on [0, 1]: their place in a range on its own scale, or their rank among choices."""
    if isinstance(slot, Choices):
        ranked = sorted(float(value) for value in slot.values)
        return np.array([ranked.index(float(value)) for value in values]) / max(1, len(ranked) - 1)
    numbers = np.array(values, dtype=np.float64)
    low, high = float(slot.low), float(slot.high)
    if slot.log:
        numbers, low, high = np.log(numbers), math.log(low), math.log(high)
    return np.asarray((numbers - low) / (high - low))


def _covariance(column: _Column, weights: Array) -> Array:
    """Return the covariance that one parameter gives, ``(n_atoms, n_atoms)``; 0 where it is inactive in either.

    It has mean 0 where the parameter is active, so that it says nothing of its alternative as a whole.
    """
    active = np.array([place for place, value in enumerate(column.values) if value is not None], dtype=np.intp)
    values = [column.values[place] for place in active]
    n = len(column.values)
    C = np.zeros((n, n))
    if column.numbers and isinstance(column.slot, (Range, Choices)):
        x = scaled(column.slot, values)
        inside = np.exp(-0.5 * ((x[:, None] - x[None, :]) / LENGTH) ** 2)
    else:
        inside = _alike([canonical(value) for value in values])
    C[np.ix_(active, active)] = _centred(inside, weights[active] / weights[active].sum())
    return C


def _centred(C: Array, weights: Array) -> Array:
    mean = C @ weights
    return np.asarray(C - mean[:, None] - mean[None, :] + weights @ mean)


def _alike(labels: Sequence[str]) -> Array:
    codes = np.unique(np.array(labels, dtype=str), return_inverse=True)[1]
    return np.asarray(codes[:, None] == codes[None, :], dtype=np.float64)


def _features(C: Array, weights: Array) -> Array:
    """Return features of a covariance made to have mean 0 and trace 1 under the weights, ``(n_atoms, rank)``."""
    centred = _centred(C, weights)
    trace = float(weights @ np.diag(centred))
    if trace <= KEPT:
        return np.zeros((len(C), 0))
    values, vectors = np.linalg.eigh(centred / trace)
    kept = values > KEPT * values.sum()
    return np.asarray(vectors[:, kept] * np.sqrt(values[kept]))
