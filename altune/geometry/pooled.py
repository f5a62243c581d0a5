"""What the geometry needs of a pool: its points, its density, and the rows that count as covered."""

from __future__ import annotations

import numpy as np

from altune.geometry.density import mean_similarity
from altune.geometry.distances import Array, Points, make_points
from altune.pool import Pool, Rows


def pool_points(pool: Pool) -> Points:
    """Return the points of all pool rows, made once for each pool."""
    return pool.shared.get("geometry.points", lambda: make_points(pool.X))


def pool_similarity(pool: Pool) -> Array:
    """Return the mean similarity of each pool row to the pool, ``(n_rows,)``, computed once for each pool."""
    return pool.shared.get("geometry.similarity", lambda: mean_similarity(pool.X))


def covered_rows(pool: Pool) -> Rows:
    """Return the rows that were bought to learn from, sorted.

    A row that an audit dropped has been bought and seen, so it counts; rows held out for validation
    teach the model nothing, so they do not.
    """
    covered = np.ones(pool.n_rows, dtype=bool)
    covered[pool.candidates] = False
    covered[pool.held_out] = False
    return np.flatnonzero(covered)
