"""Functions drawn from the posterior of the surrogate, as sums of main effects and interactions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky

from altune.analysis.importance.covariance import Indices
from altune.analysis.importance.surrogate import MEAN_VARIANCE, Fitted
from altune.analysis.importance.variance import Subset

Array = NDArray[np.float64]

PROCESSES = 12
"""Number of products of processes whose sum approximates a normal interaction."""
AT_ONCE = 512
DRAWS_AT_ONCE = 16
"""Recipes and draws of one step of the computation, which then fits into the processor's cache."""


@dataclass(frozen=True, eq=False)
class FunctionDraws:
    """Functions drawn from the posterior of the surrogate, component by component.

    The component of a set A of knobs is ``τ^½ S^-½ Σ_s Π_{k in A} g_ks + τ Π_{k in A} C_k(·, trials) a``: a draw from
    the prior, corrected to agree with the values of the trials (Matheron's rule). A product of independent processes
    has the product of their covariances, and the scaled sum of S such products is nearly normal; the main effect of a
    knob is exactly normal.

    Attributes
    ----------
    surrogate : the fitted surrogate.
    seeds : for each set of knobs the standard normal draws of each of its knobs, ``(n_draws, S, rank)``.
    coefficients : ``a``, ``(n_trials, n_draws)``.
    means : mean of each function under the draws of the space, ``(n_draws,)``.
    """

    surrogate: Fitted
    seeds: dict[Subset, list[Array]]
    coefficients: Array
    means: Array

    def component_variances(self) -> dict[Subset, Array]:
        """Return the variance of each component under the draws of the space, ``(n_draws,)`` for each set of knobs."""
        surrogate, a = self.surrogate, self.coefficients
        at_trials = [F[knob.rows] for F, knob in zip(surrogate.features, surrogate.knobs, strict=True)]
        # A knob's part of a component is F @ u for some vector u, and knobs are drawn independently. So the mean of a
        # product of two components over all recipes is a product over the knobs of u' M v with M = F' diag(weights) F:
        # exact, without a single draw of a recipe. Components have mean 0, so this is their variance.
        moments = [
            F.T @ (knob.weights[:, None] * F) for F, knob in zip(surrogate.features, surrogate.knobs, strict=True)
        ]
        squares = [F @ M @ F.T for F, M in zip(at_trials, moments, strict=True)]
        variances = {}
        for subset, seeds in self.seeds.items():
            tau = surrogate.hyper.orders()[len(subset) - 1]
            prior, cross, square = (np.ones(()) for _ in range(3))
            for k, z in zip(subset, seeds, strict=True):
                zM = z @ moments[k]
                prior = prior * (zM @ z.transpose(0, 2, 1))
                cross = cross * (zM @ at_trials[k].T)
                square = square * squares[k]
            processes = seeds[0].shape[1]
            mixed = np.einsum("rsn,nr->r", cross, a) * math.sqrt(tau / processes) * tau
            variances[subset] = (
                tau * np.sum(prior, axis=(1, 2)) / processes
                + 2 * mixed
                + tau**2 * np.einsum("nr,nm,mr->r", a, square, a, optimize=True)
            )
        return variances

    def main_effect(self, k: int) -> Array:
        """Return the main effect of a knob at each of its atoms, ``(n_atoms, n_draws)``."""
        F, knob = self.surrogate.features[k], self.surrogate.knobs[k]
        (z,) = self.seeds[(k,)]
        drawn = F @ z.sum(axis=1).T / math.sqrt(z.shape[1])
        return np.asarray(drawn + F @ (F[knob.rows].T @ self.coefficients))

    def pair_effect(self, a: int, b: int, weights_a: Array, weights_b: Array) -> Array:
        """Return the interaction of two knobs averaged over some of their atoms, ``(n_a, n_b, n_draws)``.

        Parameters
        ----------
        a, b : positions of the knobs.
        weights_a, weights_b : weights of the atoms of each knob, ``(n_a, n_atoms)`` and ``(n_b, n_atoms)``.
        """
        pair = (min(a, b), max(a, b))
        seeds = dict(zip(pair, self.seeds[pair], strict=True))
        features = self.surrogate.features
        averaged = {a: weights_a @ features[a], b: weights_b @ features[b]}
        tau = self.surrogate.hyper.orders()[1]
        drawn = [np.einsum("nq,rsq->nrs", averaged[k], seeds[k], optimize=True) for k in (a, b)]
        prior = np.einsum("nrs,mrs->nmr", *drawn, optimize=True) * np.sqrt(tau / seeds[a].shape[1])
        at_trials = [averaged[k] @ features[k][self.surrogate.knobs[k].rows].T for k in (a, b)]
        correction = np.einsum("ni,mi,ir->nmr", *at_trials, self.coefficients, optimize=True)
        return np.asarray(prior + tau * correction)

    def values(self, atoms: Sequence[Indices], n_knobs: int | None = None) -> Array:
        """Return the values of the functions at recipes: ``(n_recipes, n_draws)``.

        Parameters
        ----------
        atoms : indices of the atoms of each recipe, for all knobs or the first ``n_knobs``; means are over the others.
        n_knobs : number of knobs that are given; by default all.
        """
        count = len(self.surrogate.knobs) if n_knobs is None else n_knobs
        orders = self.surrogate.hyper.orders()
        result = self.means[None, :] + self.surrogate.covariance(atoms) @ self.coefficients
        for subset, seeds in self.seeds.items():
            if max(subset) >= count:
                continue
            scale = math.sqrt(orders[len(subset) - 1] / seeds[0].shape[1])
            result += scale * self._products(subset, seeds, atoms)
        return np.asarray(result)

    def _products(self, subset: Subset, seeds: Sequence[Array], atoms: Sequence[Indices]) -> Array:
        """Return Σ_s Π_{k in A} g_ks at recipes, ``(n_recipes, n_draws)``; each g_ks is computed once for each atom."""
        count, processes = seeds[0].shape[:2]
        result = np.empty((len(atoms[0]), count))
        for first in range(0, count, DRAWS_AT_ONCE):
            drawn = slice(first, first + DRAWS_AT_ONCE)
            at_atoms = [
                (self.surrogate.features[k] @ z[drawn].reshape(-1, z.shape[2]).T).astype(np.float32)
                for k, z in zip(subset, seeds, strict=True)
            ]
            # A product with this matrix sums over s; numpy's sum over a short axis takes three times as long.
            summing = np.kron(np.eye(len(seeds[0][drawn])), np.ones((processes, 1))).astype(np.float32)
            for start in range(0, len(result), AT_ONCE):
                recipes = slice(start, start + AT_ONCE)
                product = at_atoms[0].take(atoms[subset[0]][recipes], axis=0)
                for g, k in zip(at_atoms[1:], subset[1:], strict=True):
                    product *= g.take(atoms[k][recipes], axis=0)
                result[recipes, drawn] = product @ summing
        return result


