"""Stopping rules by the performance of the model: on held-out labels, on new labels, or by its own estimate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.registry import register
from altune.core.types import Array, Codes
from altune.core.uncertainty import margin
from altune.knobs.stopping.base import Criterion, Note, StopView, ThresholdCriterion, latest
from altune.knobs.stopping.uncertainty import SCORES
from altune.numerics.statistics import bootstrap_low, wilson_low


@register
class Target(Criterion):
    """Stop when a lower confidence bound of the score on held-out labels is at least ``score``.

    The held-out rows are bought at random before the first model and count towards the budget; no model is trained on
    them. The bound is Wilson's for accuracy and a percentile bootstrap for balanced accuracy. Its confidence is that of
    a single loop: the bound is not corrected for being checked in every loop.
    """

    source = "Wilson, JASA 1927 (the interval); Efron and Tibshirani 1993 (the bootstrap)"
    key = "stop_lower_bound"
    method: Literal["target"] = "target"
    score: float = Field(default=0.9, gt=0.0, lt=1.0, description="score that the lower bound must reach")
    metric: Literal["accuracy", "balanced_accuracy"] = Field(default="accuracy", description="metric of the score")
    confidence: float = Field(
        default=0.9, ge=0.5, le=0.999, description="one-sided confidence of the bound in a single loop"
    )
    holdout: int = Field(default=30, ge=5, le=10_000, description="number of rows bought for validation only")

    @property
    def held_out_rows(self) -> int:
        """Number of rows bought for validation only."""
        return self.holdout

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the lower bound of the score on the held-out labels."""
        if len(view.held_out_labels) == 0:
            return {self.key: 0.0}
        right = view.held_out_predictions == view.held_out_labels
        if self.metric == "accuracy":
            low = wilson_low(int(right.sum()), len(right), self.confidence)
        else:
            low = bootstrap_low(balanced_hits(right, view.held_out_labels), self.confidence, view.rng)
        return {self.key: low}

    def reached(self, statistic: float) -> bool:
        """Return whether the bound reaches the target."""
        return statistic >= self.score


@register
class OracleAccuracy(ThresholdCriterion):
    """Stop when the accuracy on the rows of a loop, of the model that selected them, is at least ``threshold``.

    The labels are those that were bought, so errors of annotators lower the accuracy.
    """

    source = "Zhu and Hovy, Active Learning for Word Sense Disambiguation, EMNLP 2007 (there called min-error)"
    key = "stop_oracle_accuracy"
    method: Literal["oracle_accuracy"] = "oracle_accuracy"
    threshold: float = Field(default=0.9, gt=0.0, le=1.0, description="smallest accuracy on the new labels that stops")

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the accuracy on the rows of this loop of the model that selected them."""
        predictions, labels = view.evidence.new_predictions, view.evidence.new_labels
        return {self.key: float(np.mean(predictions == labels))} if len(labels) else {}


class Convergence(Criterion):
    """Base of rules that stop when a quantity has converged.

    Its slope must lie in (0, ``threshold``) at a new maximum of the quantity. The slope is the difference between the
    averages of the last window of loops and of the one a loop earlier, as in the paper.
    """

    needs = SCORES
    grows = False
    only_decides = Criterion.only_decides | {"window"}

    window: int = Field(default=10, ge=2, le=100, description="number of loops in a window")
    threshold: float = Field(default=5e-5, gt=0.0, le=0.1, description="slope per loop below which labelling stops")

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the slope, or None before there are two windows."""
        values = self._values(notes)
        if len(values) <= self.window or latest(notes, self.key) is None:
            return None
        return self._average(values[-self.window :]) - self._average(values[-self.window - 1 : -1])

    def reached(self, statistic: float) -> bool:
        """Return whether the slope is positive and small."""
        return 0.0 < statistic < self.threshold

    def holds(self, notes: Sequence[Note]) -> bool:
        """Return whether the slope is small at a new maximum of the quantity."""
        if not super().holds(notes):
            return False
        values = self._values(notes)
        return values[-1] > max(values[:-1])

    def _values(self, notes: Sequence[Note]) -> list[float]:
        return [note[self.key] for note in notes if self.key in note]

    def _average(self, values: Sequence[float]) -> float:
        return float(np.mean(values))


@register
class PerformanceConvergence(Convergence):
    """Stop when the model's own estimate of its F measure on the stop set has converged.

    F is estimated from class scores alone: the mean over classes of 2TP/(2TP + FP + FN), in which a row counts for each
    class with its score. It has converged when the slope of its mean over the last ``window`` loops is between 0 and
    ``threshold`` at a new maximum of F.
    """

    source = "Laws and Schütze, Stopping Criteria for Active Learning of Named Entity Recognition, COLING 2008"
    method: Literal["performance_convergence"] = "performance_convergence"
    key = "stop_expected_f"

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the expected F measure."""
        scores = view.evidence.scores
        return {self.key: expected_f(scores)} if len(scores) else {}


@register
class UncertaintyConvergence(Convergence):
    """Stop when the certainty of the model about the rows that it selects has converged.

    The certainty is the smallest margin p₁ − p₂ of the rows of a loop by the model that selected them. It has converged
    when the slope of its median over the last ``window`` loops is between 0 and ``threshold`` at a new maximum.
    """

    source = "Laws and Schütze, Stopping Criteria for Active Learning of Named Entity Recognition, COLING 2008"
    method: Literal["uncertainty_convergence"] = "uncertainty_convergence"
    key = "stop_selected_margin"

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the smallest margin of the new rows."""
        scores = view.evidence.new_scores
        return {self.key: float(margin(scores).min())} if len(scores) else {}

    def _average(self, values: Sequence[float]) -> float:
        return float(np.median(values))


def expected_f(scores: Array) -> float:
    """Return the F measure expected from class scores, averaged over the classes with a prediction or a score above 0.

    Source: D. D. Lewis, *Evaluating and Optimizing Autonomous Text Classification Systems*, SIGIR 1995.

    >>> expected_f(np.array([[1.0, 0.0], [0.0, 1.0]]))
    1.0
    """
    predicted = np.argmax(scores, axis=1)
    hits = np.bincount(predicted, weights=scores.max(axis=1), minlength=scores.shape[1])
    total = np.bincount(predicted, minlength=scores.shape[1]) + scores.sum(axis=0)
    occurs = total > 0
    return float(np.mean(2.0 * hits[occurs] / total[occurs]))


def balanced_hits(right: NDArray[np.bool_], labels: Codes) -> Array:
    """Return hits weighted such that their mean is the balanced accuracy, ``(n_rows,)``."""
    counts = np.bincount(labels)
    weight = len(labels) / (np.count_nonzero(counts) * counts[labels])
    return right * weight
