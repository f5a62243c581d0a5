"""Strategies composed of two others: a mixture with changing weights, and a switch."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, field_validator
from scipy.special import expit
from scipy.stats import rankdata

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array
from altune.knobs.query_strategy.base import (
    Choice,
    DelegatingStrategy,
    NestedStrategy,
    QueryStrategy,
    ScoreStrategy,
)
from altune.knobs.query_strategy.density import DensityWeighted
from altune.knobs.query_strategy.diversity import TypiClust
from altune.knobs.query_strategy.uncertainty import Margin


@register
class Mixture(ScoreStrategy):
    """Mixture of the ranks of two scores, with a weight that changes over time: w·rank(φ₁)/n + (1 − w)·rank(φ₂)/n.

    The weight of ``first`` is w(τ) = w⁰ + (w¹ − w⁰)·σ(s(τ − τ₀)) at τ = ln(labels bought) / ln(budget) in [0, 1]. Ranks
    are average ranks among the n candidates; the largest score has the largest rank. Both strategies must score each
    row independently; ``switch`` also combines strategies that select a batch as a whole, such as ``kcenter``.
    """

    source = "Ebert, Fritz, Schiele, RALF: A Reinforced Active Learning Formulation, CVPR 2012"

    method: Literal["mixture"] = "mixture"
    first: NestedStrategy = Field(default=DensityWeighted(), description="strategy with the weight w")
    second: NestedStrategy = Field(default=Margin(), description="strategy with the weight 1 − w")
    weight_start: float = Field(default=0.8, ge=0.0, le=1.0, description="weight w⁰ of `first` at the start")
    weight_end: float = Field(default=0.2, ge=0.0, le=1.0, description="weight w¹ of `first` at the end")
    steepness: float = Field(default=10.0, ge=0.0, le=100.0, description="steepness s of the change of the weight")
    midpoint: float = Field(
        default=0.5, ge=0.0, le=1.0, description="τ₀ at which the weight is halfway between w⁰ and w¹"
    )

    @field_validator("first", "second")
    @classmethod
    def _scores_rows(cls, strategy: QueryStrategy) -> QueryStrategy:
        if not isinstance(strategy, ScoreStrategy):
            raise ValueError(f"mixture needs strategies with scores, and {strategy.method!r} has none; use switch")
        return strategy

    def weight(self, progress: float) -> float:
        """Return w(τ) in [0, 1].

        >>> Mixture(weight_start=0.0, weight_end=1.0).weight(0.5)
        0.5
        """
        share = float(expit(self.steepness * (progress - self.midpoint)))
        return self.weight_start + (self.weight_end - self.weight_start) * share

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the weighted mean of both ranks, in (0, 1]."""
        first = _score_strategy(self.first).scores(pool, rng)
        second = _score_strategy(self.second).scores(pool, rng)
        return mix_ranks(first, second, self.weight(pool.progress))


@register
class Switch(DelegatingStrategy):
    """Switch: the strategy ``first`` until a share ``at`` of the budget is spent, and ``then`` afterwards.

    Published switches begin with a strategy for few labels, such as ``typiclust``, and continue with uncertainty.
    """

    source = "Hacohen, Dekel, Weinshall, Active Learning on a Budget, ICML 2022"

    method: Literal["switch"] = "switch"
    first: NestedStrategy = Field(default=TypiClust(), description="strategy of the first phase")
    then: NestedStrategy = Field(default=Margin(), description="strategy of the second phase")
    at: float = Field(
        default=0.2, gt=0.0, lt=1.0, description="share of the budget, in labels bought, at which `then` begins"
    )

    def choose(self, pool: Pool, size: int, rng: np.random.Generator) -> Choice:
        """Return the rows that the strategy of the current phase chooses."""
        late = pool.labels_bought >= self.at * pool.budget
        return (self.then if late else self.first).choose(pool, size, rng)


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
