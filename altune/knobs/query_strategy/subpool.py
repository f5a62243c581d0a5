"""Subpools: a random part of the candidates, for strategies whose cost grows with each row they look at."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.types import RowNumbers

Array = NDArray[np.float64]

SubpoolSize = Annotated[
    int, Field(ge=10, le=5000, description="candidates looked at in a loop, drawn at random; the others come last")
]
"""The type of a parameter that bounds the candidates looked at."""


def draw_positions(n_candidates: int, size: int, rng: np.random.Generator) -> RowNumbers:
    """Return the positions of a random subpool, sorted; all of them, without a draw, where they are few.

    >>> draw_positions(3, 10, np.random.default_rng(0)).tolist()
    [0, 1, 2]
    """
    if n_candidates <= size:
        return np.arange(n_candidates)
    return np.sort(rng.choice(n_candidates, size=size, replace=False))


def spread_scores(scores: Array, positions: RowNumbers, n_candidates: int) -> Array:
    """Return the scores of all candidates, those not looked at just below the smallest, ``(n_candidates,)``.

    >>> spread_scores(np.array([2.0, 1.0]), np.array([0, 2]), 3).round(6).tolist()
    [2.0, 1.0, 1.0]
    """
    everyone = np.full(n_candidates, np.nextafter(scores.min(), -np.inf))
    everyone[positions] = scores
    return everyone


def complete(picked: RowNumbers, n_candidates: int, size: int, rng: np.random.Generator) -> RowNumbers:
    """Return the picked positions, and random others where fewer than ``size`` were picked."""
    missing = min(size, n_candidates) - len(picked)
    if missing <= 0:
        return picked[:size]
    others = np.setdiff1d(np.arange(n_candidates), picked)
    return np.concatenate([picked, rng.permutation(others)[:missing]])
