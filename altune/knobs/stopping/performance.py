"""Stop when the model is good enough, by held-out labels, by new ones, or by its own estimate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.core.needs import Need
from altune.core.registry import register
from altune.core.uncertainty import margin
from altune.knobs.stopping.base import Array, Criterion, Note, StopView, latest
from altune.knobs.stopping.uncertainty import SCORES
from altune.numerics.statistics import bootstrap_low, wilson_low

if TYPE_CHECKING:
    from altune.core.types import RowNumbers


@register
class Target(Criterion):
    """Stop when the score is surely good enough: its lower bound on held-out labels reaches the target.

    The held-out rows are bought at random before the first model and count towards the budget; no model is trained
    on them. For accuracy the bound is Wilson's, for balanced accuracy a percentile bootstrap's.
    """

    source: ClassVar[str] = "Wilson, JASA 1927 (the interval); Efron & Tibshirani 1993 (the bootstrap)"
    method: Literal["target"] = "target"
    score: float = Field(default=0.9, gt=0.0, lt=1.0, description="score to reach")
    metric: Literal["accuracy", "balanced_accuracy"] = Field(default="accuracy", description="score that is meant")
    confidence: float = Field(default=0.9, ge=0.5, le=0.999, description="one-sided confidence of the bound")
    holdout: int = Field(default=30, ge=5, le=10_000, description="rows bought for validation only")

    @property
    def held_out_rows(self) -> int:
        """RowNumbers bought for validation only."""
        return self.holdout

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the lower bound of the score on the held-out labels."""
        if len(view.held_out_labels) == 0:
            return {"stop_lower_bound": 0.0}
        right = view.held_out_predictions == view.held_out_labels
        if self.metric == "accuracy":
            low = wilson_low(int(right.sum()), len(right), self.confidence)
        else:
            low = bootstrap_low(balanced_hits(right, view.held_out_labels), self.confidence, view.rng)
        return {"stop_lower_bound": low}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the newest lower bound."""
        return latest(notes, "stop_lower_bound")

    def reached(self, statistic: float) -> bool:
        """Return whether the bound reaches the target."""
        return statistic >= self.score


@register
class OracleAccuracy(Criterion):
    """Stop when the model was right on the rows that it chose: its accuracy on the new labels ≥ threshold.

    The labels are those that were bought, so annotators who err hold it down.
    """

    source: ClassVar[str] = "Zhu & Hovy, EMNLP 2007 (there called min-error)"
    method: Literal["oracle_accuracy"] = "oracle_accuracy"
    threshold: float = Field(default=0.9, gt=0.0, le=1.0, description="accuracy on the new labels to reach")

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the accuracy of the model that chose them on the rows of this loop."""
        said, labels = view.watched.new_predictions, view.watched.new_labels
        return {"stop_oracle_accuracy": float(np.mean(said == labels))} if len(labels) else {}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the newest accuracy."""
        return latest(notes, "stop_oracle_accuracy")

    def reached(self, statistic: float) -> bool:
        """Return whether it is large enough."""
        return statistic >= self.threshold


class Convergence(Criterion):
    """A quantity has stopped growing: its slope over a window of loops lies in (0, threshold), at a new maximum.

    The slope is the difference between the averages of two successive windows, a loop apart, as the paper has it.
    """

    needs: ClassVar[frozenset[Need]] = SCORES
    grows: ClassVar[bool] = False
    only_decides: ClassVar[frozenset[str]] = Criterion.only_decides | {"window"}
    _key: ClassVar[str] = ""

    window: int = Field(default=10, ge=2, le=100, description="loops in a window")
    threshold: float = Field(default=5e-5, gt=0.0, le=0.1, description="slope a loop to fall below")

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the slope, None before there are two windows."""
        values = self._values(notes)
        if len(values) <= self.window or latest(notes, self._key) is None:
            return None
        return self._average(values[-self.window :]) - self._average(values[-self.window - 1 : -1])

    def reached(self, statistic: float) -> bool:
        """Return whether the slope is positive and small."""
        return 0.0 < statistic < self.threshold

    def holds(self, notes: Sequence[Note]) -> bool:
        """Return whether the slope is small at a value that was never reached before."""
        if not super().holds(notes):
            return False
        values = self._values(notes)
        return values[-1] > max(values[:-1])

    def _values(self, notes: Sequence[Note]) -> list[float]:
        return [note[self._key] for note in notes if self._key in note]

    def _average(self, values: Sequence[float]) -> float:
        return float(np.mean(values))


@register
class PerformanceConvergence(Convergence):
    """Stop when the F measure that the model expects of itself has converged on the stop set.

    F is estimated from class scores alone, the mean over classes of 2TP/(2TP + FP + FN), where a row counts in each
    class by its score.
    """

    source: ClassVar[str] = "Laws & Schütze, Stopping Criteria for Active Learning of NER, COLING 2008"
    method: Literal["performance_convergence"] = "performance_convergence"
    _key: ClassVar[str] = "stop_expected_f"

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the expected F measure."""
        scores = view.watched.scores
        return {self._key: expected_f(scores)} if len(scores) else {}


@register
class UncertaintyConvergence(Convergence):
    """Stop when the certainty of the model about the rows that it chooses has converged.

    It is the smallest margin p₁ − p₂ of the rows of a loop as the model that chose them saw them; windows are
    averaged by their medians.
    """

    source: ClassVar[str] = "Laws & Schütze, Stopping Criteria for Active Learning of NER, COLING 2008"
    method: Literal["uncertainty_convergence"] = "uncertainty_convergence"
    _key: ClassVar[str] = "stop_selected_margin"

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the smallest margin of the new rows."""
        scores = view.watched.new_scores
        return {self._key: float(margin(scores).min())} if len(scores) else {}

    def _average(self, values: Sequence[float]) -> float:
        return float(np.median(values))


def expected_f(scores: Array) -> float:
    """Return the mean over predicted or likely classes of the F measure that class scores expect of themselves.

    Source: D. D. Lewis, *Evaluating and Optimizing Autonomous Text Classification Systems*, SIGIR 1995.

    >>> expected_f(np.array([[1.0, 0.0], [0.0, 1.0]]))
    1.0
    """
    named = np.argmax(scores, axis=1)
    hits = np.bincount(named, weights=scores.max(axis=1), minlength=scores.shape[1])
    total = np.bincount(named, minlength=scores.shape[1]) + scores.sum(axis=0)
    known = total > 0
    return float(np.mean(2.0 * hits[known] / total[known]))


def balanced_hits(right: NDArray[np.bool_], labels: RowNumbers) -> Array:
    """Return hits weighted so that their mean is the balanced accuracy, ``(n_rows,)``."""
    counts = np.bincount(labels)
    weight = len(labels) / (np.count_nonzero(counts) * counts[labels])
    result: Array = right * weight
    return result
