"""Normal posteriors of recipes that are played on the same blocks, and which recipe is clearly behind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from altune.core.types import Array

DROP = 0.2
"""A recipe that is the best with a smaller probability, in a comparison with the leader alone, is clearly behind."""
SMALLEST = 1e-300


def posterior(prior_mean: Array, prior_variance: Array, noise: float, values: Array) -> tuple[Array, Array]:
    """Return the posterior mean and variance of recipes after some blocks, ``(n_recipes,)`` each.

    Blocks that are easy or hard are so for all recipes alike: the mean over the recipes is taken from the prior, and
    the values say only how far each recipe is from it.

    Parameters
    ----------
    prior_mean, prior_variance : normal prior of the value of each recipe, ``(n_recipes,)``.
    noise : variance of the value of a recipe on one block.
    values : value of each recipe on each block, ``(n_recipes, n_blocks)``.

    Examples
    --------
    >>> mean, variance = posterior(np.array([1.0, 0.0]), np.ones(2), 1.0, np.array([[5.0], [7.0]]))
    >>> mean.tolist(), variance.tolist()
    ([0.25, 0.75], [0.5, 0.5])
    """
    means = values.mean(axis=1)
    adjusted = means - means.mean() + prior_mean.mean()
    known, seen = 1 / np.maximum(prior_variance, SMALLEST), values.shape[1] / max(noise, SMALLEST)
    variance = 1 / (known + seen)
    return variance * (prior_mean * known + adjusted * seen), variance


def clearly_behind(mean: Array, variance: Array, drop: float = DROP) -> NDArray[np.bool_]:
    """Return which recipes are better than the one of the highest mean with a probability below ``drop``.

    Parameters
    ----------
    mean, variance : normal posterior of the value of each recipe, ``(n_recipes,)``.
    drop : probability, in [0, 0.5).

    Examples
    --------
    >>> clearly_behind(np.array([0.0, 1.0, 3.0]), np.full(3, 3.0)).tolist()
    [True, False, False]
    """
    leader = int(np.argmax(mean))
    spread = np.sqrt(np.maximum(variance + variance[leader], SMALLEST))
    behind: NDArray[np.bool_] = stats.norm.cdf((mean - mean[leader]) / spread) < drop
    return behind
