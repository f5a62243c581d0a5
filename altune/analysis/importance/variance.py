"""Shares of a variance: from components, from what sets of knobs explain, and exactly from all recipes of a space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.analysis.importance.encoding import part_of
from altune.recipes.space.domains import canonical

Array = NDArray[np.float64]
Subset = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Shares:
    """Shares of the variance, each ``(n_knobs,)`` or with further axes for draws.

    Attributes
    ----------
    share : Shapley effect of each knob; the shares sum to 1.
    main : what each knob explains alone (first-order Sobol' index).
    total : what each knob adds to all others (total Sobol' index).
    pairs : what each pair of knobs explains beyond both alone, ``(n_knobs, n_knobs)``, 0 on the diagonal.
    variance : the whole variance.
    """

    share: Array
    main: Array
    total: Array
    pairs: Array
    variance: Array


def shares_of_components(components: Mapping[Subset, Array], n_knobs: int) -> Shares:
    """Return shares from the variances of orthogonal components; an interaction is split evenly among its knobs.

    Source: I. Sobol', *Math. Modelling and Computational Experiments* 1, 1993; A. Owen, *Sobol' indices and Shapley
    value*, SIAM/ASA J. Uncertainty Quantification 2, 2014.

    Parameters
    ----------
    components : variance of the component of each set of knobs, scalars or arrays of draws of one shape.
    n_knobs : number of knobs.
    """
    # The variances of orthogonal components add up, so what a set of knobs explains is the sum over its subsets, and
    # the Shapley effect of a knob is its even part of every component that it is in (Owen 2014, theorem 1).
    shape = np.shape(next(iter(components.values())))
    share, main, total = (np.zeros((n_knobs, *shape)) for _ in range(3))
    pairs = np.zeros((n_knobs, n_knobs, *shape))
    for subset, variance in components.items():
        for k in subset:
            share[k] += np.asarray(variance) / len(subset)
            total[k] += variance
        if len(subset) == 1:
            main[subset[0]] += variance
        elif len(subset) == 2:
            pairs[subset] += variance
            pairs[subset[::-1]] += variance
    whole = share.sum(axis=0)
    safe = np.where(whole > 0, whole, 1.0)
    return Shares(share / safe, main / safe, total / safe, pairs / safe, np.asarray(whole))


def shares_of_coalitions(explained: Mapping[Subset, Array], n_knobs: int) -> Shares:
    """Return shares from what each set of knobs explains, Var(E[f | knobs]); the knobs may be dependent.

    Source: E. Song, B. Nelson, J. Staum, *Shapley effects for global sensitivity analysis*, SIAM/ASA J. Uncertainty
    Quantification 4, 2016.

    Parameters
    ----------
    explained : for every set of knobs, sorted, except the empty one.
    n_knobs : number of knobs.
    """
    knobs = tuple(range(n_knobs))
    whole = np.asarray(explained[knobs], dtype=np.float64)
    worth = {(): np.zeros_like(whole), **explained}
    share = np.zeros((n_knobs, *whole.shape))
    for k in knobs:
        others = [j for j in knobs if j != k]
        # Shapley value: what knob k adds to the knobs before it, averaged over all orders of the knobs.
        for size in range(n_knobs):
            for before in combinations(others, size):
                gain = worth[tuple(sorted((*before, k)))] - worth[before]
                share[k] += gain / (n_knobs * comb(n_knobs - 1, size))
    main = np.stack([np.asarray(worth[(k,)]) for k in knobs])
    total = np.stack([whole - worth[tuple(j for j in knobs if j != k)] for k in knobs])
    pairs = np.zeros((n_knobs, n_knobs, *whole.shape))
    for a, b in combinations(knobs, 2):
        pairs[a, b] = pairs[b, a] = worth[(a, b)] - main[a] - main[b]
    safe = np.where(whole > 0, whole, 1.0)
    return Shares(share / safe, main / safe, total / safe, pairs / safe, whole)


def exact_shares(params: Sequence[Mapping[str, Any]], values: Array, weights: Array, knobs: Sequence[str]) -> Shares:
    """Return the exact shares from the values of all recipes of a finite space.

    Recipes may be missing because they are forbidden, which makes the knobs dependent.

    Parameters
    ----------
    params : Optuna's parameters of each recipe.
    values : the objective, ``(n_recipes,)``.
    weights : probability of each recipe, ``(n_recipes,)``.
    knobs : the open knobs.

    Examples
    --------
    >>> params = [{"model": a, "retrain": b} for a in "xy" for b in "uv"]
    >>> exact_shares(params, np.array([0.0, 1.0, 2.0, 3.0]), np.ones(4), ["model", "retrain"]).share.tolist()
    [0.8, 0.2]
    """
    chance = weights / weights.sum()
    centred = values - chance @ values
    codes = [
        np.unique([canonical(part_of(recipe, knob)) for recipe in params], return_inverse=True)[1] for knob in knobs
    ]
    explained: dict[Subset, Array] = {}
    for size in range(1, len(knobs) + 1):
        for subset in combinations(range(len(knobs)), size):
            # Recipes that agree in these knobs; E[f | knobs] is their mean.
            groups = np.unique(np.stack([codes[k] for k in subset]), axis=1, return_inverse=True)[1].ravel()
            mass = np.bincount(groups, chance)
            sums = np.bincount(groups, chance * centred)
            explained[subset] = np.asarray(np.sum(np.divide(sums**2, mass, out=np.zeros_like(mass), where=mass > 0)))
    return shares_of_coalitions(explained, len(knobs))
