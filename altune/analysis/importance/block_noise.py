"""The noise of the means of few blocks.

What is good on one block is not as good on another, and recipes that have much in common share these deviations. So
the mean over J blocks is the value of a recipe plus noise that is as structured as the values are. Its covariance is
that of the deviations on each block, J of them without their mean, divided by J. It is estimated by the same surrogate,
to which the deviations are J − 1 draws of one process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import helmert

from altune.analysis.importance.encoding import KnobAtoms
from altune.analysis.importance.observations import Observed
from altune.analysis.importance.surrogate import (
    Design,
    Hyperparameters,
    Prior,
    covariance_of_trials,
    design_of,
    fit,
)

Array = NDArray[np.float64]

FEWEST = 3
"""Fewest contrasts between blocks from which the noise is estimated."""
SMALLEST = 1e-12
"""Smaller deviations, in variances of the observed values, are rounding."""


@dataclass(frozen=True, eq=False)
class BlockNoise:
    """The deviations of a search on its blocks, with the surrogate fitted to them.

    Attributes
    ----------
    design : all trials.
    several : the trials on several blocks.
    contrasts : their orthonormal contrasts between blocks, ``(n_several, n_blocks - 1)``, with mean square 1; NaN where
        a trial was not played on the blocks, or no other one was.
    y : standardised mean of each trial over its blocks, ``(n_trials,)``.
    values : standardised value of each trial on each block, corrected for the block, ``(n_trials, n_blocks)``.
    counts : number of blocks of each trial, ``(n_trials,)``; the first ones.
    hyper : the fitted hyperparameters.
    scale : mean square of the contrasts in variances of the observed values.
    """

    design: Design
    several: Design
    contrasts: Array
    y: Array
    values: Array
    counts: NDArray[np.intp]
    hyper: Hyperparameters
    scale: float

    @property
    def freedom(self) -> float:
        """Number of contrasts of a trial, on average over the trials that have the first."""
        known = np.isfinite(self.contrasts)
        return float(known.sum() / known.any(axis=1).sum())

    def means(self, hyper: Hyperparameters) -> tuple[Array, Array]:
        """Return the standardised value of each trial over its blocks, ``(n_trials,)``, and its noise's covariance."""
        per_block = self.scale * (covariance_of_trials(self.design, hyper) + self.design.noise_covariance(hyper))
        n_blocks = self.values.shape[1]
        if (self.counts == n_blocks).all():
            return self.y, per_block / n_blocks
        return generalised_means(self.values, self.counts, per_block)


def generalised_means(values: Array, counts: NDArray[np.intp], per_block: Array) -> tuple[Array, Array]:
    """Return the means of trials over their blocks by generalised least squares, and the covariance of their noise.

    The effect of each block is a free number; they are 0 on average. If two trials are alike, and one was played on
    more blocks, its deviation on their common blocks tells of that of the other.

    Parameters
    ----------
    values : value of each trial on each block, ``(n_trials, n_blocks)``.
    counts : number of blocks of each trial, the first ones, ``(n_trials,)``.
    per_block : covariance of the noise on one block, ``(n_trials, n_trials)``.
    """
    precision, projected = np.zeros_like(per_block), np.zeros(len(values))
    together, total, level = np.zeros(len(values)), 0.0, 0.0
    for block in range(values.shape[1]):
        rows = np.flatnonzero(counts > block)
        inverse = np.linalg.inv(per_block[np.ix_(rows, rows)])
        sums = inverse.sum(axis=0)
        mass, weighted = float(sums.sum()), float(sums @ values[rows, block])
        precision[np.ix_(rows, rows)] += inverse - np.outer(sums, sums) / mass
        projected[rows] += inverse @ values[rows, block] - sums * (weighted / mass)
        together[rows] += sums
        total, level = total + mass, level + weighted
    covariance = np.linalg.inv(precision + np.outer(together, together) / total)
    covariance = (covariance + covariance.T) / 2
    return covariance @ (projected + together * (level / total)), covariance


def block_noise(observed: Observed, knobs: Sequence[KnobAtoms], y: Array, scale: float) -> BlockNoise | None:
    """Fit the surrogate to the deviations on each block; None if they are not known, or all are 0.

    Parameters
    ----------
    observed : the recipes.
    knobs : their encoded knobs.
    y : their standardised values, ``(n_trials,)``.
    scale : standard deviation of the observed values.
    """
    several = np.flatnonzero(observed.counts > 1)
    if not len(several):
        return None
    # A contrast is between a block and those before it, so that it is known for whoever was played on the block.
    contrasts = observed.deviations[several] @ helmert(observed.n_blocks).T / scale
    contrasts[np.arange(1, observed.n_blocks) >= observed.counts[several, None]] = np.nan
    # The effect of a block hides that of its only recipe.
    contrasts[:, np.isfinite(contrasts).sum(axis=0) < 2] = np.nan
    known = np.isfinite(contrasts)
    size = float(np.mean(contrasts[known] ** 2)) if known.sum() >= FEWEST else 0.0
    if size <= SMALLEST:
        return None
    design = design_of(knobs, np.ones(len(observed)))
    contrasts = contrasts[:, known.any(axis=0)] / np.sqrt(size)
    hyper = fit(design.at(several), contrasts, Prior())
    values = y[:, None] + observed.deviations / scale
    return BlockNoise(design, design.at(several), contrasts, y, values, observed.counts, hyper, size)
