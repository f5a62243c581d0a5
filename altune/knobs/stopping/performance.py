"""Stopping rules by the performance of the model: on held-out labels, on new labels, or by its own estimate."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.needs import Capabilities
from altune.core.registry import register
from altune.core.types import Array, Learner
from altune.core.uncertainty import margin
from altune.knobs.stopping.base import LABELS, Criterion, Note, StopView, ThresholdCriterion, latest
from altune.knobs.stopping.uncertainty import SCORES
from altune.numerics.rates import binomial_levels, mean_rate_p

_LEAST = "stop_faultless_p"
_HELD_OUT = "stop_held_out"


@register
class Target(Criterion):
    """Stop when held-out labels show that the score is at least ``score``.

    The held-out rows are bought at random before the first model and count towards the budget; no model is trained on
    them. In each loop, the p-value of a true score below the target is computed: exactly for accuracy, by Chernoff's
    bound for balanced accuracy. The rule stops when it is small enough.

    ``confidence`` is that of a whole run: whatever the models, at most a share 1 − ``confidence`` of all runs stops
    with a model whose true score is below the target. For this, the probability 1 − ``confidence`` is spread evenly
    over the first ``looks`` models; what a loop cannot use is left to the next ones. Among the runs that *stop*, the
    share of such models may be larger: if no model ever reaches the target, every stop is wrong. A patience counts
    loops in which a stop is possible.

    Without an error on n held-out rows, the p-value of an accuracy a is aⁿ. With the default confidence, an accuracy
    of .9 needs 22 rows, and 51 to stop after the first model; .95 needs 45 and 104.
    """

    source = "Clopper and Pearson, Biometrika 1934 (accuracy); Lan and DeMets, Biometrika 1983 (repeated looks)"
    key = "stop_p_value"
    grows = False
    method: Literal["target"] = "target"
    score: float = Field(default=0.9, gt=0.0, lt=1.0, description="score that the held-out labels must show")
    metric: Literal["accuracy", "balanced_accuracy"] = Field(default="accuracy", description="metric of the score")
    confidence: float = Field(
        default=0.9, ge=0.5, le=0.999, description="probability that a run does not stop below the score"
    )
    holdout: int = Field(default=30, ge=5, le=10_000, description="number of rows bought for validation only")
    looks: int = Field(
        default=20, ge=1, le=10_000, description="number of models over which the confidence is spread, from the first"
    )

    @property
    def held_out_rows(self) -> int:
        """Number of rows bought for validation only."""
        return self.holdout

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Return a line if the rule could not stop even with a model that makes no error."""
        groups = 1 if self.metric == "accuracy" else capabilities.n_classes
        least = faultless_p(tuple(len(part) for part in np.array_split(np.arange(self.holdout), groups)), self.score)
        if least <= self._error:
            return []
        return [
            f"stopping 'target' can never stop: even without an error, {self.holdout} held-out rows do not show "
            f"{self.metric} {self.score:g} (p-value {least:.2g}, above {self._error:.2g}); give a larger holdout, or a "
            "lower score or confidence"
        ]

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the p-value on the held-out labels, that of a model without any error, and the number of labels."""
        labels = view.held_out_labels
        if len(labels) == 0:
            return {}
        groups, n_groups = (np.zeros_like(labels), 1) if self.metric == "accuracy" else (labels, view.n_classes)
        trials = np.bincount(groups, minlength=n_groups)
        hits = np.bincount(groups, weights=view.held_out_predictions == labels, minlength=n_groups)
        least = faultless_p(tuple(trials.tolist()), self.score)
        return {self.key: mean_rate_p(hits, trials, self.score), _LEAST: least, _HELD_OUT: float(len(labels))}

    def reached(self, statistic: float) -> bool:
        """Return whether a p-value would be small enough for a single look."""
        return statistic <= self._error

    def fires(self, notes: Sequence[Note]) -> bool:
        """Return whether the p-values of the last looks were small enough, and the minimum is bought."""
        decisions = self._looks(notes)
        if not decisions or decisions[-1][0] != len(notes) - 1 or len(decisions) < self.patience:
            return False
        return all(small for _, small in decisions[-self.patience :])

    @property
    def _error(self) -> float:
        return 1.0 - self.confidence

    def _looks(self, notes: Sequence[Note]) -> list[tuple[int, bool]]:
        """Return the loops in which a stop was possible, and whether the p-value was small enough there."""
        spent, decisions = 0.0, []
        for loop, note in enumerate(notes):
            level = self._error * min(loop + 1, self.looks) / self.looks - spent
            if self.key not in note or note[_LEAST] > level or note.get(LABELS, 0.0) < self.minimum:
                continue
            decisions.append((loop, note[self.key] <= level))
            # The p-values of accuracy are few: the highest one that would do is what this look can be wrong with.
            levels = (
                binomial_levels(int(note[_HELD_OUT]), self.score) if self.metric == "accuracy" else np.array([level])
            )
            spent += float(levels[levels <= level].max())
        return decisions


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


@lru_cache(maxsize=64)
def faultless_p(trials: tuple[int, ...], rate: float) -> float:
    """Return the p-value of :func:`altune.numerics.rates.mean_rate_p` if every trial is a hit."""
    return mean_rate_p(trials, trials, rate)
