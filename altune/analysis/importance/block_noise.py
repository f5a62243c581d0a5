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
"""Fewest recipes played on every block from which the noise is estimated."""
SMALLEST = 1e-12
"""Smaller deviations, in variances of the observed values, are rounding."""


@dataclass(frozen=True, eq=False)
class BlockNoise:
    """The deviations of a search on its blocks, with the surrogate fitted to them.

    Attributes
    ----------
    design : all trials.
    whole : the trials on every block.
    contrasts : their orthonormal contrasts between blocks, ``(n_whole, n_blocks - 1)``, with mean square 1.
    counts : number of blocks of each trial, ``(n_trials,)``.
    hyper : the fitted hyperparameters.
    scale : mean square of the contrasts in variances of the observed values.
    """

    design: Design
    whole: Design
    contrasts: Array
    counts: Array
    hyper: Hyperparameters
    scale: float

    def covariance(self, hyper: Hyperparameters) -> Array:
        """Return the covariance of the noise of the trials' means, ``(n_trials, n_trials)``."""
        per_block = covariance_of_trials(self.design, hyper) + self.design.noise_covariance(hyper)
        # A recipe that was dropped early was played on the first blocks only. The mean of the one and that of another
        # on n blocks have the blocks of the first in common, and their covariance is that of one block divided by n.
        return np.asarray(self.scale * per_block / np.maximum.outer(self.counts, self.counts))


def block_noise(observed: Observed, knobs: Sequence[KnobAtoms], scale: float) -> BlockNoise | None:
    """Fit the surrogate to the deviations on each block; None if they are not known, or all are 0.

    Parameters
    ----------
    observed : the recipes.
    knobs : their encoded knobs.
    scale : standard deviation of the observed values.
    """
    counts = observed.n_blocks / observed.noise
    whole = np.flatnonzero(counts >= observed.n_blocks)
    if observed.n_blocks < 2 or len(whole) < FEWEST:
        return None
    contrasts = observed.deviations[whole] @ helmert(observed.n_blocks).T / scale
    size = float(np.mean(contrasts**2))
    if size <= SMALLEST:
        return None
    design = design_of(knobs, np.ones(len(observed)))
    contrasts = contrasts / np.sqrt(size)
    hyper = fit(design.at(whole), contrasts, Prior())
    return BlockNoise(design, design.at(whole), contrasts, counts, hyper, size)
