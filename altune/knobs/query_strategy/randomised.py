"""Strategies that draw rows with a probability that depends on their score."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array
from altune.knobs.query_strategy.base import ScoreStrategy
from altune.knobs.query_strategy.uncertainty import UncertaintyKind, uncertainty_of


@register
class Power(ScoreStrategy):
    """Power sampling: rows drawn without replacement with a probability in proportion to u^γ, u the uncertainty.

    γ = 0 is random sampling; a large γ selects the most uncertain rows. The rows with the largest γ ln u + Gumbel noise
    are such a draw.
    """

    needs = frozenset({"class_scores"})
    source = "Kirsch, Farquhar, Atighehchian, Jesson, Gal, Stochastic Batch Acquisition, TMLR 2023"

    method: Literal["power"] = "power"
    uncertainty: UncertaintyKind = "margin"
    gamma: float = Field(default=1.0, ge=0.0, le=100.0, description="exponent γ of the uncertainty")

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return γ ln u + Gumbel noise for each candidate."""
        return perturbed(uncertainty_of(pool.known().probabilities, self.uncertainty), self.gamma, rng)


def perturbed(weights: Array, gamma: float, rng: np.random.Generator) -> Array:
    """Return γ ln w + Gumbel(0, 1) noise, ``(n_rows,)``, finite also for weights of 0."""
    smallest = np.finfo(np.float64).tiny
    return gamma * np.log(np.maximum(weights, smallest)) + rng.gumbel(size=len(weights))
