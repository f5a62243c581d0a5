"""Intervals of a mean over data sets that come in families and were each measured on a few blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from altune.core.types import Array

DRAWS = 4000
"""Number of resamples."""


def resampled_means(
    units: Sequence[Array], families: Sequence[str], rng: np.random.Generator, draws: int = DRAWS
) -> Array:
    """Return resampled means over units: families are drawn, and then the blocks of each of their units.

    Units of one family are alike, so they are drawn together. Each unit counts alike in a mean, however many blocks it
    has.

    Parameters
    ----------
    units : values of each unit on its blocks, ``(n_blocks,)`` each, of any length from 1.
    families : family of each unit.
    rng : random generator.
    draws : number of resamples.

    Returns
    -------
    ``(draws,)``
    """
    names = list(dict.fromkeys(families))
    members = np.array([[family == name for family in families] for name in names], dtype=float)
    blocks = np.stack([_resampled_blocks(unit, rng, draws) for unit in units])
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    weights = counts @ members  # how often each unit is in a resample, (draws, n_units)
    means: Array = (weights * blocks.T).sum(axis=1) / weights.sum(axis=1)
    return means


def _resampled_blocks(unit: Array, rng: np.random.Generator, draws: int) -> Array:
    """Return the mean of a unit over resampled blocks, ``(draws,)``."""
    means: Array = unit[rng.integers(len(unit), size=(draws, len(unit)))].mean(axis=1)
    return means
