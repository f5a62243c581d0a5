"""A Gaussian process whose covariance is a functional analysis of variance over knobs.

The covariance of two recipes is ``Σ_d τ_d e_d(C_1, …, C_K)``. ``C_k`` is the covariance of knob k, with mean 0 under
the draws of the space, and ``e_d`` is the sum of the products of every d of them (Durrande et al., *ANOVA kernels and
RKHS of zero mean functions for model-based sensitivity analysis*, J. Multivariate Analysis 2013; Duvenaud et al.,
*Additive Gaussian processes*, NeurIPS 2011).

Every function drawn from the process is therefore an exact sum of main effects and interactions, and these are
orthogonal under the draws of the space, whatever trials were played. A search that stayed in good regions does not
bias them; it leaves wide intervals where it played nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

from altune.analysis.importance.covariance import Indices
from altune.analysis.importance.encoding import KnobAtoms

Array = NDArray[np.float64]

MOST_ORDER = 3
"""Interactions are between at most this many knobs."""
MEAN_VARIANCE = 10.0
"""Prior variance of the mean, in variances of the observed values."""
JITTER = 1e-8
"""Added to the diagonal of a covariance, so that it has a Cholesky factor."""


@dataclass(frozen=True, eq=False)
class Prior:
    """Means and standard deviations of the normal priors of the logarithms of the hyperparameters."""

    part: tuple[float, float] = (math.log(0.02), 2.0)
    order: tuple[float, float] = (0.0, 1.0)
    noise: tuple[float, float] = (math.log(0.1), 1.5)


@dataclass(frozen=True, eq=False)
class Design:
    """Trials as the surrogate sees them.

    Attributes
    ----------
    covariances : for each knob the covariances of its parts between trials, ``(n_parts, n_trials, n_trials)``.
    noise : relative variance of each trial's own noise, ``(n_trials,)``; a hyperparameter scales it.
    known : covariance of the noise that is known beforehand, ``(n_trials, n_trials)``.
    """

    covariances: tuple[Array, ...]
    noise: Array
    known: Array

    @property
    def order(self) -> int:
        """Largest number of knobs that interact."""
        return min(MOST_ORDER, len(self.covariances))

    def at(self, rows: Indices) -> Design:
        """Return the design of some trials."""
        both = np.ix_(rows, rows)
        covariances = tuple(np.stack([part[both] for part in C]) for C in self.covariances)
        return Design(covariances, self.noise[rows], self.known[both])

    def noise_covariance(self, hyper: Hyperparameters) -> Array:
        """Return the covariance of all noise, ``(n_trials, n_trials)``."""
        return np.asarray(self.known + np.diag(hyper.noise * self.noise + JITTER))


@dataclass(frozen=True, eq=False)
class Hyperparameters:
    """Variances of each part of each knob, of each order relative to the product of its knobs, and of the noise.

    They are in variances of the observed values. One vector holds their logarithms: the parts of all knobs, the orders
    from 2 on, and the noise.
    """

    logarithms: Array
    sizes: tuple[int, ...]
    order: int

    @classmethod
    def start(cls, design: Design, prior: Prior) -> Hyperparameters:
        """Return the starting point of a fit: the means of the priors."""
        sizes = tuple(len(C) for C in design.covariances)
        unset = cls(np.zeros(sum(sizes) + design.order), sizes, design.order)
        return replace(unset, logarithms=prior_of(unset, prior)[0])

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


def design_of(knobs: Sequence[KnobAtoms], noise: Array, known: Array | None = None) -> Design:
    """Return the design of the trials with which the knobs were encoded."""
    covariances = []
    for knob in knobs:
        features = [part.features[knob.rows] for part in knob.parts]
        covariances.append(np.stack([F @ F.T for F in features]))
    return Design(tuple(covariances), noise, np.zeros((len(noise),) * 2) if known is None else known)


def prior_of(hyper: Hyperparameters, prior: Prior) -> tuple[Array, Array]:
    """Return the prior means and standard deviations of the logarithms of the hyperparameters."""
    kinds = [prior.part] * sum(hyper.sizes) + [prior.order] * (hyper.order - 1) + [prior.noise]
    return np.array([mean for mean, _ in kinds]), np.array([float(spread) for _, spread in kinds])


def fit(
    design: Design, y: Array, prior: Prior, start: Hyperparameters | None = None, iterations: int = 60
) -> Hyperparameters:
    """Return the hyperparameters of largest posterior density.

    Parameters
    ----------
    design : the trials.
    y : standardised values, ``(n_trials, n_columns)``, each column an independent draw of the process; NaN where a
        draw was not observed.
    prior : priors of the hyperparameters.
    start : starting point; by default the means of the priors.
    iterations : largest number of steps of L-BFGS.
    """
    begin = start if start is not None else Hyperparameters.start(design, prior)

    def loss(logarithms: Array) -> tuple[float, Array]:
        return negative_log_posterior(design, y, replace(begin, logarithms=logarithms), prior)

    # The bounds keep the covariance well conditioned.
    bounds = [(-12.0, 6.0)] * (len(begin.logarithms) - 1) + [(-9.0, 3.0)]
    result = minimize(
        loss, begin.logarithms, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": iterations}
    )
    return replace(begin, logarithms=np.asarray(result.x))


def negative_log_posterior(design: Design, y: Array, hyper: Hyperparameters, prior: Prior) -> tuple[float, Array]:
    """Return −log p(hyper | y), but for a constant, and its gradient in the logarithms of the hyperparameters."""
    value, slope = negative_log_likelihood(design, y, hyper)
    mean, spread = prior_of(hyper, prior)
    distance = (hyper.logarithms - mean) / spread
    return value + 0.5 * float(distance @ distance), slope + distance / spread


def negative_log_likelihood(design: Design, y: Array, hyper: Hyperparameters) -> tuple[float, Array]:
    """Return −log p(y) and its gradient in the logarithms of the hyperparameters."""
    C = _knob_covariances(design, hyper)
    e = elementary(C, hyper.order)
    K = _covariance(design, hyper, e)
    value, W = 0.0, np.zeros_like(K)
    for both, columns in _observed_together(y):
        L = cholesky(K[both], lower=True, check_finite=False)
        inverse = cho_solve((L, True), np.eye(len(columns)), check_finite=False)
        alpha = inverse @ columns
        count = columns.shape[1]
        value += 0.5 * float(np.vdot(columns, alpha)) + count * float(np.log(np.diag(L)).sum())
        W[both] += 0.5 * (count * inverse - alpha @ alpha.T)
    # The derivative by a hyperparameter h is the sum of W ∘ ∂K/∂h over all entries. W is computed once, and so is
    # ∂K/∂C_k, which is the same for all parts of knob k.
    slope, taus = [], hyper.orders()
    for theta, covariance, C_k in zip(hyper.parts(), design.covariances, C, strict=True):
        by_knob = W * _slope_by_knob(C_k, e, taus)
        slope += [float(t) * float(np.vdot(by_knob, part)) for t, part in zip(theta, covariance, strict=True)]
    slope += [float(tau) * float(np.vdot(W, e[d + 2])) for d, tau in enumerate(taus[1:])]
    slope.append(hyper.noise * float(np.diag(W) @ design.noise))
    return value, np.array(slope)


def log_likelihood(design: Design, y: Array, hyper: Hyperparameters) -> float:
    """Return log p(y) alone, which takes a fraction of the time of its gradient."""
    K = _covariance(design, hyper, elementary(_knob_covariances(design, hyper), hyper.order))
    value = 0.0
    for both, columns in _observed_together(y):
        L = cholesky(K[both], lower=True, check_finite=False)
        whitened = solve_triangular(L, columns, lower=True, check_finite=False)
        value -= 0.5 * float(np.vdot(whitened, whitened)) + columns.shape[1] * float(np.log(np.diag(L)).sum())
    return value


def _observed_together(y: Array) -> Iterator[tuple[Any, Array]]:
    """Return the columns that were observed at the same trials, with the index of these trials in a covariance."""
    known = np.isfinite(y)
    for pattern in np.unique(known, axis=1).T:
        rows = np.flatnonzero(pattern)
        together = (known == pattern[:, None]).all(axis=0)
        yield np.ix_(rows, rows), y[np.ix_(rows, together)]


def _knob_covariances(design: Design, hyper: Hyperparameters) -> list[Array]:
    # A product with a matrix takes a third of the time of tensordot.
    return [
        (theta @ parts.reshape(len(parts), -1)).reshape(parts.shape[1:])
        for theta, parts in zip(hyper.parts(), design.covariances, strict=True)
    ]


def _covariance(design: Design, hyper: Hyperparameters, e: Sequence[Array]) -> Array:
    # A constant in every entry is the covariance of an unknown mean, so no mean has to be estimated.
    K = sum(tau * e[d + 1] for d, tau in enumerate(hyper.orders())) + MEAN_VARIANCE + design.noise_covariance(hyper)
    return np.asarray(K)


def elementary(C: Sequence[Array], order: int) -> list[Array]:
    """Return the elementary symmetric polynomials e_0, …, e_order of arrays, element by element."""
    e = [np.ones_like(C[0])] + [np.zeros_like(C[0]) for _ in range(order)]
    for C_k in C:
        # Downwards, so that no product has a knob twice.
        for d in range(order, 0, -1):
            e[d] = e[d] + C_k * e[d - 1]
    return e


def _slope_by_knob(C_k: Array, e: Sequence[Array], taus: Array) -> Array:
    """Return ∂K/∂C_k = Σ_d τ_d e_{d−1} of all knobs but k."""
    # The polynomials without knob k follow from those of all knobs: e_d(without k) = e_d − C_k e_{d−1}(without k).
    without = np.ones_like(C_k)
    total = taus[0] * without
    for d, tau in enumerate(taus[1:], start=1):
        without = e[d] - C_k * without
        total = total + tau * without
    return np.asarray(total)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A surrogate with fixed hyperparameters, from which functions are drawn.

    Attributes
    ----------
    knobs : the encoded knobs.
    features : for each knob the features of its atoms, ``(n_atoms, rank)``, scaled by the hyperparameters.
    hyper : the hyperparameters.
    noise : covariance of the trials' noise, ``(n_trials, n_trials)``.
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

    def covariance(self, atoms: Sequence[Indices]) -> Array:
        """Return the covariance of recipes, given as atoms of the first knobs, with the trials; without the mean's.

        Knobs that are not given are averaged over.
        """
        C = [F[indices] @ F[knob.rows].T for F, indices, knob in zip(self.features, atoms, self.knobs, strict=False)]
        return _summed(C, self.hyper)


def _summed(C: Sequence[Array], hyper: Hyperparameters) -> Array:
    """Return Σ_d τ_d e_d of the knobs' covariances."""
    e = elementary(C, min(hyper.order, len(C)))
    return np.asarray(sum(tau * e_d for tau, e_d in zip(hyper.orders(), e[1:], strict=False)))


