"""Strategies that use how the class scores of a row changed over loops.

The class scores of earlier loops (generations) are kept for five loops, from the first loop in which a strategy asked
for class scores. Before that, a strategy uses the generations that exist.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.metadata import KEPT_GENERATIONS, Metadata
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array
from altune.knobs.query_strategy.base import ScoreStrategy
from altune.knobs.query_strategy.uncertainty import UncertaintyKind, uncertainty_of
from altune.numerics.row_scores import weighted_history


@register
class WeightedHistory(ScoreStrategy):
    """Weighted history: the mean of the uncertainty φ over this loop and earlier ones, Σ_i w_i φ_{t−i}.

    The weights are w_i = decayⁱ / Σ_j decayʲ.
    """

    needs = frozenset({"class_scores"})
    source = "Yao, Dou, Nie, Wen, Looking Back on the Past, IEEE TKDE 2020 (weighted sum, WSHS)"

    method: Literal["history"] = "history"
    uncertainty: UncertaintyKind = "margin"
    generations: int = Field(default=3, ge=1, le=KEPT_GENERATIONS, description="number of earlier loops that count")
    decay: float = Field(default=0.5, gt=0.0, le=1.0, description="weight of a loop relative to the next one")

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the weighted mean of the uncertainty of each candidate."""
        return weighted_history(uncertainties(pool.known(), self.uncertainty, self.generations), self.decay)


@register
class Fluctuation(ScoreStrategy):
    """Fluctuation: the uncertainty and its variance over this loop and earlier ones, φ_t + w·Var(φ_t, φ_{t−1}, …).

    Var is the mean squared deviation.
    """

    needs = frozenset({"class_scores"})
    source = "Yao, Dou, Nie, Wen, Looking Back on the Past, IEEE TKDE 2020 (fluctuation, FHS)"

    method: Literal["fluctuation"] = "fluctuation"
    uncertainty: UncertaintyKind = "margin"
    generations: int = Field(default=3, ge=1, le=KEPT_GENERATIONS, description="number of earlier loops that count")
    weight: float = Field(default=1.0, ge=0.0, le=100.0, description="weight w of the variance")

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the uncertainty of each candidate plus its weighted variance."""
        past = uncertainties(pool.known(), self.uncertainty, self.generations)
        result: Array = past[0][1] + self.weight * np.var([values for _, values in past], axis=0)
        return result


@register
class TemporalDiscrepancy(ScoreStrategy):
    """Temporal output discrepancy: ‖f_t − f_{t−c}‖, the distance between the class scores now and c loops ago.

    If there are fewer than c earlier loops, the earliest one is used; in the first loop, rows are random.
    """

    needs = frozenset({"class_scores"})
    source = "Huang, Wang, Xiong, Huan, Dou, Temporal Output Discrepancy, ICCV 2021"

    method: Literal["temporal_discrepancy"] = "temporal_discrepancy"
    lag: int = Field(default=1, ge=1, le=KEPT_GENERATIONS, description="number c of loops between the two models")

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the Euclidean distance of each candidate's class scores, in [0, √2]."""
        known = pool.known()
        now = known.probabilities  # must be computed in every loop, so that later loops have it
        for back in range(self.lag, 0, -1):
            then = known.earlier(back, "probabilities")
            if then is not None:
                return np.asarray(np.linalg.norm(now - then, axis=1), dtype=np.float64)
        return np.zeros(len(now))


def uncertainties(known: Metadata, kind: UncertaintyKind, generations: int) -> list[tuple[int, Array]]:
    """Return pairs of a number of loops back, from 0, and the uncertainty of the candidates in that loop.

    Loops without class scores are left out.
    """
    past = [(0, uncertainty_of(known.probabilities, kind))]
    for back in range(1, generations + 1):
        then = known.earlier(back, "probabilities")
        if then is not None:
            past.append((back, uncertainty_of(then, kind)))
    return past
