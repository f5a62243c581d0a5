"""A hyperparameter tuned again on the labels so far, by cross-validation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from sklearn.model_selection import StratifiedKFold

from altune.core.needs import Capabilities, Need
from altune.core.registry import describe_parameters, register
from altune.core.types import Learner
from altune.knobs.training.base import LabelsSoFar, Training, not_offered, set_hyperparameter

if TYPE_CHECKING:
    from altune.core.types import Features, RowNumbers
    from altune.models import FittedModel, Model


@register
class Retune(Training):
    """One hyperparameter chosen by stratified cross-validation on the labels so far, again and again.

    h = argmax over the values of the mean over the rows of ln p(true class), or of the hits, by models that were
    not trained on them; among equals the value in use, else the first. The values are listed, or ``points`` in
    equal steps of the logarithm from ``low`` to ``high``. It is due every ``every`` loops or whenever the labels have
    doubled since the first loop, and skipped while a class has fewer rows than there are folds; in between the last
    choice holds. Its time counts as training.
    """

    source: ClassVar[str] = "Stone, JRSS B 1974 (cross-validation); Arlot & Celisse, Statistics Surveys 2010"
    method: Literal["retune"] = "retune"
    hyperparameter: str = Field(default="C", description="the model's hyperparameter that is tuned")
    values: tuple[Annotated[float, Field(ge=-1e9, le=1e9)], ...] | None = Field(
        default=None, min_length=2, max_length=100, description="values to choose from, in place of the range"
    )
    low: float = Field(default=0.01, gt=0.0, le=1e9, description="smallest value of the range")
    high: float = Field(default=100.0, gt=0.0, le=1e9, description="largest value of the range")
    points: int = Field(default=5, ge=2, le=50, description="values of the range, in equal steps of the logarithm")
    when: Literal["doublings", "loops"] = Field(default="doublings", description="what makes it due")
    every: int = Field(default=1, ge=1, le=100, description="loops (when: loops) or doublings from one to the next")
    folds: int = Field(default=3, ge=2, le=10, description="folds of the cross-validation")
    judge: Literal["log_probability", "accuracy"] = Field(
        default="log_probability", description="what is the mean of over the rows left out"
    )

    def required(self) -> frozenset[Need]:
        """The mean log-probability needs class scores."""
        return frozenset({"class_scores"} if self.judge == "log_probability" else ())

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Say so where the model has no such hyperparameter, or not such values of it."""
        found = not_offered(self, self.hyperparameter, model)
        if found:
            return found
        if self.values is None and not self.low < self.high:
            return [f"training 'retune': low must be below high, {self.low:g} is not below {self.high:g}"]
        declared = describe_parameters(type(model))[self.hyperparameter]
        low, high = declared.get("low", -math.inf), declared.get("high", math.inf)
        outside = [value for value in self.offered() if not low <= value <= high]
        if not outside:
            return []
        return [
            f"training 'retune' tries {outside[0]:g} for {self.hyperparameter!r}, which goes from {low:g} to {high:g} "
            f"for {model.method!r}"
        ]

    def offered(self) -> tuple[float, ...]:
        """Return the values to choose from, in order."""
        if self.values is not None:
            return self.values
        return tuple(float(f"{value:.6g}") for value in np.geomspace(self.low, self.high, self.points))

    def adapt(self, model: Model, n_labels: int, first_labels: int) -> Model:
        """Return the model as it is: what it becomes depends on the labels, not on their number."""
        return model

    def tune(self, model: Model, so_far: LabelsSoFar) -> Model:
        """Return the model with the best value where that is due, else with the last one."""
        current = model
        if so_far.last is not None:
            kept = getattr(so_far.last, self.hyperparameter)
            current = model.model_copy(update={self.hyperparameter: kept})
        counts = np.bincount(so_far.y)
        enough = np.count_nonzero(counts) >= 2 and counts[counts > 0].min() >= self.folds
        return self.choose(current, so_far) if enough and self.due(so_far) else current

    def due(self, so_far: LabelsSoFar) -> bool:
        """Return whether this loop tunes, labels permitting."""
        if self.when == "loops":
            return so_far.loop % self.every == 0
        if so_far.last_labels == 0:
            return True
        now, before = (
            math.floor(math.log2(max(1.0, labels / so_far.first_labels)) / self.every + 1e-12)
            for labels in (len(so_far.y), so_far.last_labels)
        )
        return now > before

    def choose(self, current: Model, so_far: LabelsSoFar) -> Model:
        """Return the best of the model as it is and as the values make it."""
        models = dict.fromkeys(self.models(current))
        quality = {model: self.quality(model, so_far) for model in models}
        best = max(quality.values())
        if current in quality and quality[current] >= best:
            return current
        return next(model for model, value in quality.items() if value >= best)

    def models(self, current: Model) -> list[Model]:
        """Return the model with each of the values, rounded to the hyperparameter's type."""
        return [set_hyperparameter(current, self.hyperparameter, value) for value in self.offered()]

    def quality(self, model: Model, so_far: LabelsSoFar) -> float:
        """Return the weighted mean over all rows, each judged by a model that was not trained on it."""
        y, weight, streams, loop = so_far.y, so_far.weight, so_far.streams, so_far.loop
        split = StratifiedKFold(self.folds, shuffle=True, random_state=streams.integer("retune", loop))
        merit = np.empty(len(y))
        # one seed for each fold, whatever the value: only the value differs
        for fold, (train, judged) in enumerate(split.split(np.zeros(len(y)), y)):
            part = None if weight is None else weight[train]
            seed = streams.integer("retune", loop, fold)
            fitted = model.fit(so_far.X[train], y[train], so_far.n_classes, seed, part)
            merit[judged] = self.merit(fitted, so_far.X[judged], y[judged])
        return float(np.average(merit, weights=weight))

    def merit(self, fitted: FittedModel, X: Features, y: RowNumbers) -> Any:
        """Return ln p of the true class, at least ln 1e-12, or 1 for a hit, ``(n_rows,)``."""
        if self.judge == "accuracy":
            return (fitted.predict(X) == y).astype(np.float64)
        return np.log(np.maximum(fitted.class_scores(X)[np.arange(len(y)), y], 1e-12))

    def note(self, model: Model) -> dict[str, float]:
        """Note the value in use."""
        value = getattr(model, self.hyperparameter)
        return {} if value is None else {f"tuned_{self.hyperparameter}": float(value)}
