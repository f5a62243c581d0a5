"""Knobs that depend on each other because some combinations of them are forbidden.

The draws of the space are then those of independent knobs, conditional on the combination being allowed. A set of
knobs explains Var(E[f | knobs]), and the Shapley effects of these numbers sum to 1 whatever the dependence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.analysis.importance.covariance import Indices, Params
from altune.analysis.importance.encoding import KnobAtoms
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
"""Rejected draws before a space counts as almost entirely forbidden."""


@dataclass(frozen=True, eq=False)
class Playable:
    """The combinations of atoms that are allowed.

    Attributes
    ----------
    pairs : for pairs of knobs which of their atoms work together, ``(n_atoms, n_atoms)``.
    rules : forbidden combinations: for each knob of a rule the atoms that it names.
    """

    pairs: dict[tuple[int, int], Mask]
    rules: tuple[dict[int, Mask], ...]

    @property
    def everything(self) -> bool:
        """Whether every combination is allowed."""
        return not self.rules and all(mask.all() for mask in self.pairs.values())

    def __call__(self, atoms: Sequence[Indices]) -> Mask:
        """Return whether each recipe is allowed, ``(n_recipes,)``."""
        allowed = np.ones(len(atoms[0]), dtype=bool)
        for (a, b), mask in self.pairs.items():
            allowed &= mask[atoms[a], atoms[b]]
        for rule in self.rules:
            allowed &= ~np.logical_and.reduce([mask[atoms[k]] for k, mask in rule.items()])
        return allowed


def playable(space: SearchSpace, knobs: Sequence[KnobAtoms], capabilities: Sequence[Capabilities]) -> Playable:
    """Return the allowed combinations: those that no rule of the space forbids and whose methods work with the model.

    Parameters
    ----------
    space : the search space.
    knobs : its encoded knobs.
    capabilities : what each environment offers; if empty, only the rules of the space count.
    """
    rules = [_rule_masks(space, knobs, rule) for rule in space.forbid]
    pairs = _needs(space, knobs, capabilities)
    return Playable(pairs, tuple(rule for rule in rules if rule is not None))


def _rule_masks(
    space: SearchSpace, knobs: Sequence[KnobAtoms], rule: dict[str, tuple[Any, ...]]
) -> dict[int, Mask] | None:
    """Return the atoms that a rule names, None if it can never match."""
    position_of = {knob.knob: position for position, knob in enumerate(knobs)}
    masks: dict[int, Mask] = {}
    for path, values in rule.items():
        knob = path.split(".")[0]
        if knob not in position_of:
            if not _fixed_matches(space, path, values):
                return None
            continue
        position = position_of[knob]
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
    parameter = method.to_dict().get(rest[-1])
    return stored_choice(parameter) in [stored_choice(value) for value in values]


def _needs(
    space: SearchSpace, knobs: Sequence[KnobAtoms], capabilities: Sequence[Capabilities]
) -> dict[tuple[int, int], Mask]:
    model = next((position for position, knob in enumerate(knobs) if knob.knob == "model"), None)
    if model is None or not capabilities:
        return {}
    models = [_method(space, "model", atom) for atom in knobs[model].atoms]
    masks = {}
    for position, knob in enumerate(knobs):
        if position == model:
            continue
        mask = _working([_method(space, knob.knob, atom) for atom in knob.atoms], models, capabilities)
        if not mask.all():
            masks[(position, model)] = mask
    return masks


def _method(space: SearchSpace, knob: str, atom: Params) -> Method:
    return space.decisions[knob].suggest(GivenTrial(atom), knob)


def _working(methods: Sequence[Method], models: Sequence[Method], capabilities: Sequence[Capabilities]) -> Mask:
    """Return which methods work with which models, ``(n_methods, n_models)``.

    The answer depends only on what a method needs and a model offers, unless the method has objections of its own; so
    most of the pairs need no check.
    """
    needs = [None if _objects(method) else method.required() for method in methods]
    abilities = [model.able() if isinstance(model, Model) else None for model in models]
    known: dict[Any, bool] = {}
    mask = np.ones((len(methods), len(models)), dtype=bool)
    for i, method in enumerate(methods):
        for j, model in enumerate(models):
            key = (i, j) if needs[i] is None else (needs[i], abilities[j])
            if key not in known:
                known[key] = _works(method, model, capabilities)
            mask[i, j] = known[key]
    return mask


def _objects(method: Method) -> bool:
    """Return whether a method, or one nested in it, may have objections beyond its needs."""
    overridden = type(method).objections is not Method.objections
    return overridden or any(_objects(nested) for nested in method.nested().values())


def _works(method: Method, model: Method, capabilities: Sequence[Capabilities]) -> bool:
    return not isinstance(model, Model) or not any(method_problems(method, model, offered) for offered in capabilities)


def explained_by_coalitions(
    values: Callable[[Sequence[Indices]], Array],
    knobs: Sequence[KnobAtoms],
    allowed: Callable[[Sequence[Indices]], Mask],
    points: int,
    rng: np.random.Generator,
) -> dict[Subset, Array]:
    """Return what each set of knobs explains, Var(E[f | knobs]), from pairs of recipes that agree in the set.

    Given what they share, the two recipes of a pair are independent, so the covariance of their values is that number
    (pick-freeze; Sobol' 1993, Janon et al. 2014). This needs no conditional mean, and no independence of the knobs.

    Parameters
    ----------
    values : values of functions at recipes given as indices of atoms of each knob, ``(n_recipes, n_draws)``.
    knobs : the encoded knobs.
    allowed : which recipes are allowed.
    points : number of pairs for each set of knobs.
    rng : source of the draws.

    Returns
    -------
    For each set of knobs ``(n_draws,)``.
    """
    every_knob = tuple(range(len(knobs)))
    first = draw_playable(knobs, allowed, points, rng)
    subsets = [subset for size in range(1, len(knobs)) for subset in combinations(every_knob, size)]
    chances = [_cumulated(knob.weights) for knob in knobs]
    recipes = [first, *(_partners(first, subset, chances, allowed, rng) for subset in subsets)]
    # One call for all recipes, so that each drawn function is computed once at each atom.
    base, *partners = np.split(values([np.concatenate(column) for column in zip(*recipes, strict=True)]), len(recipes))
    centre = base.mean(axis=0)
    explained: dict[Subset, Array] = {}
    for subset, partner in zip(subsets, partners, strict=True):
        # Both samples have the same distribution; their common mean makes the estimate more precise (Janon et al.).
        middle = (centre + partner.mean(axis=0)) / 2
        explained[subset] = np.maximum(np.mean((base - middle) * (partner - middle), axis=0), 0.0)
    explained[every_knob] = base.var(axis=0)
    return explained


def draw_playable(
    knobs: Sequence[KnobAtoms], allowed: Callable[[Sequence[Indices]], Mask], count: int, rng: np.random.Generator
) -> list[Indices]:
    """Return ``count`` recipes drawn from the space, as indices of atoms of each knob.

    Raises
    ------
    WorkError
        If nearly all combinations are forbidden.
    """
    kept: list[list[Indices]] = [[] for _ in knobs]
    missing = count
    for _ in range(MOST_TRIES):
        drawn = [_drawn(_cumulated(knob.weights), count, rng) for knob in knobs]
        good = np.flatnonzero(allowed(drawn))[:missing]
        for column, indices in zip(kept, drawn, strict=True):
            column.append(indices[good])
        missing -= len(good)
        if missing == 0:
            return [np.concatenate(column) for column in kept]
    raise WorkError("nearly all combinations of the space are forbidden; open fewer alternatives")


def _partners(
    first: Sequence[Indices],
    shared: Subset,
    chances: Sequence[Array],
    allowed: Callable[[Sequence[Indices]], Mask],
    rng: np.random.Generator,
) -> list[Indices]:
    """Return recipes that share some knobs with ``first``, and are drawn again in the others."""
    result = [column.copy() for column in first]
    waiting = np.arange(len(first[0]))
    for _ in range(MOST_TRIES):
        tried = [
            first[k][waiting] if k in shared else _drawn(chances[k], len(waiting), rng) for k in range(len(chances))
        ]
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


def _drawn(cumulated: Array, count: int, rng: np.random.Generator) -> Indices:
    """Return what ``rng.choice`` with these weights returns, without summing the weights again."""
    return np.asarray(cumulated.searchsorted(rng.random(count), side="right"), dtype=np.intp)
