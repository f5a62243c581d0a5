"""A Gaussian process whose covariance is a functional analysis of variance over knobs.

The covariance of two recipes is ``Σ_d τ_d e_d(C_1, …, C_K)``: ``C_k`` is the covariance of knob k, of mean 0 under the
space's own draws, and ``e_d`` the sum of the products of every d of them (Durrande et al., *ANOVA kernels and RKHS of
zero mean functions for model-based sensitivity analysis*, J. Multivariate Analysis 2013; Duvenaud et al., *Additive
Gaussian processes*, NeurIPS 2011). So every draw of the function falls into main effects and interactions exactly, and
these are orthogonal under the space's draws wherever the trials were made: a search that stayed in good regions biases
nothing, and leaves wide intervals where it never was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky
from scipy.optimize import minimize

from altune.analysis.importance.encoding import KnobAtoms, Rows

Array = NDArray[np.float64]

MOST_ORDER = 3
MEAN_VARIANCE = 10.0
"""Prior variance of the mean, in variances of the observed values."""
JITTER = 1e-8


@dataclass(frozen=True, eq=False)
class Prior:
    """Normal priors of the logarithms of the hyperparameters: means and standard deviations."""

    part: tuple[float, float] = (math.log(0.1), 2.0)
    order: tuple[float, float] = (0.0, 1.0)
    noise: tuple[float, float] = (math.log(0.1), 1.5)


@dataclass(frozen=True, eq=False)
class Design:
    """Trials as the surrogate sees them.

    Attributes
    ----------
    covariances : for each knob those of its parts between trials, ``(n_parts, n_trials, n_trials)``.
    noise : relative variance of each trial's noise, ``(n_trials,)``: 1 for a trial on all blocks.
    """

    covariances: tuple[Array, ...]
    noise: Array

    @property
    def n_hyperparameters(self) -> int:
        """Number of parts, of orders above 1, and the noise."""
        return sum(len(C) for C in self.covariances) + max(0, self.order - 1) + 1

    @property
    def order(self) -> int:
        """Most knobs that interact."""
        return min(MOST_ORDER, len(self.covariances))

    def at(self, rows: Rows, noise: Array | None = None) -> Design:
        """Return the design of some trials."""
        place = np.ix_(rows, rows)
        kept = tuple(np.stack([part[place] for part in C]) for C in self.covariances)
        return Design(kept, self.noise[rows] if noise is None else noise)


@dataclass(frozen=True, eq=False)
class Hyperparameters:
    """Variances: of each part of each knob, of each order relative to the product of its knobs, and of the noise.

    In variances of the observed values, as logarithms in one vector.
    """

    logarithms: Array
    sizes: tuple[int, ...]
    order: int

    @classmethod
    def start(cls, design: Design, prior: Prior) -> Hyperparameters:
        """Return where a fit begins."""
        sizes = tuple(len(C) for C in design.covariances)
        return cls(_prior_mean(sizes, design.order, prior), sizes, design.order)

    def parts(self) -> list[Array]:
        """Return the variances of each knob's parts."""
        ends = np.cumsum(self.sizes)
        return np.split(np.exp(self.logarithms[: ends[-1]]), ends[:-1])

    def orders(self) -> Array:
        """Return τ_1 = 1, τ_2, …."""
        count = sum(self.sizes)
        return np.concatenate([[1.0], np.exp(self.logarithms[count : count + self.order - 1])])

    @property
    def noise(self) -> float:
        """Variance of a trial's noise."""
        return float(np.exp(self.logarithms[-1]))


def design_of(knobs: Sequence[KnobAtoms], noise: Array) -> Design:
    """Return the design of the trials that the knobs were encoded with."""
    covariances = []
    for knob in knobs:
        features = [part.features[knob.rows] for part in knob.parts]
        covariances.append(np.stack([one @ one.T for one in features]))
    return Design(tuple(covariances), noise)


def _prior_mean(sizes: Sequence[int], order: int, prior: Prior) -> Array:
    return np.array([prior.part[0]] * sum(sizes) + [prior.order[0]] * (order - 1) + [prior.noise[0]])


def _prior_spread(sizes: Sequence[int], order: int, prior: Prior) -> Array:
    return np.array([prior.part[1]] * sum(sizes) + [prior.order[1]] * (order - 1) + [prior.noise[1]])


def fit(
    design: Design, y: Array, prior: Prior, start: Hyperparameters | None = None, iterations: int = 60
) -> Hyperparameters:
    """Return the hyperparameters of largest posterior density.

    Parameters
    ----------
    design : the trials.
    y : standardised values, ``(n_trials,)``.
    prior : what is thought of them before.
    start : where to begin; the prior's centre by default.
    iterations : most steps of L-BFGS.
    """
    begin = start if start is not None else Hyperparameters.start(design, prior)
    mean, spread = (part(begin.sizes, begin.order, prior) for part in (_prior_mean, _prior_spread))

    def loss(logarithms: Array) -> tuple[float, Array]:
        value, slope = negative_log_likelihood(design, y, replace(begin, logarithms=logarithms))
        distance = (logarithms - mean) / spread
        return value + 0.5 * float(distance @ distance), slope + distance / spread

    bounds = [(-12.0, 6.0)] * (len(begin.logarithms) - 1) + [(-9.0, 3.0)]
    found = minimize(
        loss, begin.logarithms, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": iterations}
    )
    return replace(begin, logarithms=np.asarray(found.x))


