"""The noise of the means of few blocks.

What is good on one block is not as good on another, and recipes that have much in common share these deviations. So
the mean over J blocks is the value of a recipe plus noise that is as structured as the values are. Its covariance is
that of the deviations on each block, J of them without their mean, divided by J. It is estimated by the same surrogate,
to which the deviations are J − 1 draws of one process.

Recipes may be played on different blocks. A recipe on n blocks has n − 1 contrasts between them, each of which it
shares with the recipes on the same blocks. Where the number of blocks depends on how good a recipe is, the noise is
known of the good ones, and the poor ones, which are noisier as a rule, have little more than a single block. So there
the noise of a recipe depends on its rank, by a slope that is drawn from what is usual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import helmert
from scipy.stats import rankdata

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
SLOPE, UNSURE = -1.0, 1.0
"""Slope of the logarithm of the noise variance from the worst trial to the best, and its standard deviation.

On the six grids of ``benchmarks/full_grid.py`` it is -0.4 to -2.2.
"""


@dataclass(frozen=True, eq=False)
class BlockNoise:
    """The deviations of a search on its blocks, with the surrogate fitted to them.

    Attributes
    ----------
    design : all trials.
    several : the trials on several blocks.
    contrasts : their orthonormal contrasts between blocks, ``(n_several, n_contrasts)``, with mean square 1; NaN where
        a trial was not played on the blocks, or no other one was.
    played : whether each trial was played on each block, ``(n_trials, n_blocks)``.
    ranks : rank of each trial from 0 to 1 less the mean rank behind the contrasts, ``(n_trials,)``; 0 where all trials
        have the same blocks.
    hyper : the fitted hyperparameters.
    scale : mean square of the contrasts in variances of the observed values.
    """

    design: Design
    several: Design
    contrasts: Array
    played: NDArray[np.bool_]
    ranks: Array
    hyper: Hyperparameters
    scale: float

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the noise, as in a t test; of unequal numbers of blocks the harmonic mean counts."""
        counts = self.played.sum(axis=1)
        return float(min(counts.max() - 1, 1 / np.mean(1 / counts)))

    def covariance(self, hyper: Hyperparameters, slope: float = SLOPE) -> Array:
        """Return the covariance of the noise of the trials' means, ``(n_trials, n_trials)``."""
        per_block = covariance_of_trials(self.design, hyper) + self.design.noise_covariance(hyper)
        per_block = self.scale * per_block * np.exp(0.5 * slope * np.add.outer(self.ranks, self.ranks))
        # The means of two recipes have the noise of the blocks in common on which both were played.
        counts = self.played.sum(axis=1)
        common = self.played.astype(np.float64) @ self.played.T
        with np.errstate(divide="ignore"):
            return np.asarray(per_block / (np.outer(counts, counts) / common))

    def draw(self, hyper: Hyperparameters, rng: np.random.Generator) -> Array:
        """Draw the covariance, given the hyperparameters: by how unusual the blocks may be, and by the slope."""
        slope = rng.normal(SLOPE, UNSURE) if self.ranks.any() else SLOPE
        # Blocks differ in how far all recipes deviate on them, so the mean of J of them is as uncertain as in a t test.
        return np.asarray(self.covariance(hyper, slope) * self.freedom / rng.chisquare(self.freedom))


def block_noise(observed: Observed, knobs: Sequence[KnobAtoms], scale: float) -> BlockNoise | None:
    """Fit the surrogate to the deviations on each block; None if they are not known, or all are 0.

    Parameters
    ----------
    observed : the recipes.
    knobs : their encoded knobs.
    scale : standard deviation of the observed values.
    """
    several = np.flatnonzero(observed.played.sum(axis=1) > 1)
    if observed.n_blocks < 2 or not len(several):
        return None
    contrasts = block_contrasts(observed.deviations[several], observed.played[several]) / scale
    # The effect of a block hides the noise of its only recipe.
    contrasts[:, np.isfinite(contrasts).sum(axis=0) < 2] = np.nan
    known = np.isfinite(contrasts)
    if known.sum() < FEWEST:
        return None
    ranks = np.zeros(len(observed))
    if not observed.played.all():
        ranks = rankdata(observed.y) / len(observed)
        ranks -= np.average(ranks[several], weights=known.sum(axis=1))
    contrasts /= np.exp(0.5 * SLOPE * ranks[several, None])
    size = float(np.mean(contrasts[known] ** 2))
    if size <= SMALLEST:
        return None
    design = design_of(knobs, np.ones(len(observed)))
    contrasts = contrasts[:, known.any(axis=0)] / np.sqrt(size)
    hyper = fit(design.at(several), contrasts, Prior())
    return BlockNoise(design, design.at(several), contrasts, observed.played, ranks, hyper, size)


def block_contrasts(deviations: Array, played: NDArray[np.bool_]) -> Array:
    """Return orthonormal contrasts of each trial, each between one of its blocks and those before it.

    A column is a contrast that trials on the same blocks up to one have in common; NaN where a trial does not have it.

    Parameters
    ----------
    deviations : deviation of each trial on each block, ``(n_trials, n_blocks)``.
    played : whether each trial was played on each block, ``(n_trials, n_blocks)``.
    """
    if played.all():
        return np.asarray(deviations @ helmert(played.shape[1]).T)
    columns: dict[tuple[int, ...], int] = {}
    cells: list[tuple[int, int, float]] = []
    for row, (values, on) in enumerate(zip(deviations, played, strict=True)):
        blocks = np.flatnonzero(on)
        for count in range(1, len(blocks)):
            column = columns.setdefault(tuple(blocks[: count + 1].tolist()), len(columns))
            before = float(values[blocks[:count]].mean())
            cells.append((row, column, (before - float(values[blocks[count]])) * np.sqrt(count / (count + 1))))
    contrasts = np.full((len(deviations), len(columns)), np.nan)
    for row, column, value in cells:
        contrasts[row, column] = value
    return contrasts
