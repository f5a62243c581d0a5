"""Stopping rules that compare the predictions of successive models on the stop set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.registry import register
from altune.core.types import Array, Codes
from altune.knobs.stopping.base import Criterion, Note, StopView, ThresholdCriterion, latest


@register
class StabilizingPredictions(ThresholdCriterion):
    """Stop when the mean of Cohen's κ between models on the stop set is at least ``threshold``.

    With ``average: pairs`` it is the mean over all pairs of the last ``models`` models, with ``successive`` the mean
    over the last ``models`` pairs of successive models.
    """

    source = "Bloodgood and Vijay-Shanker, Stopping Based on Stabilizing Predictions, CoNLL 2009"
    watches_stop_set = True
    method: Literal["stabilizing_predictions"] = "stabilizing_predictions"
    threshold: float = Field(default=0.99, ge=0.5, le=1.0, description="smallest mean κ that stops")
    models: int = Field(default=3, ge=2, le=5, description="number of models, or of successive pairs")
    average: Literal["pairs", "successive"] = Field(
        default="pairs", description="pairs of models over which κ is averaged"
    )

    def measure(self, view: StopView) -> dict[str, float]:
        """Note κ of the latest model with each earlier one."""
        if not view.predictions:
            return {}
        current = view.predictions[-1]
        earlier = view.predictions[-2 : -self.models - 1 : -1]
        return {
            f"stop_kappa_{back}": cohen_kappa(current, predictions, view.n_classes)
            for back, predictions in enumerate(earlier, start=1)
        }

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the mean κ, or None while there are too few models."""
        if self.average == "successive":
            kappas = [note.get("stop_kappa_1") for note in notes[-self.models :]]
            n_pairs = self.models
        else:
            kappas = [
                note.get(f"stop_kappa_{back}")
                for age, note in enumerate(reversed(notes[-self.models + 1 :]))
                for back in range(1, self.models - age)
            ]
            n_pairs = self.models * (self.models - 1) // 2
        existing = [kappa for kappa in kappas if kappa is not None]
        return float(np.mean(existing)) if len(existing) == n_pairs else None


@register
class ClassificationChange(ThresholdCriterion):
    """Stop when at most a share ``threshold`` of the stop set has another predicted class than in the last loop."""

    source = "Zhu, Wang, Hovy, Multi-Criteria-Based Strategy to Stop Active Learning, COLING 2008"
    watches_stop_set = True
    grows = False
    key = "stop_changed"
    method: Literal["classification_change"] = "classification_change"
    threshold: float = Field(default=0.0, ge=0.0, le=0.5, description="largest share of changed predictions that stops")

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the share of the stop set whose predicted class changed."""
        if len(view.predictions) < 2:
            return {}
        return {self.key: float(np.mean(view.predictions[-1] != view.predictions[-2]))}


@register
class DeltaF(Criterion):
    """Stop when the predicted change of the F measure, ΔF = 1 − 2a/(2a + b + c), is below ``threshold``.

    a is the number of rows of the stop set that two successive models both assign to the positive class, b and c the
    numbers that only one of them assigns to it. With ``average: positive``, as in the paper, the positive class is the
    last class of the data set; ``macro`` is the mean of ΔF over all classes that either model predicts.
    """

    source = "Altschuler and Bloodgood, Stopping Active Learning Based on Predicted Change of F, ICSC 2019"
    watches_stop_set = True
    grows = False
    method: Literal["delta_f"] = "delta_f"
    threshold: float = Field(default=0.05, gt=0.0, le=0.5, description="ΔF below which labelling stops")
    average: Literal["macro", "positive"] = Field(
        default="macro", description="classes of ΔF: the mean over all classes, or the last one only"
    )
    patience: int = Field(default=3, ge=1, le=10, description="number of loops in a row in which the rule must hold")

    def measure(self, view: StopView) -> dict[str, float]:
        """Note ΔF between the last two models."""
        if len(view.predictions) < 2:
            return {}
        changes = f_changes(view.predictions[-2], view.predictions[-1], view.n_classes)
        if self.average == "positive":
            return {"stop_delta_f_positive": float(np.nan_to_num(changes[-1]))}
        return {"stop_delta_f": float(np.nanmean(changes))}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the latest ΔF."""
        return latest(notes, "stop_delta_f_positive" if self.average == "positive" else "stop_delta_f")

    def reached(self, statistic: float) -> bool:
        """Return whether ΔF is small enough."""
        return statistic < self.threshold


def cohen_kappa(a: Codes, b: Codes, n_classes: int) -> float:
    """Return Cohen's κ of two labellings; 1 if both are constant and equal.

    >>> cohen_kappa(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 2)
    0.5
    """
    table = np.bincount(a * n_classes + b, minlength=n_classes * n_classes).reshape(n_classes, n_classes) / len(a)
    observed = float(np.trace(table))
    expected = float(table.sum(axis=0) @ table.sum(axis=1))
    return 1.0 if expected >= 1.0 else (observed - expected) / (1.0 - expected)


def f_changes(a: Codes, b: Codes, n_classes: int) -> Array:
    """Return 1 − F of one labelling against the other for each class, ``(n_classes,)``; NaN if neither has the class.

    >>> f_changes(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 3).round(3).tolist()
    [0.2, 0.333, nan]
    """
    both = np.bincount(a[a == b], minlength=n_classes)
    named = np.bincount(a, minlength=n_classes) + np.bincount(b, minlength=n_classes)
    with np.errstate(invalid="ignore", divide="ignore"):
        changes: Array = 1.0 - 2.0 * both / named
    return changes
