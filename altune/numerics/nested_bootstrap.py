"""Intervals of a mean over data sets that come in families and were each measured on a few blocks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from altune.core.types import Array

DRAWS = 4000
"""Number of resamples."""


def resampled_means(
    units: Sequence[Sequence[Array]], families: Sequence[str], rng: np.random.Generator, draws: int = DRAWS
) -> Array:
    """Return resampled means over units: families are drawn, then the parts of each of their units, then their blocks.

    Units of one family are alike, so they are drawn together. Each unit counts alike in a mean, however many blocks it
    has.

    Parameters
    ----------
    units : values of each part of each unit on its blocks, ``(n_blocks,)`` for each part. Parts are seeds of studies,
        whose blocks share their test rows; a unit has one or more.
    families : family of each unit.
    rng : random generator.
    draws : number of resamples.

    Returns
    -------
    ``(draws,)``
    """
    names = list(dict.fromkeys(families))
    members = np.array([[family == name for family in families] for name in names], dtype=float)
    blocks = np.stack([_resampled_unit(parts, rng, draws) for parts in units])
    counts = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    weights = counts @ members  # how often each unit is in a resample, (draws, n_units)
    means: Array = (weights * blocks.T).sum(axis=1) / weights.sum(axis=1)
    return means


def _resampled_unit(parts: Sequence[Array], rng: np.random.Generator, draws: int) -> Array:
    """Return the mean of a unit over resampled parts and blocks, ``(draws,)``."""
    of_parts = np.stack([part[rng.integers(len(part), size=(draws, len(part)))].mean(axis=1) for part in parts])
    if len(parts) == 1:
        only: Array = of_parts[0]
        return only
    chosen = rng.integers(len(parts), size=(len(parts), draws))
    means: Array = of_parts[chosen, np.arange(draws)].mean(axis=0)
    return means
