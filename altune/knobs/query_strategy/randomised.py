"""Strategies that draw rows by their score instead of taking the best."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.knobs.query_strategy.base import ScoreStrategy
from altune.knobs.query_strategy.uncertainty import UncertaintyKind, uncertainty_of

Array = NDArray[np.float64]


@register
class Power(ScoreStrategy):
    """Power sampling: rows drawn without replacement with probability in proportion to u^γ.

    u is the uncertainty: 1 − p₁, 1 − (p₁ − p₂), or the entropy. The rows of largest γ ln u + Gumbel noise are such
    a draw. γ = 0 is random sampling; a large γ takes the most uncertain rows.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Kirsch, Farquhar, Atighehchian, Jesson, Gal, Stochastic Batch Acquisition, TMLR 2023"

    method: Literal["power"] = "power"
    uncertainty: UncertaintyKind = Field(default="margin", description="what u is: 1 − p₁, 1 − (p₁ − p₂), or entropy")
    gamma: float = Field(default=1.0, ge=0.0, le=100.0, description="exponent of the uncertainty")

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return γ ln u and a Gumbel draw for each candidate."""
        return perturbed(uncertainty_of(pool.known().probabilities, self.uncertainty), self.gamma, rng)


def perturbed(weights: Array, gamma: float, rng: np.random.Generator) -> Array:
    """Return γ ln w + Gumbel(0, 1) noise, ``(n_rows,)``, finite also for weights of 0."""
    smallest = np.finfo(np.float64).tiny
    result: Array = gamma * np.log(np.maximum(weights, smallest)) + rng.gumbel(size=len(weights))
    return result
