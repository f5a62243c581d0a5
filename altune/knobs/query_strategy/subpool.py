"""Subpools: random parts of the candidates, for strategies whose cost grows with each row considered."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from altune.core.types import Array, RowNumbers

SubpoolSize = Annotated[
    int,
    Field(
        ge=10,
        le=5000,
        description="number of candidates, drawn at random in each loop, that are considered; all if there are fewer",
    ),
]
"""The type of a parameter that bounds the number of candidates considered."""


def spread_scores(scores: Array, positions: RowNumbers, n_candidates: int) -> Array:
    """Return the scores of all candidates, ``(n_candidates,)``; those not considered are just below the smallest.

    >>> spread_scores(np.array([2.0, 1.0]), np.array([0, 2]), 3).round(6).tolist()
    [2.0, 1.0, 1.0]
    """
    all_scores = np.full(n_candidates, np.nextafter(scores.min(), -np.inf))
    all_scores[positions] = scores
    return all_scores


def complete(picked: RowNumbers, n_candidates: int, size: int, rng: np.random.Generator) -> RowNumbers:
    """Return the selected positions, followed by random others if fewer than ``size`` were selected."""
    missing = min(size, n_candidates) - len(picked)
    if missing <= 0:
        return picked[:size]
    others = np.setdiff1d(np.arange(n_candidates), picked)
    return np.concatenate([picked, rng.permutation(others)[:missing]])
