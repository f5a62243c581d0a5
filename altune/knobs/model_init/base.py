"""Knob 2: the base of all starts of the model's parameters, and the estimator's own start."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import Method, register
from altune.core.streams import Streams
from altune.core.types import TrainingSet
from altune.models import FittedModel, Model


class ModelInit(Method):
    """Base of every method of ``model_init``."""

    knob = "model_init"

    @abstractmethod
    def start(
        self, model: Model, training: TrainingSet, *, streams: Streams, loop: int, pool: Pool | None = None
    ) -> FittedModel:
        """Return a model trained from a fresh start.

        Parameters
        ----------
        model : the estimator's recipe with this loop's hyperparameters.
        training : the labels in use.
        streams : the block's random streams.
        loop : number of the loop.
        pool : the pool that the rows come from, with ``labelled`` and ``labels`` as of this loop; None where there
            are no other rows.
        """


@register
class DefaultStart(ModelInit):
    """The estimator's own start, with a new seed in each loop or one seed for all of them."""

    method: Literal["default"] = "default"
    shared: bool = Field(default=False, description="whether all loops start from the same seed")

    def start(
        self, model: Model, training: TrainingSet, *, streams: Streams, loop: int, pool: Pool | None = None
    ) -> FittedModel:
        """Fit once."""
        seed = streams.integer("model") if self.shared else streams.integer("model", loop)
        return model.fit(training, seed)
