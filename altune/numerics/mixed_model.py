"""A mixed model of recipes and blocks: what each recipe is worth, where recipes were played on different blocks.

The value of recipe r on block b is the effect of the block, plus that of the recipe, plus noise:
``y[r, b] = beta[b] + u[r] + e[r, b]`` with ``u ~ N(0, ratio * noise)`` and ``e ~ N(0, noise)``. The ratio is chosen by
restricted maximum likelihood on a grid (D. Harville, *Maximum likelihood approaches to variance component estimation
and to related problems*, JASA 72, 1977). Recipes are predicted by their posterior mean, the best linear unbiased one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RATIOS = np.logspace(-2, 2, 13)
"""Ratios between the variance of recipes and that of the noise that are tried."""
USUAL_RATIO = 1.0
"""The ratio where it cannot be estimated: no recipe has two blocks, or fewer than three recipes are known."""
FEWEST_RECIPES = 3
SMALLEST = 1e-300


@dataclass(frozen=True, eq=False)
class MixedModel:
    """A fitted mixed model.

    Attributes
    ----------
    block_effects : effect of each block, ``(n_blocks,)``; NaN for a block on which nothing was played.
    raw : mean of each recipe, adjusted for its blocks, ``(n_recipes,)``.
    mean, variance : posterior mean and variance of the value of each recipe, ``(n_recipes,)``.
    noise : variance of the value of a recipe on one block, beyond the effects of recipe and block.
    ratio : variance between recipes, relative to the noise.
    """

    block_effects: Array
    raw: Array
    mean: Array
    variance: Array
    noise: float
    ratio: float


def fit_mixed_model(values: Array) -> MixedModel:
    """Fit the model to the values of recipes on blocks.

    Parameters
    ----------
    values : value of each recipe on each block, ``(n_recipes, n_blocks)``, NaN where it was not played. Each recipe has
        one value or more.
    """
    played = np.isfinite(values)
    used = played.any(axis=0)
    filled = np.where(played, values, 0.0)[:, used]
    cells = played[:, used].astype(np.float64)
    counts = cells.sum(axis=1)
    degrees = int(counts.sum()) - cells.shape[1]
    known = len(values) >= FEWEST_RECIPES and bool((counts > 1).any()) and degrees > 0
    fits = [_fit(filled, cells, counts, degrees, ratio) for ratio in (RATIOS if known else (USUAL_RATIO,))]
    ratio, beta, noise, _ = max(fits, key=lambda fitted: fitted[3])
    centre = float(beta.mean())
    gain = ((filled - beta) * cells).sum(axis=1) / counts
    shrinking = ratio * counts / (1 + ratio * counts)
    effects = np.full(values.shape[1], np.nan)
    effects[used] = beta
    return MixedModel(
        block_effects=effects,
        raw=centre + gain,
        mean=centre + shrinking * gain,
        variance=ratio * noise / (1 + ratio * counts),
        noise=noise,
        ratio=float(ratio),
    )


def _fit(filled: Array, cells: Array, counts: Array, degrees: int, ratio: float) -> tuple[float, Array, float, float]:
    """Return the ratio, the effects of the blocks, the variance of the noise and the restricted log-likelihood."""
    weights = ratio / (1 + ratio * counts)
    system = np.diag(cells.sum(axis=0)) - cells.T @ (weights[:, None] * cells)
    beta = np.linalg.solve(system, filled.sum(axis=0) - cells.T @ (weights * filled.sum(axis=1)))
    errors = (filled - beta) * cells
    squares = float((errors**2).sum() - (weights * errors.sum(axis=1) ** 2).sum())
    noise = max(squares, SMALLEST) / max(degrees, 1)
    likelihood = -0.5 * (
        degrees * float(np.log(noise)) + float(np.log1p(ratio * counts).sum()) + float(np.linalg.slogdet(system)[1])
    )
    return float(ratio), beta, noise, likelihood
