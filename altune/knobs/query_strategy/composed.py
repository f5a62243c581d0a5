"""Strategies made of two others: a mixture whose weights move, and a switch."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from scipy.special import expit
from scipy.stats import rankdata

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import RowNumbers
from altune.knobs.query_strategy.base import NestedStrategy, QueryStrategy, ScoreStrategy
from altune.knobs.query_strategy.density import DensityWeighted
from altune.knobs.query_strategy.diversity import TypiClust
from altune.knobs.query_strategy.uncertainty import Margin

Array = NDArray[np.float64]


@register
class Mixture(ScoreStrategy):
    """Mixture of two scores by rank, with a weight that moves: w·rank(φ₁)/n + (1 − w)·rank(φ₂)/n.

    w(τ) = w⁰ + (w¹ − w⁰)·σ(s(τ − τ₀)) is the weight of ``first``, τ = ln(labels bought) / ln(budget) in
    [0, 1]. Ranks are average ranks among the candidates, the largest score highest. Both strategies
    must score each row by itself; those that pick a batch as a whole (``kcenter``, ``badge``, …) can be
    joined by ``switch``.
    """

    source: ClassVar[str] = "ranks mixed with a weight that moves in time: Ebert, Fritz, Schiele, RALF, CVPR 2012"

    method: Literal["mixture"] = "mixture"
    first: NestedStrategy = Field(default=DensityWeighted(), description="the strategy that has weight w")
    second: NestedStrategy = Field(default=Margin(), description="the strategy that has weight 1 − w")
    weight_start: float = Field(default=0.8, ge=0.0, le=1.0, description="w⁰, the weight of `first` early on")
    weight_end: float = Field(default=0.2, ge=0.0, le=1.0, description="w¹, the weight of `first` late")
    steepness: float = Field(default=10.0, ge=0.0, le=100.0, description="s, how sharply the weight moves")
    midpoint: float = Field(default=0.5, ge=0.0, le=1.0, description="τ₀, where the weight is half way")

    @field_validator("first", "second")
    @classmethod
    def _scores_rows(cls, strategy: QueryStrategy) -> QueryStrategy:
        if not isinstance(strategy, ScoreStrategy):
            raise ValueError(f"mixture ranks scores and {strategy.method!r} has none; use switch for it")
        return strategy

    def weight(self, progress: float) -> float:
        """Return w(τ) in [0, 1].

        >>> Mixture(weight_start=0.0, weight_end=1.0).weight(0.5)
        0.5
        """
        moved = float(expit(self.steepness * (progress - self.midpoint)))
        return self.weight_start + (self.weight_end - self.weight_start) * moved

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the weighted mean of both ranks, in (0, 1]."""
        parts = [_score_strategy(part).scores(pool, rng) for part in (self.first, self.second)]
        return mix_ranks(parts[0], parts[1], self.weight(pool.progress))


@register
class Switch(QueryStrategy):
    """Switch: ``first`` until the share ``at`` of the budget is bought, ``then`` from there on.

    The published phase switches begin with a strategy for few labels (typical or spread rows) and go on
    with uncertainty.
    """

    source: ClassVar[str] = "Hacohen, Dekel, Weinshall, Active Learning on a Budget, ICML 2022"

    method: Literal["switch"] = "switch"
    first: NestedStrategy = Field(default=TypiClust(), description="the strategy of the first phase")
    then: NestedStrategy = Field(default=Margin(), description="the strategy of the second phase")
    at: float = Field(default=0.2, gt=0.0, lt=1.0, description="share of the budget bought at which `then` takes over")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the rows of the strategy whose phase it is."""
        late = pool.labels_bought >= self.at * pool.budget
        return (self.then if late else self.first).select(pool, size, rng)


def mix_ranks(first: Array, second: Array, weight: float) -> Array:
    """Return weight·rank(first)/n + (1 − weight)·rank(second)/n with average ranks, ``(n,)``.

    >>> mix_ranks(np.array([0.9, 0.1]), np.array([5.0, 5.0]), 0.5).tolist()
    [0.875, 0.625]
    """
    ranks = weight * rankdata(first) + (1.0 - weight) * rankdata(second)
    return np.asarray(ranks / len(first), dtype=np.float64)


def _score_strategy(strategy: QueryStrategy) -> ScoreStrategy:
    if not isinstance(strategy, ScoreStrategy):
        raise TypeError(f"{strategy.method!r} has no scores")
    return strategy
