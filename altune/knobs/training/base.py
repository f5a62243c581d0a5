"""The base of every way to set the model's hyperparameters, and the one that leaves them alone."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from altune.core.registry import Method, register
from altune.core.streams import Streams

if TYPE_CHECKING:
    from altune.core.types import Features, RowNumbers
    from altune.models import Model


@dataclass(frozen=True, eq=False)
class LabelsSoFar:
    """What hyperparameters may be tuned on in one loop: labels that were paid for.

    Attributes
    ----------
    X, y : features and labels in use, ``(n_used, n_features)`` and ``(n_used,)``.
    weight : sample weights ``(n_used,)``, or None where all are 1.
    n_classes : classes of the scenario.
    first_labels : labels that the first model of the trajectory was trained on.
    last_labels : labels that the last model was trained on, 0 in loop 0.
    last : the last model's recipe, with the hyperparameters it had; None in loop 0.
    streams : the block's random streams.
    loop : number of the loop.
    """

    X: Features
    y: RowNumbers
    weight: NDArray[np.float64] | None
    n_classes: int
    first_labels: int
    last_labels: int
    last: Model | None
    streams: Streams
    loop: int


class Training(Method):
    """Base of every method of ``training``.

    In each loop the model is first adapted, by the number of labels alone, then tuned, on the labels themselves.
    The audit of the labels comes in between and judges with the adapted model.
    """

    knob: ClassVar[str] = "training"

    @abstractmethod
    def adapt(self, model: Model, n_labels: int, first_labels: int) -> Model:
        """Return the model with its hyperparameters as they should be for this loop.

        Parameters
        ----------
        model : the recipe's model.
        n_labels : labels that it is about to be trained on, 1 or more.
        first_labels : labels that the first model of the trajectory was trained on.
        """

    def tune(self, model: Model, so_far: LabelsSoFar) -> Model:
        """Return the adapted model with hyperparameters chosen on the labels so far; as it is by default."""
        return model

    def note(self, model: Model) -> dict[str, float]:
        """Return what the curve should keep of the model that was trained; nothing by default."""
        return {}


@register
class ConstantTraining(Training):
    """The model's hyperparameters stay as the recipe gives them: h(n) = h₀."""

    method: Literal["constant"] = "constant"

    def adapt(self, model: Model, n_labels: int, first_labels: int) -> Model:
        """Return the model as it is."""
        return model


def not_offered(training: Training, hyperparameter: str, model: Any) -> list[str]:
    """Say so where a model does not offer a hyperparameter; nothing where it does."""
    if hyperparameter in model.schedulable:
        return []
    offered = ", ".join(model.schedulable) or "none"
    return [
        f"training {training.method!r} schedules {hyperparameter!r}, which the model {model.method!r} "
        f"does not offer (it offers {offered})"
    ]


def with_hyperparameter(model: Model, name: str, factor: float) -> Model:
    """Return the model with one hyperparameter multiplied, rounded and cut as its declared type and range say."""
    return set_hyperparameter(model, name, getattr(model, name) * factor)


def set_hyperparameter(model: Model, name: str, value: float) -> Model:
    """Return the model with one hyperparameter set, rounded and cut as its declared type and range say."""
    field = type(model).model_fields[name]
    for constraint in field.metadata:
        for bound in ("ge", "gt"):
            value = max(value, getattr(constraint, bound, value))
        for bound in ("le", "lt"):
            value = min(value, getattr(constraint, bound, value))
    whole = int in (field.annotation, *get_args(field.annotation))
    return model.model_copy(update={name: round(value) if whole else float(value)})
