"""Tests of rates of hits: exact for one group of trials, by a bound for the mean rate of several groups."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

Array = NDArray[np.float64]
_STEPS = 60


def mean_rate_p(hits: ArrayLike, trials: ArrayLike, rate: float) -> float:
    """Return the p-value of the hypothesis that the mean rate of independent groups of trials is at most ``rate``.

    For one group it is the probability of as many hits or more at this rate, as in the bound of Clopper and Pearson
    (Biometrika 1934). For several groups it is Chernoff's bound of the probability of as high a mean of the observed
    rates, for the group rates of the given mean that make it largest. Nothing is known of a group without trials, so
    that the hypothesis may have a rate of 0 for it.

    Parameters
    ----------
    hits, trials : ``0 <= hits <= trials`` of each group, ``(n_groups,)``.
    rate : in (0, 1).

    Examples
    --------
    >>> round(mean_rate_p([30], [30], 0.9), 4), round(mean_rate_p([15, 15], [15, 15], 0.9), 4)
    (0.0424, 0.0424)
    >>> round(mean_rate_p([27, 3], [27, 3], 0.9), 4), mean_rate_p([30, 0], [30, 0], 0.6)
    (0.512, 1.0)
    """
    h, n = np.asarray(hits, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    if len(h) == 1:
        return float(stats.binom.sf(h[0] - 1, n[0], rate))
    n_groups, known = len(n), n > 0
    h, n = h[known], n[known]
    total, observed = n_groups * rate, float(np.sum(h / n))
    if observed <= min(total, len(n)) or not len(n):
        return 1.0

    def log_bound(log_tilt: float) -> float:
        """Return Chernoff's bound for one value of its free parameter, at the least favourable rates."""
        x = np.exp(log_tilt) / n
        rates = _least_favourable(x, n, total)
        with np.errstate(divide="ignore"):
            moments = np.logaddexp(np.log1p(-rates), np.log(rates) + x)
        return float(n @ moments - np.exp(log_tilt) * observed)

    widest = np.log(50 * n.max())
    best = optimize.minimize_scalar(log_bound, bounds=(-5.0, widest), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(min(0.0, best.fun, log_bound(widest))))


def _least_favourable(x: Array, n: Array, total: float) -> Array:
    """Return the rates of a given sum that maximise Σ n log(1 + r (eˣ − 1)), ``(n_groups,)``.

    At the maximum all derivatives are the same, except for rates of 0 and 1; their common value is found by bisection.
    """
    with np.errstate(over="ignore"):
        inverse = 1.0 / np.expm1(x)
    low, high = np.log(n.min() * 1e-9), np.log(float(np.max(n / inverse.clip(1e-12))) + 1.0)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(n * np.exp(-middle) - inverse, 0, 1).sum() > total else (low, middle)
    rates: Array = np.clip(n * np.exp(-high) - inverse, 0.0, 1.0)
    return rates


@lru_cache(maxsize=64)
def binomial_levels(trials: int, rate: float) -> Array:
    """Return the p-values that :func:`mean_rate_p` can have for one group, increasing, ``(trials + 1,)``."""
    levels: Array = stats.binom.sf(np.arange(trials, -1, -1) - 1, trials, rate)
    levels.flags.writeable = False
    return levels
