"""Knobs that depend on each other, because a space forbids some combinations of them.

The space's draws are then those of independent knobs, given that the combination may be played. A set of knobs
explains Var(E[f | knobs]), and the Shapley effects of these numbers sum to 1 whatever the dependence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.analysis.importance.encoding import KnobAtoms, Params, Rows
from altune.analysis.importance.variance import Subset
from altune.core.errors import WorkError
from altune.core.needs import Capabilities
from altune.core.registry import Method
from altune.models import Model
from altune.recipes.requirements import method_problems
from altune.recipes.space import SearchSpace
from altune.recipes.space.domains import Fixed, stored_choice
from altune.recipes.space.given import GivenTrial

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

MOST_TRIES = 200


@dataclass(frozen=True, eq=False)
class Playable:
    """Which combinations of atoms may be played.

    Attributes
    ----------
    pairs : for two knobs which of their atoms go together, ``(n_atoms, n_atoms)``.
    rules : combinations that are forbidden: for each knob concerned the atoms that a rule means.
    """

    pairs: dict[tuple[int, int], Mask]
    rules: tuple[dict[int, Mask], ...]

    @property
    def everything(self) -> bool:
        """Whether every combination may be played."""
        return not self.rules and all(mask.all() for mask in self.pairs.values())

    def __call__(self, atoms: Sequence[Rows]) -> Mask:
        """Return whether each recipe may be played, ``(n_recipes,)``."""
        allowed = np.ones(len(atoms[0]), dtype=bool)
        for (a, b), mask in self.pairs.items():
            allowed &= mask[atoms[a], atoms[b]]
        for rule in self.rules:
            allowed &= ~np.logical_and.reduce([mask[atoms[k]] for k, mask in rule.items()])
        return allowed


def playable(space: SearchSpace, knobs: Sequence[KnobAtoms], capabilities: Sequence[Capabilities]) -> Playable:
    """Return which combinations may be played, by the space's rules and by what methods need of model and environment.

    Parameters
    ----------
    space : the search space.
    knobs : its encoded knobs.
    capabilities : what each environment offers; empty where it is not known, so that only the space's rules count.
    """
    rules = [_rule_masks(space, knobs, rule) for rule in space.forbid]
    pairs = _needs(space, knobs, capabilities)
    return Playable(pairs, tuple(rule for rule in rules if rule is not None))


def _rule_masks(
    space: SearchSpace, knobs: Sequence[KnobAtoms], rule: dict[str, tuple[Any, ...]]
) -> dict[int, Mask] | None:
    """Return the atoms that a rule means, None where it can never match."""
    place = {knob.knob: position for position, knob in enumerate(knobs)}
    masks: dict[int, Mask] = {}
    for path, values in rule.items():
        knob = path.split(".")[0]
        if knob not in place:
            if not _fixed_matches(space, path, values):
                return None
            continue
        position = place[knob]
        mask = np.array([_matches(space, knob, atom, path, values) for atom in knobs[position].atoms], dtype=bool)
        masks[position] = masks[position] & mask if position in masks else mask
    return masks if masks and all((knobs[k].weights[mask] > 0).any() for k, mask in masks.items()) else None


def _matches(space: SearchSpace, knob: str, atom: Params, path: str, values: tuple[Any, ...]) -> bool:
    if path in atom:
        return atom[path] in [stored_choice(value) for value in values]
    decision = space.decisions[knob]
    node = decision if path == knob else decision.find(path, knob)
    if path == knob:
        return decision.labels[0] in values
    parts = path.split(".")
    ancestors = {".".join(parts[:end]): parts[end] for end in range(1, len(parts))}
    active = all(atom[above] == label for above, label in ancestors.items() if above in atom)
    return active and isinstance(node, Fixed) and any(node.contains(value) for value in values)


def _fixed_matches(space: SearchSpace, path: str, values: tuple[Any, ...]) -> bool:
    recipe = space.base_recipe()
    knob, *rest = path.split(".")
    method = getattr(recipe, knob)
    if not rest:
        return method.method in values
    found = method.to_dict().get(rest[-1])
    return stored_choice(found) in [stored_choice(value) for value in values]


def _needs(
    space: SearchSpace, knobs: Sequence[KnobAtoms], capabilities: Sequence[Capabilities]
) -> dict[tuple[int, int], Mask]:
    place = {knob.knob: position for position, knob in enumerate(knobs)}
    if "model" not in place or not capabilities:
        return {}
    at = place["model"]
    models = [_method(space, "model", atom) for atom in knobs[at].atoms]
    found = {}
    for position, knob in enumerate(knobs):
        methods = [_method(space, knob.knob, atom) for atom in knob.atoms]
        if position == at:
            continue
        mask = _working(methods, models, capabilities)
        if not mask.all():
            found[(position, at)] = mask
    return found


def _method(space: SearchSpace, knob: str, atom: Params) -> Method:
    return space.decisions[knob].suggest(GivenTrial(atom), knob)


def _working(methods: Sequence[Method], models: Sequence[Method], capabilities: Sequence[Capabilities]) -> Mask:
    """Return which methods work with which models, ``(n_methods, n_models)``.

    A method that objects to nothing beyond its needs is asked once for each set of needs and abilities.
    """
    needs = [None if _objects(method) else method.required() for method in methods]
    abilities = [model.able() if isinstance(model, Model) else None for model in models]
    known: dict[Any, bool] = {}
    mask = np.ones((len(methods), len(models)), dtype=bool)
    for i, method in enumerate(methods):
        for j, model in enumerate(models):
            own = needs[i]
            key = (i, j) if own is None else (own, abilities[j])
            if key not in known:
                known[key] = _works(method, model, capabilities)
            mask[i, j] = known[key]
    return mask


def _objects(method: Method) -> bool:
    """Return whether a method, or one nested in it, may object beyond what it needs."""
    own = type(method).objections is not Method.objections
    return own or any(_objects(nested) for nested in method.nested().values())


def _works(method: Method, model: Method, capabilities: Sequence[Capabilities]) -> bool:
    return not isinstance(model, Model) or not any(method_problems(method, model, one) for one in capabilities)


def explained_by_coalitions(
    values: Callable[[Sequence[Rows]], Array],
    knobs: Sequence[KnobAtoms],
    allowed: Callable[[Sequence[Rows]], Mask],
    points: int,
    rng: np.random.Generator,
) -> dict[Subset, Array]:
    """Return what each set of knobs explains, Var(E[f | knobs]), by pairs of recipes that agree in it.

    The covariance of f over recipes and partners, drawn given what they share, is that number (pick-freeze; Sobol'
    1993, Janon et al. 2014).

    Parameters
    ----------
    values : functions at recipes given as atoms of each knob, ``(n_recipes, n_draws)``.
    knobs : the encoded knobs.
    allowed : which recipes may be played.
    points : pairs for each set of knobs.
    rng : source of the draws.

    Returns
    -------
    For each set of knobs ``(n_draws,)``.
    """
    everyone = tuple(range(len(knobs)))
    first = draw_playable(knobs, allowed, points, rng)
    sets = [some for size in range(1, len(knobs)) for some in combinations(everyone, size)]
    chances = [_cumulated(knob.weights) for knob in knobs]
    recipes = [first, *(_partners(first, some, chances, allowed, rng) for some in sets)]
    # All in one call: what a drawn function is at an atom is then worked out once.
    base, *partners = np.split(values([np.concatenate(column) for column in zip(*recipes, strict=True)]), len(recipes))
    centre = base.mean(axis=0)
    found: dict[Subset, Array] = {}
    for some, partner in zip(sets, partners, strict=True):
        middle = (centre + partner.mean(axis=0)) / 2
        found[some] = np.maximum(np.mean((base - middle) * (partner - middle), axis=0), 0.0)
    found[everyone] = base.var(axis=0)
    return found


def draw_playable(
    knobs: Sequence[KnobAtoms], allowed: Callable[[Sequence[Rows]], Mask], count: int, rng: np.random.Generator
) -> list[Rows]:
    """Return ``count`` recipes drawn as the space does, as atoms of each knob.

    Raises
    ------
    WorkError
        If nearly every combination is forbidden.
    """
    kept: list[list[Rows]] = [[] for _ in knobs]
    missing = count
    for _ in range(MOST_TRIES):
        drawn = [_drawn(_cumulated(knob.weights), count, rng) for knob in knobs]
        good = np.flatnonzero(allowed(drawn))[:missing]
        for column, some in zip(kept, drawn, strict=True):
            column.append(some[good])
        missing -= len(good)
        if missing == 0:
            return [np.concatenate(column) for column in kept]
    raise WorkError("nearly every combination of the space is forbidden; open fewer of them")


def _partners(
    first: Sequence[Rows],
    some: Subset,
    chances: Sequence[Array],
    allowed: Callable[[Sequence[Rows]], Mask],
    rng: np.random.Generator,
) -> list[Rows]:
    """Return recipes that agree with others in some knobs, and are drawn anew in the rest."""
    result = [column.copy() for column in first]
    waiting = np.arange(len(first[0]))
    for _ in range(MOST_TRIES):
        tried = [first[k][waiting] if k in some else _drawn(chances[k], len(waiting), rng) for k in range(len(chances))]
        good = allowed(tried)
        for column, new in zip(result, tried, strict=True):
            column[waiting[good]] = new[good]
        waiting = waiting[~good]
        if not len(waiting):
            break
    return result


def _cumulated(weights: Array) -> Array:
    whole = np.cumsum(weights)
    return np.asarray(whole / whole[-1])


def _drawn(cumulated: Array, count: int, rng: np.random.Generator) -> Rows:
    """Return what ``rng.choice`` with these weights does, which adds them up anew at each call."""
    return np.asarray(cumulated.searchsorted(rng.random(count), side="right"), dtype=np.intp)
