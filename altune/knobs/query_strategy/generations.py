"""Strategies that look back: at how a row's class scores moved from loop to loop.

Earlier generations are known from the loop on in which a strategy first asked for class scores, and for five loops;
until then a strategy makes do with those there are.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.metadata import KEPT_GENERATIONS, Metadata
from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.knobs.query_strategy.base import ScoreStrategy
from altune.knobs.query_strategy.uncertainty import UncertaintyKind, uncertainty_of

Array = NDArray[np.float64]


@register
class WeightedHistory(ScoreStrategy):
    """Weighted history: Σ_i w_i φ_{t−i} over this loop and earlier ones, w_i = decayⁱ / Σ decayⁱ.

    φ is the uncertainty: 1 − p₁, 1 − (p₁ − p₂), or the entropy.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Yao, Dou, Nie, Wen, Looking Back on the Past, IEEE TKDE 2020 (weighted sum, WSHS)"

    method: Literal["history"] = "history"
    uncertainty: UncertaintyKind = Field(default="margin", description="what φ is: 1 − p₁, 1 − (p₁ − p₂), or entropy")
    generations: int = Field(default=3, ge=1, le=KEPT_GENERATIONS, description="earlier loops that count")
    decay: float = Field(default=0.5, gt=0.0, le=1.0, description="weight of a loop relative to the one after it")

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the weighted mean of the uncertainty of each candidate."""
        return weighted_history(uncertainties(pool.known(), self.uncertainty, self.generations), self.decay)


@register
class Fluctuation(ScoreStrategy):
    """Fluctuation: φ + w·Var(φ) over this loop and earlier ones.

    φ is the uncertainty: 1 − p₁, 1 − (p₁ − p₂), or the entropy; Var is the mean squared deviation.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Yao, Dou, Nie, Wen, Looking Back on the Past, IEEE TKDE 2020 (fluctuation, FHS)"

    method: Literal["fluctuation"] = "fluctuation"
    uncertainty: UncertaintyKind = Field(default="margin", description="what φ is: 1 − p₁, 1 − (p₁ − p₂), or entropy")
    generations: int = Field(default=3, ge=1, le=KEPT_GENERATIONS, description="earlier loops that count")
    weight: float = Field(default=1.0, ge=0.0, le=100.0, description="w, the weight of the variance")

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the uncertainty of each candidate and its weighted variance."""
        past = uncertainties(pool.known(), self.uncertainty, self.generations)
        result: Array = past[0][1] + self.weight * np.var([values for _, values in past], axis=0)
        return result


@register
class TemporalDiscrepancy(ScoreStrategy):
    """Temporal output discrepancy: ‖f_t − f_{t−c}‖ of the class scores now and c loops ago.

    Where so early a loop is not known, the earliest that is stands for it; in the first loop of all, where none
    is, rows are drawn by chance.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Huang, Wang, Xiong, Huan, Dou, Temporal Output Discrepancy, ICCV 2021"

    method: Literal["temporal_discrepancy"] = "temporal_discrepancy"
    lag: int = Field(default=1, ge=1, le=KEPT_GENERATIONS, description="c, how many loops back")

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the Euclidean distance of each candidate's class scores, in [0, √2]."""
        known = pool.known()
        now = known.probabilities  # asked for in each loop, so that it is known in later ones
        for back in range(self.lag, 0, -1):
            then = known.earlier(back, "probabilities")
            if then is not None:
                return np.asarray(np.linalg.norm(now - then, axis=1), dtype=np.float64)
        return np.zeros(len(now))


def uncertainties(known: Metadata, kind: UncertaintyKind, generations: int) -> list[tuple[int, Array]]:
    """Return how many loops ago, and the candidates' uncertainty then; now first, unknown loops left out."""
    found = [(0, uncertainty_of(known.probabilities, kind))]
    for back in range(1, generations + 1):
        then = known.earlier(back, "probabilities")
        if then is not None:
            found.append((back, uncertainty_of(then, kind)))
    return found


def weighted_history(past: list[tuple[int, Array]], decay: float) -> Array:
    """Return the mean of scores weighted by decayⁱ, i the number of loops ago, ``(n_rows,)``.

    >>> weighted_history([(0, np.array([1.0])), (2, np.array([6.0]))], 0.5).tolist()
    [2.0]
    """
    # row by row, not as a matrix product: its rounding hangs on where a row stands, which would part rows that tie
    total, weight = np.zeros(len(past[0][1])), 0.0
    for back, scores in past:
        total += decay**back * scores
        weight += decay**back
    result: Array = total / weight
    return result
