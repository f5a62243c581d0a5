"""Strategies that draw by chance, wholly or in part."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import RowNumbers
from altune.knobs.query_strategy.base import NestedStrategy, QueryStrategy, ScoreStrategy
from altune.knobs.query_strategy.uncertainty import Margin


@register
class RandomQuery(ScoreStrategy):
    """Random sampling: every candidate alike."""

    source: ClassVar[str] = "the baseline of all active learning (passive learning)"

    method: Literal["random"] = "random"

    def scores(self, pool: Pool, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return a uniform draw in [0, 1) for each candidate."""
        return rng.random(len(pool.candidates))


@register
class EpsilonMix(QueryStrategy):
    """Another strategy's rows, each replaced with probability ε by a random candidate."""

    source: ClassVar[str] = "Sutton and Barto, Reinforcement Learning, 1998 (ε-greedy)"

    method: Literal["epsilon_mix"] = "epsilon_mix"
    strategy: NestedStrategy = Field(default=Margin(), description="the strategy that is mixed with chance")
    epsilon: float = Field(default=0.1, ge=0.0, le=1.0, description="probability that a row is a random one")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the strategy's best rows, then Binomial(size, ε) random ones of the rest."""
        size = min(size, len(pool.candidates))
        n_random = int(rng.binomial(size, self.epsilon))
        best = pool.candidates[:0]
        if n_random < size:
            best = self.strategy.select(pool, size - n_random, rng)
        rest = np.setdiff1d(pool.candidates, best, assume_unique=True)
        return np.concatenate([best, rng.permutation(rest)[:n_random]])
