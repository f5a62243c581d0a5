"""Uncertainty sampling: strategies that select the rows about which the current model is least certain."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array
from altune.core.uncertainty import entropy, least_confidence, margin
from altune.knobs.query_strategy.base import ScoreStrategy
from altune.knobs.query_strategy.learners import ModelledStrategy

UncertaintyKind = Annotated[
    Literal["least_confidence", "margin", "entropy"],
    Field(
        description="uncertainty of a row: `least_confidence` 1 − p₁, `margin` 1 − (p₁ − p₂), or the `entropy` in nats"
    ),
]
"""The type of a parameter that chooses a measure of uncertainty."""


@register
class LeastConfidence(ModelledStrategy, ScoreStrategy):
    """Least confidence: the rows with the largest 1 − p₁, p₁ the probability of the most probable class."""

    needs = frozenset({"class_scores"})
    source = "Lewis and Gale, A Sequential Algorithm for Training Text Classifiers, SIGIR 1994"

    alike_for_two_classes = "margin"

    method: Literal["least_confidence"] = "least_confidence"

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return 1 − p₁; for two classes −(p₁ − p₂), which gives the same order."""
        known = self.known(pool, rng)
        return _two_class_score(known) if pool.n_classes == 2 else known.least_confidence


@register
class Margin(ModelledStrategy, ScoreStrategy):
    """Margin: the rows with the smallest p₁ − p₂, the difference between the two most probable classes."""

    needs = frozenset({"class_scores"})
    source = "Scheffer, Decomain, Wrobel, Active Hidden Markov Models, IDA 2001"

    method: Literal["margin"] = "margin"

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return −(p₁ − p₂)."""
        return -self.known(pool, rng).margin


@register
class Entropy(ModelledStrategy, ScoreStrategy):
    """Entropy: the rows with the largest entropy −Σ_k p_k ln p_k of the class probabilities."""

    needs = frozenset({"class_scores"})
    source = "Shannon, A Mathematical Theory of Communication, 1948; Settles, Active Learning Literature Survey, 2009"

    alike_for_two_classes = "margin"

    method: Literal["entropy"] = "entropy"

    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return the entropy in nats; for two classes −(p₁ − p₂), which gives the same order."""
        known = self.known(pool, rng)
        return _two_class_score(known) if pool.n_classes == 2 else known.entropy


def uncertainty_of(probabilities: Array, kind: UncertaintyKind) -> Array:
    """Return the uncertainty of each row, ``(n_rows,)``; a large value is uncertain.

    >>> uncertainty_of(np.array([[0.5, 0.25, 0.25]]), "margin").tolist()
    [0.75]
    """
    if kind == "margin":
        return np.asarray(1.0 - margin(probabilities))
    return entropy(probabilities) if kind == "entropy" else least_confidence(probabilities)


def _two_class_score(known: Metadata) -> Array:
    """Return a score with the order that all three strategies share for two classes."""
    # Their own formulas would differ by rounding: the entropy is flat near p = ½, where different margins would tie.
    return -known.margin
