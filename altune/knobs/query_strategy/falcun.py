"""FALCUN: uncertainty and diversity among the predicted probabilities alone."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import RowNumbers
from altune.knobs.query_strategy.base import QueryStrategy
from altune.knobs.query_strategy.covering import scale_to_one

Array = NDArray[np.float64]


@register
class Falcun(QueryStrategy):
    """FALCUN: rows drawn one by one with a chance in proportion to (u + d)^γ.

    u = 1 − (p₁ − p₂), and d is the smallest L1 distance of the row's probabilities to those of the rows
    drawn so far, at first u, scaled to [0, 1] among the rows left at each draw.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Gilhuber, Beer, Ma, Seidl, FALCUN, ECML PKDD 2024"

    method: Literal["falcun"] = "falcun"
    gamma: float = Field(default=10.0, ge=0.0, le=1000.0, description="γ: 0 draws at random, ∞ takes the largest")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates that are unsure and of many kinds."""
        known = pool.known()
        return pool.candidates[draw_by_relevance(known.probabilities, 1.0 - known.margin, self.gamma, size, rng)]


def draw_by_relevance(
    probabilities: Array, uncertainty: Array, gamma: float, size: int, rng: np.random.Generator
) -> RowNumbers:
    """Draw rows one by one, each with a chance in proportion to its relevance to the power of γ.

    Parameters
    ----------
    probabilities : ``(n_rows, n_classes)``.
    uncertainty : u in [0, 1], ``(n_rows,)``.
    gamma : γ of 0 or more.
    size : rows wanted; all of them where there are fewer.
    rng : draws.

    Returns
    -------
    positions, ``(min(size, n_rows),)``, distinct, in the order of drawing.
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
    """Return relevance^γ scaled to sum to 1; all alike where every relevance is 0.

    >>> relevance_chances(np.array([1.0, 2.0, 0.0]), 2.0).tolist()
    [0.2, 0.8, 0.0]
    """
    top = relevance.max()
    powers = (relevance / top) ** gamma if top > 0 else np.ones(len(relevance))
    chances: Array = powers / powers.sum()
    return chances


def _draw(relevance: Array, gamma: float, rng: np.random.Generator) -> int:
    cumulated = np.cumsum(relevance_chances(relevance, gamma))
    return min(int(np.searchsorted(cumulated, rng.random() * cumulated[-1], side="right")), len(relevance) - 1)
