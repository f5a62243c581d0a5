"""Means over data sets of equal weight, resampled by data sets, or by families of them, and then within each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from altune.core.types import Array

RESAMPLES = 2000
FAMILY_RESAMPLES = 4000


def resampled_means(tables: Sequence[Array], rng: np.random.Generator, resamples: int = RESAMPLES) -> Array:
    """Return resampled means over data sets, ``(resamples, n_recipes)``: data sets, then their blocks and test rows.

    Parameters
    ----------
    tables : values of each data set, ``(n_recipes, n_blocks, n_units)``; the same blocks and units for all recipes.
    rng : the only source of randomness.
    resamples : number of resamples.

    Examples
    --------
    >>> tables = [np.full((1, 3, 1), 0.1), np.full((1, 5, 1), 0.3)]
    >>> sorted(set(resampled_means(tables, np.random.default_rng(0), 50).round(3).ravel().tolist()))
    [0.1, 0.2, 0.3]
    """
    sums = np.zeros((resamples, len(tables[0])))
    for _ in tables:
        chosen = rng.integers(len(tables), size=resamples)
        for data, table in enumerate(tables):
            rows = np.flatnonzero(chosen == data)
            of_blocks, of_units = (
                rng.multinomial(count, np.full(count, 1 / count), size=len(rows)) / count for count in table.shape[1:]
            )
            sums[rows] += np.einsum("sb,rbu,su->sr", of_blocks, table, of_units, optimize=True)
    return sums / len(tables)


def resampled_means_of_families(
    units: Sequence[Sequence[Array]], families: Sequence[str], rng: np.random.Generator, draws: int = FAMILY_RESAMPLES
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
