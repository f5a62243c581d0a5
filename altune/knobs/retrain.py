"""Knob 3: from scratch each loop, or on from the last model."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from altune.knobs.model_init import ModelInit
from altune.models import FittedModel, Model
from altune.registry import Method, Need, register
from altune.streams import Streams

if TYPE_CHECKING:
    from altune.pool import Features, Rows


@dataclass(frozen=True, eq=False)
class TrainingTurn:
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
    """

    model: Model
    model_init: ModelInit
    X: Features
    y: Rows
    weight: NDArray[np.float64] | None
    fresh: NDArray[np.bool_]
    n_classes: int
    previous: FittedModel | None
    streams: Streams
    loop: int

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
        )


class Retrain(Method):
    """Base of every method of ``retrain``."""

    knob: ClassVar[str] = "retrain"

    @abstractmethod
    def train(self, turn: TrainingTurn) -> FittedModel:
        """Return the model of this loop."""


@register
class Reset(Retrain):
    """Train from scratch in every loop."""

    source: ClassVar[str] = "Ash & Adams, On Warm-Starting Neural Network Training, NeurIPS 2020"
    method: Literal["reset"] = "reset"

    def train(self, turn: TrainingTurn) -> FittedModel:
        """Return a model trained from a fresh start."""
        return turn.start()


@register
class WarmStart(Retrain):
    """Go on from the last model's parameters, on all labels or on the new ones and a replayed share of the old.

    For a convex model, ``on: all`` ends at the optimum that ``reset`` finds, within the solver's tolerance.
    """

    source: ClassVar[str] = "Ash & Adams, On Warm-Starting Neural Network Training, NeurIPS 2020"
    method: Literal["warm_start"] = "warm_start"
    on: Literal["all", "new"] = Field(default="all", description="labels that the model goes on with")
    replay: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="share of the old labels replayed with the new ones (on: new)",
    )

    def required(self) -> frozenset[Need]:
        """``on: all`` needs an estimator that resumes, ``on: new`` one with ``partial_fit``."""
        return frozenset({"resume"} if self.on == "all" else {"partial_fit"})

    def train(self, turn: TrainingTurn) -> FittedModel:
        """Return the last model, trained on."""
        if turn.previous is None:
            return turn.start()
        if self.on == "all":
            return turn.model.resume(turn.previous, turn.X, turn.y, turn.n_classes, turn.seed(), turn.weight)
        rows = self.replayed(turn.fresh, turn.streams.generator("replay", turn.loop))
        if len(rows) == 0:
            return turn.previous
        weight = None if turn.weight is None else turn.weight[rows]
        return turn.model.update(turn.previous, turn.X[rows], turn.y[rows], turn.n_classes, turn.seed(), weight)

    def replayed(self, fresh: NDArray[np.bool_], rng: np.random.Generator) -> Rows:
        """Return the positions of the new labels and of a random share of the old ones, sorted."""
        old = np.flatnonzero(~fresh)
        again = rng.choice(old, size=round(self.replay * len(old)), replace=False)
        return np.sort(np.concatenate([np.flatnonzero(fresh), again]))
