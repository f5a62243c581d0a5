"""Functions drawn from the surrogate's posterior, with their components."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from altune.analysis.importance.encoding import Rows
from altune.analysis.importance.surrogate import MEAN_VARIANCE, Fitted
from altune.analysis.importance.variance import Subset

Array = NDArray[np.float64]

PROCESSES = 12
"""Products of processes whose mean stands for a normal interaction."""
AT_ONCE = 512
DRAWS_AT_ONCE = 16
"""Recipes and draws that are worked out together: what they need stays in the processor's cache."""


@dataclass(frozen=True, eq=False)
class FunctionDraws:
    """Functions drawn from the surrogate's posterior, component by component.

    The component of a set A of knobs is ``τ^½ S^-½ Σ_s Π_{k in A} g_ks + τ Π_{k in A} C_k(·, trials) a``: a draw of the
    prior, moved by what the trials say (Matheron's rule). A product of independent processes has the covariance of
    their product, and the mean of S of them is close to normal; one knob's own component is normal exactly.

    Attributes
    ----------
    surrogate : what they were drawn from.
    seeds : for each set of knobs the normal draws behind each of its knobs, ``(n_draws, S, rank)``.
    coefficients : ``a``, ``(n_trials, n_draws)``.
    means : mean of each function under the space's draws, ``(n_draws,)``.
    """

    surrogate: Fitted
    seeds: dict[Subset, list[Array]]
    coefficients: Array
    means: Array

    def component_variances(self) -> dict[Subset, Array]:
        """Return the variance of each component under the space's draws, ``(n_draws,)`` for each set of knobs."""
        surrogate, a = self.surrogate, self.coefficients
        at_trials = [own[knob.rows] for own, knob in zip(surrogate.features, surrogate.knobs, strict=True)]
        moments = [
            own.T @ (knob.weights[:, None] * own) for own, knob in zip(surrogate.features, surrogate.knobs, strict=True)
        ]
        squares = [own @ moment @ own.T for own, moment in zip(at_trials, moments, strict=True)]
        found = {}
        for some, seeds in self.seeds.items():
            tau = surrogate.hyper.orders()[len(some) - 1]
            prior, cross, square = (np.ones(()) for _ in range(3))
            for k, z in zip(some, seeds, strict=True):
                turned = z @ moments[k]
                prior = prior * (turned @ z.transpose(0, 2, 1))
                cross = cross * (turned @ at_trials[k].T)
                square = square * squares[k]
            processes = seeds[0].shape[1]
            mixed = np.einsum("rsn,nr->r", cross, a) * math.sqrt(tau / processes) * tau
            found[some] = (
                tau * np.sum(prior, axis=(1, 2)) / processes
                + 2 * mixed
                + tau**2 * np.einsum("nr,nm,mr->r", a, square, a, optimize=True)
            )
        return found

    def main_effect(self, place: int) -> Array:
        """Return one knob's own component at each of its atoms, ``(n_atoms, n_draws)``."""
        own, knob = self.surrogate.features[place], self.surrogate.knobs[place]
        (z,) = self.seeds[(place,)]
        drawn = own @ z.sum(axis=1).T / math.sqrt(z.shape[1])
        return np.asarray(drawn + own @ (own[knob.rows].T @ self.coefficients))

    def pair_effect(self, a: int, b: int, weights_a: Array, weights_b: Array) -> Array:
        """Return the component of two knobs averaged over some of their atoms, ``(n_a, n_b, n_draws)``.

        Parameters
        ----------
        a, b : places of the knobs.
        weights_a, weights_b : weights of each knob's atoms, ``(n_a, n_atoms)`` and ``(n_b, n_atoms)``.
        """
        some = (min(a, b), max(a, b))
        seeds = dict(zip(some, self.seeds[some], strict=True))
        features = self.surrogate.features
        own = {a: weights_a @ features[a], b: weights_b @ features[b]}
        tau = self.surrogate.hyper.orders()[1]
        drawn = [np.einsum("nq,rsq->nrs", own[k], seeds[k], optimize=True) for k in (a, b)]
        prior = np.einsum("nrs,mrs->nmr", *drawn, optimize=True) * np.sqrt(tau / seeds[a].shape[1])
        at_trials = [own[k] @ features[k][self.surrogate.knobs[k].rows].T for k in (a, b)]
        moved = np.einsum("ni,mi,ir->nmr", *at_trials, self.coefficients, optimize=True)
        return np.asarray(prior + tau * moved)

    def means_given(self, y: Array) -> FunctionDraws:
        """Return what the surrogate expects given other values of the trials, ``(n_trials, n_columns)``."""
        count = y.shape[1]
        still = {some: [np.zeros((count, 1, z.shape[2])) for z in seeds] for some, seeds in self.seeds.items()}
        coefficients = self.surrogate.solve(y)
        return FunctionDraws(self.surrogate, still, coefficients, MEAN_VARIANCE * coefficients.sum(axis=0))

    def values(self, atoms: Sequence[Rows], n_knobs: int | None = None) -> Array:
        """Return the functions at recipes: ``(n_recipes, n_draws)``.

        Parameters
        ----------
        atoms : the recipes, as atoms of each knob, or of the first ``n_knobs``; the others are averaged over.
        n_knobs : how many knobs are given, all by default.
        """
        count = len(self.surrogate.knobs) if n_knobs is None else n_knobs
        orders = self.surrogate.hyper.orders()
        result = self.means[None, :] + self.surrogate.covariance(atoms) @ self.coefficients
        for some, seeds in self.seeds.items():
            if max(some) >= count:
                continue
            scale = math.sqrt(orders[len(some) - 1] / seeds[0].shape[1])
            result += scale * self._products(some, seeds, atoms)
        return np.asarray(result)

    def _products(self, some: Subset, seeds: Sequence[Array], atoms: Sequence[Rows]) -> Array:
        """Return Σ_s Π_{k in A} g_ks at recipes, ``(n_recipes, n_draws)``; each g_ks is worked out once an atom."""
        count, processes = seeds[0].shape[:2]
        result = np.empty((len(atoms[0]), count))
        for first in range(0, count, DRAWS_AT_ONCE):
            drawn = slice(first, first + DRAWS_AT_ONCE)
            at_atoms = [
                (self.surrogate.features[k] @ z[drawn].reshape(-1, z.shape[2]).T).astype(np.float32)
                for k, z in zip(some, seeds, strict=True)
            ]
            # A product with this sums over s; numpy's own sum over a short axis takes three times as long.
            summing = np.kron(np.eye(len(seeds[0][drawn])), np.ones((processes, 1))).astype(np.float32)
            for start in range(0, len(result), AT_ONCE):
                here = slice(start, start + AT_ONCE)
                product = at_atoms[0].take(atoms[some[0]][here], axis=0)
                for own, k in zip(at_atoms[1:], some[1:], strict=True):
                    product *= own.take(atoms[k][here], axis=0)
                result[here, drawn] = product @ summing
        return result


