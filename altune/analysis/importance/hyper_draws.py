"""Hyperparameters drawn from their posterior.

A fit gives the likeliest hyperparameters, and few trials leave them open. The draws are a chain of elliptical slice
sampling (Murray, Adams & MacKay, *Elliptical slice sampling*, AISTATS 2010; Nishihara, Murray & Adams, *Parallel MCMC
with generalized elliptical slice sampling*, JMLR 2014) around the fit, on ellipses of the curvature of the posterior
there. The chain has the posterior as its distribution whatever the ellipses are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from altune.analysis.importance.surrogate import (
    Design,
    Hyperparameters,
    Prior,
    log_likelihood,
    negative_log_posterior,
    prior_of,
)

Array = NDArray[np.float64]

STEPS = 4
"""Steps of the chain from one draw to the next."""
STEP = 1e-3
"""Step of the differences that give the curvature."""
LARGEST = 6.0
"""Largest logarithm of a hyperparameter."""
STEEPEST = 1e6
"""Largest curvature, so that the factor can be inverted."""
WIDER = 1.5
"""The ellipses are wider than the curvature by this factor, because the posterior has longer tails than a normal."""


def spread_of(design: Design, y: Array, hyper: Hyperparameters, prior: Prior) -> Array:
    """Return a factor of the covariance of a normal approximation at a fit, ``(n_hyper, n_hyper)``."""
    n = len(hyper.logarithms)
    ends = [
        negative_log_posterior(design, y, replace(hyper, logarithms=hyper.logarithms + step), prior)[1]
        for step in STEP * np.vstack([np.eye(n), -np.eye(n)])
    ]
    curvature = np.array([(up - down) / (2 * STEP) for up, down in zip(ends[:n], ends[n:], strict=True)])
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    # Nowhere wider than the prior, also where the fit ended at a bound.
    flattest = 1 / prior_of(hyper, prior)[1].max() ** 2
    return np.asarray(WIDER * vectors / np.sqrt(np.clip(values, flattest, STEEPEST)))


class Chain:
    """Draws of the hyperparameters, each some steps after the one before.

    Parameters
    ----------
    start : the fitted hyperparameters, where the chain starts and its ellipses have their centre.
    spread : factor of the covariance of the ellipses, ``(n_hyper, n_hyper)``.
    prior : priors of the hyperparameters.
    """

    def __init__(self, start: Hyperparameters, spread: Array, prior: Prior) -> None:
        self._at = start
        self._centre, self._spread, self._narrow = start.logarithms, spread, np.linalg.inv(spread)
        self._mean, self._deviation = prior_of(start, prior)

    def draw(self, design: Design, y: Array, rng: np.random.Generator) -> Hyperparameters:
        """Return the next draw given trials and their values, ``(n_trials, n_columns)``."""

        def density(logarithms: Array) -> float:
            """Return the logarithm of the posterior density over that of the normal approximation."""
            if logarithms.max() > LARGEST:
                return -math.inf
            try:
                fits = log_likelihood(design, y, replace(self._at, logarithms=logarithms))
            except np.linalg.LinAlgError:
                return -math.inf
            standard = (logarithms - self._mean) / self._deviation
            local = self._narrow @ (logarithms - self._centre)
            return fits - 0.5 * float(standard @ standard) + 0.5 * float(local @ local)

        logarithms = self._at.logarithms
        for _ in range(STEPS):
            logarithms = _step(density, logarithms, self._centre, self._spread, rng)
        self._at = replace(self._at, logarithms=logarithms)
        return self._at


def _step(
    density: Callable[[Array], float], at: Array, centre: Array, spread: Array, rng: np.random.Generator
) -> Array:
    level = density(at) + math.log(rng.random())
    other = spread @ rng.normal(size=len(at))
    angle = rng.uniform(0.0, 2 * math.pi)
    low, high = angle - 2 * math.pi, angle
    while True:
        proposed = centre + (at - centre) * math.cos(angle) + other * math.sin(angle)
        if density(proposed) > level:
            return np.asarray(proposed)
        low, high = (angle, high) if angle < 0 else (low, angle)
        angle = rng.uniform(low, high)