def covariance_of_trials(design: Design, hyper: Hyperparameters) -> Array:
    """Return the covariance of the trials without noise and without the mean's, ``(n_trials, n_trials)``."""
    return _summed(_knob_covariances(design, hyper), hyper)


def predict(design: Design, hyper: Hyperparameters, y: Array, known: Indices, asked: Indices) -> Array:
    """Return the expected values of the ``asked`` trials given those of the ``known`` ones, on the same blocks."""
    K = covariance_of_trials(design, hyper) + MEAN_VARIANCE + design.noise_covariance(hyper)
    factor = cholesky(K[np.ix_(known, known)], lower=True, check_finite=False)
    return np.asarray(K[np.ix_(asked, known)] @ cho_solve((factor, True), y[known], check_finite=False))


def fitted(knobs: Sequence[KnobAtoms], design: Design, hyper: Hyperparameters) -> Fitted:
    """Return the surrogate of the encoded trials with fixed hyperparameters."""
    features = tuple(
        np.hstack([math.sqrt(t) * part.features for t, part in zip(theta, knob.parts, strict=True)])
        for theta, knob in zip(hyper.parts(), knobs, strict=True)
    )
    noise = design.noise_covariance(hyper)
    K = covariance_of_trials(design, hyper) + MEAN_VARIANCE + noise
    return Fitted(tuple(knobs), features, hyper, noise, np.asarray(cholesky(K, lower=True, check_finite=False)))
