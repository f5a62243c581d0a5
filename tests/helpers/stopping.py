"""Stopping rules and what they are shown."""

from __future__ import annotations

import numpy as np

from altune.core.pool import Pool
from altune.core.registry import parse_method
from altune.core.streams import Streams
from altune.core.types import TrainingSet
from altune.knobs.stopping import GivenEvidence, StopView
from altune.knobs.stopping.monitor import StoppingMonitor
from altune.models import LogisticRegressionModel


def rule(name, **parameters):
    return parse_method("stopping", {"method": name, **parameters})


def agreement_view(predictions=(), labels=(), said=(), n_classes=3, seed=0):
    arrays = tuple(np.asarray(one, dtype=np.intp) for one in predictions)
    held = np.asarray(labels, dtype=np.intp), np.asarray(said, dtype=np.intp)
    return StopView(arrays, *held, 10, n_classes, np.random.default_rng(seed))


NOTHING = np.empty(0, dtype=np.intp)


def view(predictions=(), labels_bought=10, n_classes=2, seed=0, **seen):
    said = tuple(np.asarray(one, dtype=np.intp) for one in predictions)
    watched = GivenEvidence(
        **{name: np.asarray(value) if name != "diverged" else value for name, value in seen.items()}
    )
    return StopView(said, NOTHING, NOTHING, labels_bought, n_classes, np.random.default_rng(seed), watched)


def fired(method, notes):
    return [method.fires(notes[:end]) for end in range(1, len(notes) + 1)]


def a_watch(X, labelled, n_classes=2, labels=None):
    pool = Pool(X, n_classes, budget=50)
    rows = np.asarray(labelled)
    y = np.arange(len(rows)) % n_classes if labels is None else labels
    pool.set_labels(rows, y)
    pool.close(rows)
    pool.model = LogisticRegressionModel().fit(TrainingSet(X[rows], y, n_classes), 0)
    return StoppingMonitor(pool, Streams(0, "line", "search", 0), predicts=True)
