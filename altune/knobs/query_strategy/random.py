"""Random sampling, and another strategy mixed with it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array
from altune.knobs.query_strategy.base import Choice, DelegatingStrategy, NestedStrategy, ScoreStrategy, chosen_by
from altune.knobs.query_strategy.uncertainty import Margin


@register
class RandomQuery(ScoreStrategy):
    """Random sampling: rows drawn uniformly from the candidates."""

    source = "passive learning, the baseline of active learning"

    method: Literal["random"] = "random"

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return a uniform draw in [0, 1) for each candidate."""
        return rng.random(len(pool.candidates))


@register
class EpsilonMix(DelegatingStrategy):
    """Another strategy, with each of its rows replaced by a random candidate with probability ε."""

    source = "Sutton and Barto, Reinforcement Learning, 1998 (ε-greedy)"

    method: Literal["epsilon_mix"] = "epsilon_mix"
    strategy: NestedStrategy = Field(default=Margin(), description="strategy that selects the other rows")
    epsilon: float = Field(default=0.1, ge=0.0, le=1.0, description="probability ε that a row is random")

    def choose(self, pool: Pool, size: int, rng: np.random.Generator) -> Choice:
        """Return the strategy's rows, then Binomial(size, ε) rows of ``random`` among the remaining candidates."""
        size = min(size, len(pool.candidates))
        n_random = int(rng.binomial(size, self.epsilon))
        best = chosen_by("", pool.candidates[:0])
        if n_random < size:
            best = self.strategy.choose(pool, size - n_random, rng)
        rest = np.setdiff1d(pool.candidates, best.rows, assume_unique=True)
        drawn = chosen_by("random", rng.permutation(rest)[:n_random])
        propensities = best.propensities
        if propensities is not None:
            propensities = np.append(propensities, np.full(len(drawn.rows), np.nan))
        rows, arms = (np.concatenate([getattr(part, name) for part in (best, drawn)]) for name in ("rows", "arms"))
        return Choice(rows, arms, propensities, best.memo)
