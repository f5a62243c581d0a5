"""Models that record how they were trained, and inputs to train them with."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from altune.core.streams import Streams
from altune.core.types import TrainingSet
from altune.knobs.model_init import DefaultStart
from altune.knobs.retrain import TrainingInput
from altune.models import FittedModel, Model

STREAMS = Streams(0, "start", "search", 0)
ARGUMENTS = {"streams": STREAMS, "loop": 2}


def training_input(model, X, y, n_classes, *, previous=None, fresh=5, loop=3, model_init=None, weight=None):
    return TrainingInput(
        model=model,
        model_init=model_init or DefaultStart(),
        training=TrainingSet(X, y, n_classes, weight),
        fresh=np.arange(len(y)) >= len(y) - fresh,
        previous=previous,
        streams=STREAMS,
        loop=loop,
    )


SEARCH_STREAMS = Streams(0, "cancer", "search", 0)


class Recorder(Model):
    """A model that records the arguments of its trainings and learns nothing."""

    method: Literal["recorder"] = "recorder"
    abilities: ClassVar[Any] = frozenset({"resume", "partial_fit", "sample_weight", "random_start", "class_scores"})
    calls: ClassVar[list[tuple[str, Any]]] = []

    def build(self, seed, n_labelled):
        raise NotImplementedError

    def fit(self, training, seed):
        weights = None if training.weights is None else training.weights.tolist()
        self.calls.append(("fit", (training.X[:, 0].tolist(), seed, weights)))
        return Luck(None, training.n_classes, np.array([0]), np.array([0]), (), seed)

    def resume(self, previous, training, seed):
        self.calls.append(("resume", (previous.memory, training.X[:, 0].tolist(), seed)))
        return Luck(None, training.n_classes, np.array([0]), np.array([0]), (), seed)

    def update(self, previous, training, seed):
        weights = None if training.weights is None else training.weights.tolist()
        self.calls.append(("update", (previous.memory, training.X[:, 0].tolist(), weights)))
        return Luck(None, training.n_classes, np.array([0]), np.array([0]), (), seed)


class Luck(FittedModel):
    """Scores that depend on the seed it was trained with: the larger, the better."""

    def class_scores(self, X):
        p = self.memory / 2**32
        return np.column_stack([np.full(len(X), p), np.full(len(X), 1 - p)])


@pytest.fixture
def recorder():
    Recorder.calls.clear()
    return Recorder()


def start(method, model, n, loop=2, weight=None):
    training = TrainingSet(np.arange(n, dtype=float)[:, None], np.zeros(n, dtype=np.intp), 2, weight)
    return method.start(model, training, streams=SEARCH_STREAMS, loop=loop)
