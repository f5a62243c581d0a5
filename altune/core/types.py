"""Types that every package shares: arrays, and what a knob may ask of a trained model and of a learner.

A knob sees models through the two protocols below, so that the pool and its metadata need no package of models.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from altune.core.registry import Need

Array = NDArray[np.float64]
RowNumbers = NDArray[np.intp]
"""Positions of rows in the pool, ``(n_rows,)``."""
Codes = NDArray[np.intp]
"""Class codes in ``[0, n_classes)``, ``(n_rows,)``."""
Features = Any
"""A dense float array or a scipy CSR matrix, ``(n_rows, n_features)``."""


class TrainedModel(Protocol):
    """What a knob may ask of a trained model."""

    n_classes: int
    seen: Codes
    estimator: Any
    outputs: tuple[str, ...]

    @property
    def scores_classes(self) -> bool:
        """Whether :meth:`class_scores` answers."""

    @property
    def constant(self) -> bool:
        """Whether the model has seen one class only and predicts it everywhere."""

    @property
    def embeds(self) -> bool:
        """Whether :meth:`embedding` is more than the features themselves."""

    def predict(self, X: Features) -> Codes:
        """Return the predicted class codes, ``(n_rows,)``."""

    def class_scores(self, X: Features) -> Array:
        """Return scores in [0, 1] whose rows sum to 1, ``(n_rows, n_classes)``."""

    def embedding(self, X: Features) -> Features:
        """Return the features that the last layer of the model sees, ``(n_rows, width)``."""


class Learner(Protocol):
    """What a knob may ask of an estimator that is to be trained: a model like that of the task."""

    def able(self) -> frozenset[Need]:
        """Return what the estimator can do."""

    def fit(self, X: Features, y: Codes, n_classes: int, seed: int, sample_weight: Array | None = None) -> TrainedModel:
        """Train from scratch."""
