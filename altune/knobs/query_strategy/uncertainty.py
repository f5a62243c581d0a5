"""Strategies that ask where the model in hand is least sure."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from altune.core.metadata import Metadata
from altune.core.needs import Need
from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.uncertainty import entropy, least_confidence, margin
from altune.knobs.query_strategy.base import ScoreStrategy
from altune.knobs.query_strategy.learners import ModelledStrategy

UncertaintyKind = Literal["least_confidence", "margin", "entropy"]


@register
class LeastConfidence(ModelledStrategy, ScoreStrategy):
    """Least confidence: the largest 1 − p₁."""

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Lewis and Gale, A Sequential Algorithm for Training Text Classifiers, SIGIR 1994"

    method: Literal["least_confidence"] = "least_confidence"

    def scores(self, pool: Pool, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return 1 − p₁; for two classes −(p₁ − p₂), the same order."""
        known = self.known(pool, rng)
        return _two_class_score(known) if pool.n_classes == 2 else known.least_confidence


@register
class Margin(ModelledStrategy, ScoreStrategy):
    """Margin: the smallest p₁ − p₂."""

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Scheffer, Decomain, Wrobel, Active Hidden Markov Models, IDA 2001"

    method: Literal["margin"] = "margin"

    def scores(self, pool: Pool, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return −(p₁ − p₂)."""
        return -self.known(pool, rng).margin


@register
class Entropy(ModelledStrategy, ScoreStrategy):
    """Entropy: the largest H = −Σ p ln p."""

    needs: ClassVar[frozenset[Need]] = frozenset({"class_scores"})
    source: ClassVar[str] = "Shannon 1948; Settles, Active Learning Literature Survey, 2009"

    method: Literal["entropy"] = "entropy"

    def scores(self, pool: Pool, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return H in nats; for two classes −(p₁ − p₂), the same order."""
        known = self.known(pool, rng)
        return _two_class_score(known) if pool.n_classes == 2 else known.entropy


def uncertainty_of(probabilities: NDArray[np.float64], kind: UncertaintyKind) -> NDArray[np.float64]:
    """Return 1 − p₁, 1 − (p₁ − p₂) or the entropy of each row, ``(n_rows,)``; large is uncertain.

    >>> uncertainty_of(np.array([[0.5, 0.25, 0.25]]), "margin").tolist()
    [0.75]
    """
    if kind == "margin":
        return np.asarray(1.0 - margin(probabilities))
    return entropy(probabilities) if kind == "entropy" else least_confidence(probabilities)


def _two_class_score(known: Metadata) -> NDArray[np.float64]:
    """Return the order that all three share for two classes.

    Computed each in its own way they would part by rounding: entropy is flat near p = ½, so that rows
    of different margins would tie.
    """
    return -known.margin