def negative_log_likelihood(design: Design, y: Array, hyper: Hyperparameters) -> tuple[float, Array]:
    """Return −log p(y) and its slope by the logarithms of the hyperparameters."""
    parts, taus = hyper.parts(), hyper.orders()
    C = [np.tensordot(theta, covariance, 1) for theta, covariance in zip(parts, design.covariances, strict=True)]
    e = elementary(C, hyper.order)
    K = sum(tau * e[d + 1] for d, tau in enumerate(taus)) + MEAN_VARIANCE + np.diag(hyper.noise * design.noise + JITTER)
    L = cholesky(K, lower=True, check_finite=False)
    inverse = cho_solve((L, True), np.eye(len(y)), check_finite=False)
    alpha = inverse @ y
    value = 0.5 * float(y @ alpha) + float(np.log(np.diag(L)).sum())
    W = 0.5 * (inverse - np.outer(alpha, alpha))
    slope = []
    for theta, covariance, own in zip(parts, design.covariances, C, strict=True):
        without = W * _slope_by_knob(own, e, taus)
        slope += [float(t) * float(np.vdot(without, one)) for t, one in zip(theta, covariance, strict=True)]
    slope += [float(tau) * float(np.vdot(W, e[d + 2])) for d, tau in enumerate(taus[1:])]
    slope.append(hyper.noise * float(np.diag(W) @ design.noise))
    return value, np.array(slope)


def elementary(C: Sequence[Array], order: int) -> list[Array]:
    """Return the elementary symmetric polynomials e_0, …, e_order of arrays, element by element."""
    e = [np.ones_like(C[0])] + [np.zeros_like(C[0]) for _ in range(order)]
    for one in C:
        for d in range(order, 0, -1):
            e[d] = e[d] + one * e[d - 1]
    return e


def _slope_by_knob(own: Array, e: Sequence[Array], taus: Array) -> Array:
    """Return Σ_d τ_d e_{d−1}(all knobs but this one)."""
    without = np.ones_like(own)
    total = taus[0] * without
    for d, tau in enumerate(taus[1:], start=1):
        without = e[d] - own * without
        total = total + tau * without
    return np.asarray(total)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A surrogate at fixed hyperparameters, ready to predict and to be drawn from.

    Attributes
    ----------
    knobs : the encoded knobs.
    features : for each knob the features of its atoms, ``(n_atoms, rank)``, hyperparameters in.
    hyper : the hyperparameters.
    noise : relative variance of each trial's noise.
    factor : Cholesky factor of the trials' covariance.
    """

    knobs: tuple[KnobAtoms, ...]
    features: tuple[Array, ...]
    hyper: Hyperparameters
    noise: Array
    factor: Array

    def solve(self, y: Array) -> Array:
        """Return K⁻¹ y for ``(n_trials,)`` or ``(n_trials, n_draws)`` values."""
        return np.asarray(cho_solve((self.factor, True), y, check_finite=False))

    def covariance(self, atoms: Sequence[Rows]) -> Array:
        """Return the covariance of recipes, given as atoms of the first knobs, with the trials; without the mean's.

        Knobs that are not given are averaged over.
        """
        C = [own[at] @ own[knob.rows].T for own, at, knob in zip(self.features, atoms, self.knobs, strict=False)]
        return _summed(C, self.hyper)


def _summed(C: Sequence[Array], hyper: Hyperparameters) -> Array:
    """Return Σ_d τ_d e_d of the knobs' covariances."""
    e = elementary(C, min(hyper.order, len(C)))
    return np.asarray(sum(tau * one for tau, one in zip(hyper.orders(), e[1:], strict=False)))


def predict(design: Design, hyper: Hyperparameters, y: Array, known: Rows, asked: Rows) -> Array:
    """Return what is expected at some trials given the values of others, ``(n_asked,)``."""
    C = [
        np.tensordot(theta, covariance, 1) for theta, covariance in zip(hyper.parts(), design.covariances, strict=True)
    ]
    K = _summed(C, hyper) + MEAN_VARIANCE
    noisy = K[np.ix_(known, known)] + np.diag(hyper.noise * design.noise[known] + JITTER)
    factor = cholesky(noisy, lower=True, check_finite=False)
    return np.asarray(K[np.ix_(asked, known)] @ cho_solve((factor, True), y[known], check_finite=False))


def fitted(knobs: Sequence[KnobAtoms], noise: Array, hyper: Hyperparameters) -> Fitted:
    """Return the surrogate with some hyperparameters."""
    features = tuple(
        np.hstack([math.sqrt(t) * part.features for t, part in zip(theta, knob.parts, strict=True)])
        for theta, knob in zip(hyper.parts(), knobs, strict=True)
    )
    C = [(f := own[knob.rows]) @ f.T for own, knob in zip(features, knobs, strict=True)]
    K = _summed(C, hyper) + MEAN_VARIANCE + np.diag(hyper.noise * noise + JITTER)
    factor = cholesky(K, lower=True, check_finite=False)
    return Fitted(tuple(knobs), features, hyper, noise, factor)
