"""Strategies that weigh uncertainty by how much of the pool a row speaks for."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.knobs.pool_geometry import pool_similarity
from altune.knobs.query_strategy.base import ScoreStrategy


@register
class DensityWeighted(ScoreStrategy):
    """Information density: u(x) · s(x)^β.

    u is the uncertainty (1 − p₁, 1 − (p₁ − p₂), or the entropy) and s(x) the mean over the whole pool of
    (1 + cos(x, x′)) / 2 on the features, in (0, 1]. With β = 0 it is the uncertainty alone.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Settles and Craven, An Analysis of Active Learning Strategies, EMNLP 2008"

    method: Literal["density_weighted"] = "density_weighted"
    uncertainty: Literal["least_confidence", "margin", "entropy"] = Field(
        default="margin", description="what u is: 1 − p₁, 1 − (p₁ − p₂), or the entropy"
    )
    beta: float = Field(default=1.0, ge=0.0, le=5.0, description="exponent of the mean similarity")

    def scores(self, pool: Pool, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return u · s^β of each candidate."""
        known = pool.known()
        if self.uncertainty == "margin":
            uncertainty = 1.0 - known.margin
        elif self.uncertainty == "entropy":
            uncertainty = known.entropy
        else:
            uncertainty = known.least_confidence
        similarity = pool_similarity(pool)[pool.candidates]
        result: NDArray[np.float64] = uncertainty * similarity**self.beta
        return result
