"""Knob 5: when to end before the budget does.

A rule is a pure function of what it noted in each loop, so that one full trajectory scores every rule afterwards
by replay. The exception is ``target``, whose hold-out purchases change the trajectory.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.registry import Method, register
from altune.statistics import bootstrap_low, wilson_low

if TYPE_CHECKING:
    from altune.pool import Rows

STOP_SET_ROWS = 1000
Note = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class StopView:
    """What a stopping rule may see after a loop's model was trained.

    Attributes
    ----------
    predictions : predicted classes of the stop set (at most 1000 fixed pool rows) by each model so far, oldest
        first, each ``(n_stop_set,)``.
    held_out_labels : labels of the rows bought for validation, ``(n_held_out,)``.
    held_out_predictions : what the model in hand says of them.
    labels_bought : labels bought so far.
    n_classes : classes of the scenario.
    rng : the rule's own random stream of this loop.
    """

    predictions: Sequence[Rows]
    held_out_labels: Rows
    held_out_predictions: Rows
    labels_bought: int
    n_classes: int
    rng: np.random.Generator


class Stopping(Method):
    """Base of every method of ``stopping``."""

    knob: ClassVar[str] = "stopping"
    watches_stop_set: ClassVar[bool] = False

    @property
    def held_out_rows(self) -> int:
        """Rows bought at random for validation before anything else, charged to the budget."""
        return 0

    @abstractmethod
    def note(self, view: StopView) -> dict[str, float]:
        """Return the numbers of this loop that the rule decides on; they are stored with the curve."""

    @abstractmethod
    def fires(self, notes: Sequence[Note]) -> bool:
        """Return whether to stop now, given the notes of all loops so far, oldest first."""


@register
class BudgetOnly(Stopping):
    """Go on until labels, loops or the pool are used up."""

    method: Literal["budget"] = "budget"

    def note(self, view: StopView) -> dict[str, float]:
        """Note nothing."""
        return {}

    def fires(self, notes: Sequence[Note]) -> bool:
        """Never fire."""
        return False


@register
class Target(Stopping):
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
    patience: int = Field(default=1, ge=1, le=10, description="loops in a row that must reach the target")

    @property
    def held_out_rows(self) -> int:
        """Rows bought for validation only."""
        return self.holdout

    def note(self, view: StopView) -> dict[str, float]:
        """Note the lower bound of the score on the held-out labels."""
        if len(view.held_out_labels) == 0:
            return {"stop_lower_bound": 0.0}
        right = view.held_out_predictions == view.held_out_labels
        if self.metric == "accuracy":
            low = wilson_low(int(right.sum()), len(right), self.confidence)
        else:
            low = bootstrap_low(balanced_hits(right, view.held_out_labels), self.confidence, view.rng)
        return {"stop_lower_bound": low}

    def fires(self, notes: Sequence[Note]) -> bool:
        """Fire when the bound reached the target in each of the last ``patience`` loops."""
        return last_all(notes, "stop_lower_bound", self.patience, lambda value: value >= self.score)


@register
class StabilizingPredictions(Stopping):
    """Stop when successive models agree: Cohen's κ on the stop set, averaged over the last models, ≥ threshold.

    With ``average: pairs`` it is the mean κ of all pairs among the last ``models`` models, with ``successive`` the
    mean κ of the last ``models`` successive pairs.
    """

    source: ClassVar[str] = "Bloodgood & Vijay-Shanker, CoNLL 2009"
    watches_stop_set: ClassVar[bool] = True
    method: Literal["stabilizing_predictions"] = "stabilizing_predictions"
    threshold: float = Field(default=0.99, ge=0.5, le=1.0, description="mean κ to reach")
    models: int = Field(default=3, ge=2, le=5, description="models (or successive pairs) that are averaged")
    average: Literal["pairs", "successive"] = Field(default="pairs", description="which κ are averaged")
    patience: int = Field(default=1, ge=1, le=10, description="loops in a row that must reach the threshold")

    def note(self, view: StopView) -> dict[str, float]:
        """Note κ of the newest model with each of those before it."""
        newest = view.predictions[-1]
        earlier = view.predictions[-2 : -self.models - 1 : -1]
        return {
            f"stop_kappa_{back}": cohen_kappa(newest, predictions, view.n_classes)
            for back, predictions in enumerate(earlier, start=1)
        }

    def fires(self, notes: Sequence[Note]) -> bool:
        """Fire when the mean κ reached the threshold in each of the last ``patience`` loops."""
        for end in range(len(notes), len(notes) - self.patience, -1):
            mean = self.mean_kappa(notes[:end])
            if mean is None or mean < self.threshold:
                return False
        return True

    def mean_kappa(self, notes: Sequence[Note]) -> float | None:
        """Return the mean κ that the rule looks at, None while there are too few models."""
        if self.average == "successive":
            kappas = [note.get("stop_kappa_1") for note in notes[-self.models :]]
            wanted = self.models
        else:
            kappas = [
                note.get(f"stop_kappa_{back}")
                for age, note in enumerate(reversed(notes[-self.models + 1 :]))
                for back in range(1, self.models - age)
            ]
            wanted = self.models * (self.models - 1) // 2
        known = [kappa for kappa in kappas if kappa is not None]
        return float(np.mean(known)) if len(known) == wanted else None


def cohen_kappa(a: Rows, b: Rows, n_classes: int) -> float:
    """Return Cohen's κ of two labellings; 1 where both are constant and equal.

    >>> cohen_kappa(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 2)
    0.5
    """
    table = np.bincount(a * n_classes + b, minlength=n_classes * n_classes).reshape(n_classes, n_classes) / len(a)
    observed = float(np.trace(table))
    expected = float(table.sum(axis=0) @ table.sum(axis=1))
    return 1.0 if expected >= 1.0 else (observed - expected) / (1.0 - expected)


def balanced_hits(right: NDArray[np.bool_], labels: Rows) -> NDArray[np.float64]:
    """Return hits weighted so that their mean is the balanced accuracy, ``(n_rows,)``."""
    counts = np.bincount(labels)
    weight = len(labels) / (np.count_nonzero(counts) * counts[labels])
    result: NDArray[np.float64] = right * weight
    return result


def last_all(notes: Sequence[Note], key: str, patience: int, holds: Callable[[float], bool]) -> bool:
    """Return whether a condition held for ``key`` in each of the last ``patience`` notes."""
    recent = [note[key] for note in notes[-patience:] if key in note]
    return len(recent) == patience and all(holds(value) for value in recent)
