"""The knobs of a space as the surrogate sees them: atoms with weights.

An **atom** is one setting of one knob with all the parameters inside it, as Optuna's parameters. Atoms with a weight
represent the draws of the space: alternatives and choices are equally likely, ranges are uniform on their own scale.
Atoms of weight 0 are settings of the trials. Inactive parameters are not filled in, so that a conditional parameter
stays inside its knob: what two atoms have in common is computed from the parameters that are active in both
(:mod:`altune.analysis.importance.covariance`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.analysis.importance.covariance import AtomPart, Indices, Params, knob_parts
from altune.recipes.space import SearchSpace
from altune.recipes.space.domains import Choices, Range, canonical, stored_choice
from altune.recipes.space.tree import Alternative, Decision, Slot

Array = NDArray[np.float64]

ATOMS = 256
"""Approximate number of atoms with weight of a knob with ranges."""
FEWEST_DRAWS = 6
"""Fewest atoms with weight of an alternative with ranges."""


@dataclass(frozen=True, eq=False)
class KnobAtoms:
    """The settings of one knob.

    Attributes
    ----------
    knob : its name.
    atoms : Optuna's parameters of each setting, ``n_atoms`` of them.
    weights : probability of each atom in a draw of the space, ``(n_atoms,)``, summing to 1.
    rows : index of the atom of each trial, ``(n_trials,)``.
    parts : the parts of its covariance.
    """

    knob: str
    atoms: tuple[dict[str, Any], ...]
    weights: Array
    rows: Indices
    parts: tuple[AtomPart, ...]


def encode_knobs(
    space: SearchSpace, params: Sequence[Params], seed: int = 0, held: Params | None = None
) -> list[KnobAtoms]:
    """Return the atoms of every knob that a space leaves open, in the space's order.

    Parameters
    ----------
    space : the space of the trials.
    params : Optuna's parameters of each trial.
    seed : seed of the draws that represent ranges.
    held : as of :func:`encode_knob`.
    """
    return [
        encode_knob(knob, decision, params, np.random.default_rng([seed, position]), held)
        for position, (knob, decision) in enumerate(space.decisions.items())
        if space.is_open(knob)
    ]


def encode_knob(
    knob: str,
    decision: Decision,
    params: Sequence[Params],
    rng: np.random.Generator,
    held: Params | None = None,
) -> KnobAtoms:
    """Return the atoms of one knob: those that represent its draws, and those of the trials.

    Parameters
    ----------
    knob, decision : the knob, and its decision in the space.
    params : Optuna's parameters of each trial.
    rng : source of the draws that represent ranges.
    held : values of some of its parameters by path. They have these values in all atoms with weight, so that the
        effects are those of recipes with these values; by default all are drawn.
    """
    drawn = weighted_atoms(decision, knob, rng)
    chances = np.array([chance for _, chance in drawn])
    settings = [
        *(atom for atom, _ in drawn),
        *(atom | {path: value for path, value in (held or {}).items() if path in atom} for atom, _ in drawn),
        *(part_of(trial, knob) for trial in params),
    ]
    atoms = {_identity(atom): atom for atom in settings}
    place_of = {identity: place for place, identity in enumerate(atoms)}
    of_draws, of_held, rows = np.split(
        np.array([place_of[_identity(atom)] for atom in settings], dtype=np.intp), [len(drawn), 2 * len(drawn)]
    )
    drawn_weights, weights = (np.zeros(len(atoms)) for _ in range(2))
    np.add.at(drawn_weights, of_draws, chances / chances.sum())
    np.add.at(weights, of_held, chances / chances.sum())
    parts = knob_parts(knob, decision, list(atoms.values()), weights, drawn_weights)
    return KnobAtoms(knob, tuple(atoms.values()), weights, rows, parts)


def part_of(params: Params, knob: str) -> dict[str, Any]:
    """Return Optuna's parameters that belong to a knob."""
    return {path: value for path, value in params.items() if path == knob or path.startswith(f"{knob}.")}


def _identity(atom: Params) -> str:
    return canonical(dict(atom))


def weighted_atoms(decision: Decision, path: str, rng: np.random.Generator) -> list[tuple[dict[str, Any], float]]:
    """Return settings that represent the draws of a decision, with their probabilities.

    Alternatives and choices are enumerated with their exact probability while they are few. Otherwise, and for ranges,
    the settings are a Latin hypercube.
    """
    alternatives = decision.alternatives
    ranged = sum(bool(_open_slots(alternative)) for alternative in alternatives)
    draws = max(FEWEST_DRAWS, ATOMS // max(1, ranged))
    settings: dict[str, tuple[dict[str, Any], float]] = {}
    for alternative in alternatives:
        method = {path: alternative.label} if len(alternatives) > 1 else {}
        inside = _alternative_atoms(alternative, f"{path}.{alternative.label}", draws, rng)
        for atom, chance in inside:
            setting = {**method, **atom}
            key = _identity(setting)
            # Draws of a range of integers may coincide: their probabilities add up.
            before = settings[key][1] if key in settings else 0.0
            settings[key] = (setting, before + chance / len(alternatives))
    return list(settings.values())


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
            (_joined(atom for atom, _ in options), math.prod(chance for _, chance in options)) for options in combined
        ]
    columns = [_drawn(slot, inner, draws, rng) for inner, slot in slots.items()]
    return [(_joined(atoms), 1 / draws) for atoms in zip(*columns, strict=True)]


def _joined(atoms: Iterable[Params]) -> dict[str, Any]:
    return {name: value for atom in atoms for name, value in atom.items()}


def _exact_options(slot: Slot, path: str) -> list[tuple[dict[str, Any], float]]:
    """Return every value of a slot with its probability; nothing if there is a range in it."""
    if isinstance(slot, Choices):
        return [({path: stored_choice(value)}, 1 / len(slot.values)) for value in slot.values]
    if not isinstance(slot, Decision):
        return []
    settings: list[tuple[dict[str, Any], float]] = []
    for alternative in slot.alternatives:
        method = {path: alternative.label} if len(slot.alternatives) > 1 else {}
        inner = f"{path}.{alternative.label}"
        exact = [_exact_options(inside, f"{inner}.{name}") for name, inside in _open_slots(alternative).items()]
        if not all(exact):
            return []
        for options in product(*exact):
            atom = {**method, **_joined(part for part, _ in options)}
            settings.append((atom, math.prod(chance for _, chance in options) / len(slot.alternatives)))
    return settings


def _drawn(slot: Slot, path: str, draws: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return ``draws`` draws of one slot, one in each slice of equal probability, in random order."""
    even = (rng.permutation(draws) + rng.random(draws)) / draws
    if isinstance(slot, Range):
        return [{path: slot.at(float(position))} for position in even]
    if isinstance(slot, Choices):
        return [{path: stored_choice(slot.values[int(position * len(slot.values))])} for position in even]
    if not isinstance(slot, Decision):
        return [{} for _ in even]
    picked = [int(position * len(slot.alternatives)) for position in even]
    columns = []
    for alternative in slot.alternatives:
        inner = f"{path}.{alternative.label}"
        parts = [_drawn(inside, f"{inner}.{name}", draws, rng) for name, inside in _open_slots(alternative).items()]
        columns.append([_joined(part[draw] for part in parts) for draw in range(draws)])
    several = len(slot.alternatives) > 1
    return [
        {**({path: slot.alternatives[index].label} if several else {}), **columns[index][draw]}
        for draw, index in enumerate(picked)
    ]
