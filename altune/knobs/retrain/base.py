"""Knob 3: a model trained from scratch in each loop, or one that continues from the last."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import WorkError
from altune.core.pool import Pool
from altune.core.registry import Method
from altune.core.streams import Streams
from altune.core.types import RowNumbers, TrainingSet
from altune.knobs.model_init import ModelInit
from altune.models import FittedModel, Model, continue_training


@dataclass(frozen=True, eq=False)
class TrainingInput:
    """What the model of one loop is trained from.

    Attributes
    ----------
    model : the estimator's recipe with this loop's hyperparameters.
    model_init : the method that makes a fresh start.
    training : the labels in use, in the order of pool rows.
    fresh : which of them are new (or newly labelled) since the last model, ``(n_used,)`` booleans.
    previous : the model of the loop before, None in loop 0.
    streams : the block's random streams.
    loop : number of the loop.
    pool : the pool that the rows come from, for starts that use its features; None where there are no other rows.
    """

    model: Model
    model_init: ModelInit
    training: TrainingSet
    fresh: NDArray[np.bool_]
    previous: FittedModel | None
    streams: Streams
    loop: int
    pool: Pool | None = None

    def seed(self) -> int:
        """Return the estimator's seed of this loop."""
        return self.streams.integer("model", self.loop)

    def start(self) -> FittedModel:
        """Train from a fresh start by the knob ``model_init``."""
        method, pool = self.model_init, self.pool
        fitted: object = method.start(self.model, self.training, streams=self.streams, loop=self.loop, pool=pool)
        if not isinstance(fitted, FittedModel):
            found = type(fitted).__name__
            raise WorkError(f"model_init {method.method!r} in loop {self.loop}: it returned {found}, not a FittedModel")
        return fitted

    def resume(self, previous: FittedModel) -> FittedModel:
        """Continue from a model, or from each member of an ensemble, on all labels."""
        return continue_training(self.model, previous, self.training, self.seed())

    def update(self, previous: FittedModel, rows: RowNumbers) -> FittedModel:
        """Continue from a model, or from each member of an ensemble, on the labels at some positions."""
        return continue_training(self.model, previous, self.training.take(rows), self.seed(), on="new")


class Retrain(Method):
    """Base of every method of ``retrain``."""

    knob = "retrain"

    @abstractmethod
    def train(self, inputs: TrainingInput) -> FittedModel:
        """Return the model of this loop."""
