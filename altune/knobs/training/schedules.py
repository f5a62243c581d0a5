"""Schedules of one hyperparameter by the number of labels."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Literal

from pydantic import Field

from altune.core.needs import Capabilities
from altune.core.registry import register
from altune.core.types import Learner
from altune.knobs.training.base import Training, not_offered, with_hyperparameter
from altune.models import Model


class _Schedule(Training):
    """A schedule of one hyperparameter by the number of labels."""

    hyperparameter: str = Field(default="C", description="the model's hyperparameter that is scheduled")
    scale: float = Field(
        default=1.0, ge=0.001, le=1000.0, description="factor a by which the model's own value h₀ is multiplied"
    )

    def objections(self, model: Learner, capabilities: Capabilities) -> list[str]:
        """Object to a model that does not offer the hyperparameter, or whose value is not a number."""
        objections = not_offered(self, self.hyperparameter, model)
        if objections:
            return objections
        value = getattr(model, self.hyperparameter)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return []
        return [
            f"training {self.method!r} multiplies {self.hyperparameter!r}, which is {value!r} for "
            f"{model.method!r}; give it a number"
        ]

    def adapt(self, model: Model, n_labels: int, first_labels: int) -> Model:
        """Return the model with the scheduled value, clipped to the hyperparameter's range."""
        return with_hyperparameter(
            model, self.hyperparameter, self.scale * self.growth(n_labels / max(1, first_labels))
        )

    @abstractmethod
    def growth(self, of_labels: float) -> float:
        """Return h(n)/h(n₀) for ``of_labels`` = n/n₀, the growth of the labels since the first loop."""


@register
class PowerTraining(_Schedule):
    """A power of the number of labels: h(n) = a·h₀·(n/n₀)^α.

    With α = 1 a growing ``C`` keeps the penalty per label constant, and a growing minibatch keeps the number of updates
    constant.
    """

    source = "Smith et al., Don't Decay the Learning Rate, Increase the Batch Size, ICLR 2018"
    method: Literal["power"] = "power"
    exponent: float = Field(default=0.5, ge=-1.0, le=1.0, description="the exponent α")

    def growth(self, of_labels: float) -> float:
        """Return (n/n₀)^α."""
        return float(of_labels**self.exponent)


@register
class StepsTraining(_Schedule):
    """A step at each doubling of the labels: h(n) = a·h₀·f^⌊log₂(n/n₀)⌋."""

    source = "Smith et al., Don't Decay the Learning Rate, Increase the Batch Size, ICLR 2018"
    method: Literal["steps"] = "steps"
    step: float = Field(default=2.0, ge=0.25, le=4.0, description="the factor f of each doubling")

    def growth(self, of_labels: float) -> float:
        """Return f to the power of the doublings so far."""
        return float(self.step ** math.floor(math.log2(of_labels) + 1e-12)) if of_labels >= 1 else 1.0
