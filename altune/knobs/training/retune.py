"""Tuning of a hyperparameter on the labels so far, by cross-validation."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, cast

import numpy as np
from pydantic import Field

from altune.core.needs import Capabilities, Need
from altune.core.registry import Method, describe_parameters, register
from altune.core.types import Learner, TrainingSet
from altune.knobs.folds import enough_for, folds_of
from altune.knobs.training.base import Training, TuningInput, not_offered, set_hyperparameter
from altune.models import FittedModel, Model


@register
class Retune(Training):
    """One hyperparameter, chosen again and again by stratified cross-validation on the labels so far.

    h = argmax over the values of the mean over the rows of ln p(true class), or of the accuracy, by models that were
    not trained on these rows; of equal values the current one, else the first. The values are listed, or ``points``
    in equal steps of the logarithm from ``low`` to ``high``. A choice is due every ``every`` loops, or whenever the
    labels have doubled since the first loop; it is skipped while a class has fewer rows (where the data have groups:
    groups, which no fold separates) than there are folds. In between the last choice is kept. Its time counts as
    training.
    """

    source = "Stone, JRSS B 1974 (cross-validation); Arlot & Celisse, Statistics Surveys 2010"
    method: Literal["retune"] = "retune"
    hyperparameter: str = Field(default="C", description="the model's hyperparameter that is tuned")
    values: tuple[Annotated[float, Field(ge=-1e9, le=1e9)], ...] | None = Field(
        default=None, min_length=2, max_length=100, description="values to choose from, in place of the range"
    )
    low: float = Field(default=0.01, gt=0.0, le=1e9, description="smallest value of the range")
    high: float = Field(default=100.0, gt=0.0, le=1e9, description="largest value of the range")
    points: int = Field(default=5, ge=2, le=50, description="values of the range, in equal steps of the logarithm")
    when: Literal["doublings", "loops"] = Field(
        default="doublings", description="when it is due: after loops, or after doublings of the labels"
    )
    every: int = Field(default=1, ge=1, le=100, description="loops (when: loops) or doublings from one to the next")
    folds: int = Field(default=3, ge=2, le=10, description="folds of the cross-validation")
    judge: Literal["log_probability", "accuracy"] = Field(
        default="log_probability", description="quality whose mean over the rows left out is maximised"
    )

    def required(self) -> frozenset[Need]:
        """The mean log-probability needs class scores."""
        return frozenset({"class_scores"} if self.judge == "log_probability" else ())

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Object to a model that does not offer the hyperparameter or does not accept the values."""
        objections = not_offered(self, self.hyperparameter, model)
        if objections:
            return objections
        if self.values is None and not self.low < self.high:
            return [f"training 'retune': low must be below high, {self.low:g} is not below {self.high:g}"]
        declared = describe_parameters(cast("type[Method]", type(model)))[self.hyperparameter]
        low, high = declared.get("low", -math.inf), declared.get("high", math.inf)
        outside = [value for value in self.offered() if not low <= value <= high]
        if not outside:
            return []
        tried, name = f"{outside[0]:g} for {self.hyperparameter!r}", model.method
        return [f"training 'retune' tries {tried}, which must be from {low:g} to {high:g} for {name!r}"]

    def offered(self) -> tuple[float, ...]:
        """Return the values to choose from, in order."""
        if self.values is not None:
            return self.values
        return tuple(float(f"{value:.6g}") for value in np.geomspace(self.low, self.high, self.points))

    def adapt(self, model: Model, n_labels: int, first_labels: int) -> Model:
        """Return the model unchanged: the choice depends on the labels, not on their number."""
        return model

    def tune(self, model: Model, inputs: TuningInput) -> Model:
        """Return the model with the best value where a choice is due, else with the last one."""
        current = model
        if inputs.last is not None:
            kept = getattr(inputs.last, self.hyperparameter)
            current = model.model_copy(update={self.hyperparameter: kept})
        enough = enough_for(inputs.training, self.folds)
        return self.choose(current, inputs) if enough and self.due(inputs) else current

    def due(self, inputs: TuningInput) -> bool:
        """Return whether a choice is due in this loop."""
        if self.when == "loops":
            return inputs.loop % self.every == 0
        if inputs.last_labels == 0:
            return True
        now, before = (
            math.floor(math.log2(max(1.0, labels / inputs.first_labels)) / self.every + 1e-12)
            for labels in (len(inputs.training), inputs.last_labels)
        )
        return now > before

    def choose(self, current: Model, inputs: TuningInput) -> Model:
        """Return the model with the best of the values; among equal ones the current model, if it is one of them."""
        quality = {model: self.quality(model, inputs) for model in dict.fromkeys(self.models(current))}
        best = max(quality.values())
        if current in quality and quality[current] >= best:
            return current
        return next(model for model, value in quality.items() if value >= best)

    def models(self, current: Model) -> list[Model]:
        """Return the model with each of the values, rounded to the hyperparameter's type."""
        return [set_hyperparameter(current, self.hyperparameter, value) for value in self.offered()]

    def quality(self, model: Model, inputs: TuningInput) -> float:
        """Return the weighted mean over all rows, each judged by a model that was not trained on it."""
        training, streams, loop = inputs.training, inputs.streams, inputs.loop
        merit = np.empty(len(training))
        for fold, (kept, left_out) in enumerate(folds_of(training, self.folds, streams.integer("retune", loop))):
            # the seed depends on the fold alone, so that models of one fold differ in the value alone
            fitted = model.fit(training.take(kept), streams.integer("retune", loop, fold))
            merit[left_out] = self.merit(fitted, training.take(left_out))
        return float(np.average(merit, weights=training.weights))

    def merit(self, fitted: FittedModel, rows: TrainingSet) -> Any:
        """Return ln p of the true class, at least ln 1e-12, or 1 for a hit, ``(n_rows,)``."""
        if self.judge == "accuracy":
            return (fitted.predict(rows.X) == rows.y).astype(np.float64)
        return np.log(np.maximum(fitted.class_scores(rows.X)[np.arange(len(rows)), rows.y], 1e-12))

    def note(self, model: Model) -> dict[str, float]:
        """Return the value in use."""
        value = getattr(model, self.hyperparameter)
        return {} if value is None else {f"tuned_{self.hyperparameter}": float(value)}
