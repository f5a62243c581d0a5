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

STEPS = 6
"""Steps of the chain from one draw to the next."""
STEP = 1e-3
"""Step of the differences that give the curvature."""
LARGEST = 6.0
"""Largest logarithm of a hyperparameter."""
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
    # Nowhere wider than the prior, and finite where the fit ended at a bound.
    flattest = 1 / prior_of(hyper, prior)[1].max() ** 2
    return np.asarray(WIDER * vectors / np.sqrt(np.maximum(values, flattest)))


def next_draw(
    design: Design,
    y: Array,
    state: Hyperparameters,
    centre: Array,
    spread: Array,
    prior: Prior,
    rng: np.random.Generator,
) -> Hyperparameters:
    """Return a draw from the posterior, some steps of the chain after ``state``.

    Parameters
    ----------
    design : the trials.
    y : their values, ``(n_trials, n_columns)``.
    state : the draw before.
    centre : the fitted logarithms, ``(n_hyper,)``.
    spread : factor of the covariance of the ellipses, ``(n_hyper, n_hyper)``.
    prior : priors of the hyperparameters.
    rng : source of the draws.
    """
    mean, deviation = prior_of(state, prior)
    narrow = np.linalg.inv(spread)

    def density(logarithms: Array) -> float:
        """Return the logarithm of the posterior density over that of the normal approximation."""
        if logarithms.max() > LARGEST:
            return -math.inf
        try:
            fits = log_likelihood(design, y, replace(state, logarithms=logarithms))
        except np.linalg.LinAlgError:
            return -math.inf
        standard, local = (logarithms - mean) / deviation, narrow @ (logarithms - centre)
        return fits - 0.5 * float(standard @ standard) + 0.5 * float(local @ local)

    logarithms = state.logarithms
    for _ in range(STEPS):
        logarithms = _step(density, logarithms, centre, spread, rng)
    return replace(state, logarithms=logarithms)


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
