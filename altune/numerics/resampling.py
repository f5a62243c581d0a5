"""Means over data sets of equal weight, resampled by data sets and then within each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from altune.core.types import Array

RESAMPLES = 2000


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