def draw_functions(surrogate: Fitted, y: Array, rng: np.random.Generator) -> FunctionDraws:
    """Draw one function from the posterior for each column of ``y``.

    Parameters
    ----------
    surrogate : at fixed hyperparameters.
    y : standardised values of the trials, ``(n_trials, n_draws)``; one column for each function to draw.
    rng : source of the draws.
    """
    n, count = y.shape
    orders = surrogate.hyper.orders()
    mean = rng.normal(scale=math.sqrt(MEAN_VARIANCE), size=count)
    at_trials = [own[knob.rows] for own, knob in zip(surrogate.features, surrogate.knobs, strict=True)]
    prior = np.tile(mean, (n, 1))
    seeds: dict[Subset, list[Array]] = {}
    for some in subsets(len(surrogate.knobs), surrogate.hyper.order):
        processes = 1 if len(some) == 1 else PROCESSES
        seeds[some] = [rng.normal(size=(count, processes, at_trials[k].shape[1])) for k in some]
        drawn: Array = np.ones(())
        for k, z in zip(some, seeds[some], strict=True):
            drawn = drawn * (z @ at_trials[k].T)
        prior += (math.sqrt(orders[len(some) - 1] / processes) * np.sum(drawn, axis=1)).T
    noise = rng.normal(size=(n, count)) * np.sqrt(surrogate.hyper.noise * surrogate.noise)[:, None]
    coefficients = surrogate.solve(y - prior - noise)
    return FunctionDraws(surrogate, seeds, coefficients, mean + MEAN_VARIANCE * coefficients.sum(axis=0))


def subsets(n_knobs: int, order: int) -> list[Subset]:
    """Return the sets of 1 to ``order`` knobs."""
    return [some for d in range(1, order + 1) for some in combinations(range(n_knobs), d)]
