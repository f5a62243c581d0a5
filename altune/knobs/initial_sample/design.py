"""Initial samples by optimal experimental design for linear models."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array, RowNumbers
from altune.knobs.initial_sample.base import InitialSample
from altune.knobs.pool_geometry import covered_rows, unit_points
from altune.numerics.geometry.designs import d_optimal_points, leverage_scores
from altune.numerics.geometry.distances import random_argmax


@register
class DOptimalSample(InitialSample):
    """D-optimal design: greedily the row with the largest log(1 + xᵀA⁻¹x), A = λI + Σ xxᵀ over the rows selected.

    Features are scaled to a mean square of 1. Each row takes O(N·d).
    """

    source = "Fedorov, Theory of Optimal Experiments, 1972; here greedy on a finite pool"

    method: Literal["d_optimal"] = "d_optimal"
    ridge: float = Field(default=1.0, ge=1e-6, le=1e6, description="λ, in units of the mean square of a feature")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` candidates that inform a linear model most; rows bought already are in A."""
        points = unit_points(pool)
        covered = points.take(covered_rows(pool))
        return pool.candidates[d_optimal_points(points.take(pool.candidates), covered, size, self.ridge, rng)]


@register
class LeverageSample(InitialSample):
    """Leverage scores: rows by h = xᵀ(XᵀX + λI)⁻¹x, their influence on a linear model of the whole pool.

    ``sampled`` draws rows without replacement with a probability in proportion to h. ``largest`` takes the rows with
    the largest h, which are often outliers.
    """

    source = "Drineas, Mahoney, Muthukrishnan, SODA 2006; Ma, Mahoney, Yu, JMLR 2015"

    method: Literal["leverage"] = "leverage"
    draw: Literal["sampled", "largest"] = Field(
        default="sampled", description="whether rows are drawn in proportion to h, or those with the largest h taken"
    )
    ridge: float = Field(default=1.0, ge=1e-6, le=1e6, description="λ, in units of the mean square of a feature")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``size`` distinct candidates of high leverage."""
        key = ("geometry.leverage", self.ridge)
        scores = pool.shared.get(key, lambda: leverage_scores(unit_points(pool), self.ridge, np.random.default_rng(0)))[
            pool.candidates
        ]
        if self.draw == "largest":
            return pool.candidates[_largest_first(scores, size, rng)]
        with np.errstate(divide="ignore"):
            keys = np.log(scores) + rng.gumbel(size=len(scores))
        order = np.lexsort((rng.random(len(scores)), -keys))  # rows without leverage come last, in random order
        return pool.candidates[order[:size]]


def _largest_first(scores: Array, size: int, rng: np.random.Generator) -> RowNumbers:
    scores = scores.copy()
    picked = np.empty(min(size, len(scores)), dtype=np.intp)
    for turn in range(len(picked)):
        picked[turn] = random_argmax(scores, rng)
        scores[picked[turn]] = -np.inf
    return picked
