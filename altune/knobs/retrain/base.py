"""Knob 3: from scratch each loop, or on from the last model."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from altune.core.registry import Method
from altune.core.streams import Streams
from altune.knobs.model_init import ModelInit
from altune.models import FittedModel, Model, go_on

if TYPE_CHECKING:
    from altune.core.pool import Pool
    from altune.core.types import Features, RowNumbers


@dataclass(frozen=True, eq=False)
class TrainingInput:
    """What is trained on in one loop.

    Attributes
    ----------
    model : the estimator's recipe with this loop's hyperparameters.
    model_init : how a fresh start is made.
    X, y : features and labels in use, ``(n_used, n_features)`` and ``(n_used,)``, in the order of pool rows.
    weight : sample weights ``(n_used,)``, or None where all are 1.
    fresh : which of them are new (or newly labelled) since the last model, ``(n_used,)`` booleans.
    n_classes : classes of the scenario.
    previous : the model of the loop before, None in loop 0.
    streams : the block's random streams.
    loop : number of the loop.
    pool : the pool that the rows come from, for starts that look at its features; None where the rows are all.
    """

    model: Model
    model_init: ModelInit
    X: Features
    y: RowNumbers
    weight: NDArray[np.float64] | None
    fresh: NDArray[np.bool_]
    n_classes: int
    previous: FittedModel | None
    streams: Streams
    loop: int
    pool: Pool | None = None

    def seed(self) -> int:
        """Return the estimator's seed of this loop."""
        return self.streams.integer("model", self.loop)

    def start(self) -> FittedModel:
        """Train from a fresh start, as the knob ``model_init`` says."""
        return self.model_init.start(
            self.model,
            self.X,
            self.y,
            self.weight,
            n_classes=self.n_classes,
            streams=self.streams,
            loop=self.loop,
            pool=self.pool,
        )

    def resume(self, previous: FittedModel) -> FittedModel:
        """Go on from a model, or from each member of an ensemble, on all labels."""
        return go_on(self.model, previous, self.X, self.y, self.n_classes, self.seed(), self.weight)

    def update(self, previous: FittedModel, rows: RowNumbers) -> FittedModel:
        """Go on from a model, or from each member of an ensemble, on the labels at some positions."""
        weight = None if self.weight is None else self.weight[rows]
        part = self.X[rows], self.y[rows], self.n_classes, self.seed(), weight
        return go_on(self.model, previous, *part, rows="new")


class Retrain(Method):
    """Base of every method of ``retrain``."""

    knob: ClassVar[str] = "retrain"

    @abstractmethod
    def train(self, turn: TrainingInput) -> FittedModel:
        """Return the model of this loop."""
