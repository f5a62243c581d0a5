"""Shares of a variance: from the components of a functional analysis of variance, and exactly from a full grid."""

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
    share : Shapley effect of each knob; they sum to 1.
    main : what each knob explains alone (first-order Sobol index).
    total : what is lost without it (total Sobol index; under dependence, what it adds to all others).
    pairs : what each pair of knobs explains beyond both alone, ``(n_knobs, n_knobs)``, 0 on the diagonal.
    variance : the variance itself.
    """

    share: Array
    main: Array
    total: Array
    pairs: Array
    variance: Array


def shares_of_components(components: Mapping[Subset, Array], n_knobs: int) -> Shares:
    """Return shares from the variances of orthogonal components, an interaction split evenly among its knobs.

    Source: I. Sobol', *Math. Modelling and Computational Experiments* 1, 1993; A. Owen, *Sobol' indices and Shapley
    value*, SIAM/ASA J. Uncertainty Quantification 2, 2014.

    Parameters
    ----------
    components : variance of the component of each set of knobs, scalars or arrays of draws of one shape.
    n_knobs : number of knobs.
    """
    shape = np.shape(next(iter(components.values())))
    share, main, total = (np.zeros((n_knobs, *shape)) for _ in range(3))
    pairs = np.zeros((n_knobs, n_knobs, *shape))
    for some, variance in components.items():
        for k in some:
            share[k] += np.asarray(variance) / len(some)
            total[k] += variance
        if len(some) == 1:
            main[some[0]] += variance
        elif len(some) == 2:
            pairs[some] += variance
            pairs[some[::-1]] += variance
    whole = share.sum(axis=0)
    safe = np.where(whole > 0, whole, 1.0)
    return Shares(share / safe, main / safe, total / safe, pairs / safe, np.asarray(whole))


def shares_of_coalitions(explained: Mapping[Subset, Array], n_knobs: int) -> Shares:
    """Return shares from what each set of knobs explains, Var(E[f | knobs]); right for dependent knobs too.

    Source: E. Song, B. Nelson, J. Staum, *Shapley effects for global sensitivity analysis*, SIAM/ASA J. Uncertainty
    Quantification 4, 2016.

    Parameters
    ----------
    explained : for every set of knobs, sorted, the empty one aside.
    n_knobs : number of knobs.
    """
    everyone = tuple(range(n_knobs))
    whole = np.asarray(explained[everyone], dtype=np.float64)
    worth = {(): np.zeros_like(whole), **explained}
    share = np.zeros((n_knobs, *whole.shape))
    for k in everyone:
        others = [j for j in everyone if j != k]
        for size in range(n_knobs):
            for some in combinations(others, size):
                gain = worth[tuple(sorted((*some, k)))] - worth[some]
                share[k] += gain / (n_knobs * comb(n_knobs - 1, size))
    main = np.stack([np.asarray(worth[(k,)]) for k in everyone])
    total = np.stack([whole - worth[tuple(j for j in everyone if j != k)] for k in everyone])
    pairs = np.zeros((n_knobs, n_knobs, *whole.shape))
    for a, b in combinations(everyone, 2):
        pairs[a, b] = pairs[b, a] = worth[(a, b)] - main[a] - main[b]
    safe = np.where(whole > 0, whole, 1.0)
    return Shares(share / safe, main / safe, total / safe, pairs / safe, whole)


def exact_shares(params: Sequence[Mapping[str, Any]], values: Array, weights: Array, knobs: Sequence[str]) -> Shares:
    """Return the shares of every recipe of a finite space, exactly.

    Recipes that are missing (forbidden ones) make the knobs dependent; what a set of knobs explains is then the
    variance of the weighted mean over the recipes that agree in it.

    Parameters
    ----------
    params : Optuna's parameters of each recipe.
    values : the objective, ``(n_recipes,)``.
    weights : chance of each recipe, ``(n_recipes,)``.
    knobs : the open knobs.

    Examples
    --------
    >>> params = [{"model": a, "retrain": b} for a in "xy" for b in "uv"]
    >>> exact_shares(params, np.array([0.0, 1.0, 2.0, 3.0]), np.ones(4), ["model", "retrain"]).share.tolist()
    [0.8, 0.2]
    """
    chance = weights / weights.sum()
    centred = values - chance @ values
    codes = [np.unique([canonical(part_of(one, knob)) for one in params], return_inverse=True)[1] for knob in knobs]
    explained: dict[Subset, Array] = {}
    for size in range(1, len(knobs) + 1):
        for some in combinations(range(len(knobs)), size):
            cells = np.unique(np.stack([codes[k] for k in some]), axis=1, return_inverse=True)[1].ravel()
            mass = np.bincount(cells, chance)
            sums = np.bincount(cells, chance * centred)
            explained[some] = np.asarray(np.sum(np.divide(sums**2, mass, out=np.zeros_like(mass), where=mass > 0)))
    return shares_of_coalitions(explained, len(knobs))
