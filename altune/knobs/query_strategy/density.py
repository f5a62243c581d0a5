"""Uncertainty weighted by the density of the pool."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array
from altune.knobs.pool_geometry import pool_similarity
from altune.knobs.query_strategy.base import ScoreStrategy
from altune.knobs.query_strategy.uncertainty import UncertaintyKind, uncertainty_of


@register
class DensityWeighted(ScoreStrategy):
    """Information density: u(x) · s(x)^β, u the uncertainty and s the similarity to the pool.

    s(x) is the mean over all pool rows x′ of (1 + cos(x, x′)) / 2 on the features, in (0, 1].
    """

    needs = frozenset({"class_scores"})
    source = "Settles and Craven, An Analysis of Active Learning Strategies, EMNLP 2008"

    method: Literal["density_weighted"] = "density_weighted"
    uncertainty: UncertaintyKind = "margin"
    beta: float = Field(
        default=1.0, ge=0.0, le=5.0, description="exponent β of the similarity; 0 leaves the uncertainty alone"
    )

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return u · s^β of each candidate."""
        uncertainty = uncertainty_of(pool.known().probabilities, self.uncertainty)
        return uncertainty * pool_similarity(pool)[pool.candidates] ** self.beta
