"""Knob 8: the base of all schedules of the model's hyperparameters, and the constant one."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal, get_args

from altune.core.registry import Method, register
from altune.core.streams import Streams
from altune.core.types import Learner, TrainingSet
from altune.models import Model


@dataclass(frozen=True, eq=False)
class TuningInput:
    """Input to tuning in one loop: labels that were bought, and what earlier loops used.

    Attributes
    ----------
    training : the labels in use.
    first_labels : labels that the first model of the trajectory was trained on.
    last_labels : labels that the last model was trained on, 0 in loop 0.
    last : the last model's recipe with its hyperparameters; None in loop 0.
    streams : the block's random streams.
    loop : number of the loop.
    """

    training: TrainingSet
    first_labels: int
    last_labels: int
    last: Model | None
    streams: Streams
    loop: int


class Training(Method):
    """Base of every method of ``training``.

    In each loop the model is first adapted, by the number of labels alone, then tuned, on the labels themselves.
    The audit of the labels comes in between and uses the adapted model.
    """

    knob = "training"

    @abstractmethod
    def adapt(self, model: Model, n_labels: int, first_labels: int) -> Model:
        """Return the model with the hyperparameters of this loop.

        Parameters
        ----------
        model : the recipe's model.
        n_labels : labels that it will be trained on, 1 or more.
        first_labels : labels that the first model of the trajectory was trained on.
        """

    def tune(self, model: Model, inputs: TuningInput) -> Model:
        """Return the adapted model with hyperparameters chosen on the labels so far; unchanged by default."""
        return model

    def note(self, model: Model) -> dict[str, float]:
        """Return what the curve should store about the model that was trained; nothing by default."""
        return {}


@register
class ConstantTraining(Training):
    """The hyperparameters of the recipe in every loop: h(n) = h₀."""

    method: Literal["constant"] = "constant"

    def adapt(self, model: Model, n_labels: int, first_labels: int) -> Model:
        """Return the model unchanged."""
        return model


def not_offered(training: Training, hyperparameter: str, model: Learner) -> list[str]:
    """Return an objection if a model does not offer a hyperparameter, else nothing."""
    if hyperparameter in model.schedulable:
        return []
    offered = ", ".join(model.schedulable) or "none"
    return [
        f"training {training.method!r} schedules {hyperparameter!r}, which the model {model.method!r} "
        f"does not offer (it offers {offered})"
    ]


def with_hyperparameter(model: Model, name: str, factor: float) -> Model:
    """Return the model with one hyperparameter multiplied, rounded and clipped to its declared type and range."""
    return set_hyperparameter(model, name, getattr(model, name) * factor)


def set_hyperparameter(model: Model, name: str, value: float) -> Model:
    """Return the model with one hyperparameter set, rounded and clipped to its declared type and range."""
    field = type(model).model_fields[name]
    for constraint in field.metadata:
        for bound in ("ge", "gt"):
            value = max(value, getattr(constraint, bound, value))
        for bound in ("le", "lt"):
            value = min(value, getattr(constraint, bound, value))
    whole = int in (field.annotation, *get_args(field.annotation))
    return model.model_copy(update={name: round(value) if whole else float(value)})
