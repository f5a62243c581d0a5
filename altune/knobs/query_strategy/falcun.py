"""FALCUN: uncertainty and diversity among the predicted probabilities alone."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array, RowNumbers
from altune.knobs.query_strategy.base import QueryStrategy
from altune.knobs.query_strategy.covering import scale_to_one


@register
class Falcun(QueryStrategy):
    """FALCUN: rows drawn in turn with a probability in proportion to (u + d)^γ.

    u = 1 − (p₁ − p₂). d is the smallest L1 distance of the row's probabilities to those of the rows drawn so far, and u
    before the first draw; it is scaled to [0, 1] among the remaining rows at each draw.
    """

    needs = frozenset({"class_scores"})
    source = "Gilhuber, Beer, Ma, Seidl, FALCUN, ECML PKDD 2024"

    method: Literal["falcun"] = "falcun"
    gamma: float = Field(
        default=10.0,
        ge=0.0,
        le=1000.0,
        description="exponent γ: 0 draws uniformly, a large value selects the largest u + d",
    )

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates that are uncertain and have different probabilities."""
        known = pool.known()
        return pool.candidates[draw_by_relevance(known.probabilities, 1.0 - known.margin, self.gamma, size, rng)]


def draw_by_relevance(
    probabilities: Array, uncertainty: Array, gamma: float, size: int, rng: np.random.Generator
) -> RowNumbers:
    """Draw rows in turn, each with a probability in proportion to relevance^γ.

    Parameters
    ----------
    probabilities : ``(n_rows, n_classes)``.
    uncertainty : u in [0, 1], ``(n_rows,)``.
    gamma : γ, 0 or more.
    """
    distances = uncertainty.copy()
    left = np.ones(len(uncertainty), dtype=bool)
    picked = np.empty(min(size, len(uncertainty)), dtype=np.intp)
    for turn in range(len(picked)):
        rows = np.flatnonzero(left)
        pick = int(rows[_draw(uncertainty[rows] + scale_to_one(distances[rows]), gamma, rng)])
        picked[turn] = pick
        left[pick] = False
        distances = np.minimum(distances, np.abs(probabilities - probabilities[pick]).sum(axis=1))
    return picked


def relevance_chances(relevance: Array, gamma: float) -> Array:
    """Return relevance^γ scaled to sum to 1; equal values if every relevance is 0.

    >>> relevance_chances(np.array([1.0, 2.0, 0.0]), 2.0).tolist()
    [0.2, 0.8, 0.0]
    """
    most = relevance.max()
    powers = (relevance / most) ** gamma if most > 0 else np.ones(len(relevance))
    chances: Array = powers / powers.sum()
    return chances


def _draw(relevance: Array, gamma: float, rng: np.random.Generator) -> int:
    cumulated = np.cumsum(relevance_chances(relevance, gamma))
    return min(int(np.searchsorted(cumulated, rng.random() * cumulated[-1], side="right")), len(relevance) - 1)
