"""Stop when successive models say the same of the stop set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from altune.core.registry import register
from altune.knobs.stopping.base import Array, Criterion, Note, StopView, latest

if TYPE_CHECKING:
    from altune.core.types import RowNumbers


@register
class StabilizingPredictions(Criterion):
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

    def measure(self, view: StopView) -> dict[str, float]:
        """Note κ of the newest model with each of those before it."""
        if not view.predictions:
            return {}
        newest = view.predictions[-1]
        earlier = view.predictions[-2 : -self.models - 1 : -1]
        return {
            f"stop_kappa_{back}": cohen_kappa(newest, predictions, view.n_classes)
            for back, predictions in enumerate(earlier, start=1)
        }

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the mean κ."""
        return self.mean_kappa(notes)

    def reached(self, statistic: float) -> bool:
        """Return whether the mean κ is large enough."""
        return statistic >= self.threshold

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


@register
class ClassificationChange(Criterion):
    """Stop when the newest model puts no more than a share ``threshold`` of the stop set into another class."""

    source: ClassVar[str] = "Zhu, Wang & Hovy, Multi-Criteria-Based Strategy to Stop Active Learning, COLING 2008"
    watches_stop_set: ClassVar[bool] = True
    grows: ClassVar[bool] = False
    method: Literal["classification_change"] = "classification_change"
    threshold: float = Field(default=0.0, ge=0.0, le=0.5, description="share of changed predictions that is borne")

    def measure(self, view: StopView) -> dict[str, float]:
        """Note the share of the stop set whose predicted class changed."""
        if len(view.predictions) < 2:
            return {}
        return {"stop_changed": float(np.mean(view.predictions[-1] != view.predictions[-2]))}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the share that changed."""
        return latest(notes, "stop_changed")

    def reached(self, statistic: float) -> bool:
        """Return whether few enough changed."""
        return statistic <= self.threshold


@register
class DeltaF(Criterion):
    """Stop when the F measure is estimated to move no more: ΔF = 1 − 2a/(2a + b + c) < threshold, 3 loops in a row.

    a counts the rows of the stop set that both of two successive models put into the positive class, b and c those
    that one of them does. The paper has one positive class, which is ``average: positive`` here: the last class of
    the data set against the rest. ``macro`` takes the mean of ΔF over all classes that either model names.
    """

    source: ClassVar[str] = "Altschuler & Bloodgood, Stopping Active Learning Based on Predicted Change of F, ICSC 2019"
    watches_stop_set: ClassVar[bool] = True
    grows: ClassVar[bool] = False
    method: Literal["delta_f"] = "delta_f"
    threshold: float = Field(default=0.05, gt=0.0, le=0.5, description="ΔF to fall below")
    average: Literal["macro", "positive"] = Field(default="macro", description="over all classes, or the last one only")
    patience: int = Field(default=3, ge=1, le=10, description="loops in a row in which the rule must hold")

    def measure(self, view: StopView) -> dict[str, float]:
        """Note ΔF between the last two models."""
        if len(view.predictions) < 2:
            return {}
        changes = f_changes(view.predictions[-2], view.predictions[-1], view.n_classes)
        if self.average == "positive":
            return {"stop_delta_f_positive": float(np.nan_to_num(changes[-1]))}
        return {"stop_delta_f": float(np.nanmean(changes))}

    def statistic(self, notes: Sequence[Note]) -> float | None:
        """Return the newest ΔF."""
        return latest(notes, "stop_delta_f_positive" if self.average == "positive" else "stop_delta_f")

    def reached(self, statistic: float) -> bool:
        """Return whether ΔF is small enough."""
        return statistic < self.threshold


def cohen_kappa(a: RowNumbers, b: RowNumbers, n_classes: int) -> float:
    """Return Cohen's κ of two labellings; 1 where both are constant and equal.

    >>> cohen_kappa(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 2)
    0.5
    """
    table = np.bincount(a * n_classes + b, minlength=n_classes * n_classes).reshape(n_classes, n_classes) / len(a)
    observed = float(np.trace(table))
    expected = float(table.sum(axis=0) @ table.sum(axis=1))
    return 1.0 if expected >= 1.0 else (observed - expected) / (1.0 - expected)


def f_changes(a: RowNumbers, b: RowNumbers, n_classes: int) -> Array:
    """Return 1 − F of one labelling against the other for each class, ``(n_classes,)``; NaN where neither names it.

    >>> f_changes(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 3).round(3).tolist()
    [0.2, 0.333, nan]
    """
    both = np.bincount(a[a == b], minlength=n_classes)
    named = np.bincount(a, minlength=n_classes) + np.bincount(b, minlength=n_classes)
    with np.errstate(invalid="ignore", divide="ignore"):
        changes: Array = 1.0 - 2.0 * both / named
    return changes