def draw_functions(surrogate: Fitted, y: Array, count: int, rng: np.random.Generator) -> FunctionDraws:
    """Draw functions from the posterior.

    Matheron's rule: draw a function and the noise of the trials from the prior, and add the posterior mean of the
    difference between the values and that draw. The result is an exact draw from the posterior, and one Cholesky
    factor serves all draws.

    Parameters
    ----------
    surrogate : the fitted surrogate.
    y : standardised values of the trials, ``(n_trials, 1)``.
    count : number of functions.
    rng : source of the draws.
    """
    n = len(y)
    orders = surrogate.hyper.orders()
    mean = rng.normal(scale=math.sqrt(MEAN_VARIANCE), size=count)
    at_trials = [F[knob.rows] for F, knob in zip(surrogate.features, surrogate.knobs, strict=True)]
    prior = np.tile(mean, (n, 1))
    seeds: dict[Subset, list[Array]] = {}
    for subset in subsets(len(surrogate.knobs), surrogate.hyper.order):
        processes = 1 if len(subset) == 1 else PROCESSES
        seeds[subset] = [rng.normal(size=(count, processes, at_trials[k].shape[1])) for k in subset]
        drawn: Array = np.ones(())
        for k, z in zip(subset, seeds[subset], strict=True):
            drawn = drawn * (z @ at_trials[k].T)
        prior += (math.sqrt(orders[len(subset) - 1] / processes) * np.sum(drawn, axis=1)).T
    noise = cholesky(surrogate.noise, lower=True, check_finite=False) @ rng.normal(size=(n, count))
    coefficients = surrogate.solve(y - prior - noise)
    return FunctionDraws(surrogate, seeds, coefficients, mean + MEAN_VARIANCE * coefficients.sum(axis=0))


def subsets(n_knobs: int, order: int) -> list[Subset]:
    """Return the sets of 1 to ``order`` knobs."""
    return [subset for size in range(1, order + 1) for subset in combinations(range(n_knobs), size)]
