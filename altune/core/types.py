"""Types that every package shares: arrays, training sets, and what a knob may ask of a model.

A knob sees models through the two protocols below, so that the pool and its metadata do not import the models.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import RequestError
from altune.core.needs import Need

Array = NDArray[np.float64]
RowNumbers = NDArray[np.intp]
"""Positions of rows in the pool, ``(n_rows,)``."""
Codes = NDArray[np.intp]
"""Class codes in ``[0, n_classes)``, ``(n_rows,)``."""
Features = Any
"""A dense float array or a scipy CSR matrix, ``(n_rows, n_features)``."""


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Labelled rows that a model is trained on.

    Parameters
    ----------
    X : features, ``(n_rows, n_features)``, dense or CSR.
    y : class codes in ``[0, n_classes)``, ``(n_rows,)``.
    n_classes : classes of the scenario, 2 or more.
    weights : weights of 0 or more, ``(n_rows,)``, or None for equal ones.
    groups : group of each row, ``(n_rows,)``, which folds do not separate; None if there are no groups.

    Raises
    ------
    RequestError
        If the arrays do not fit together or the codes are not integers; by ``seen``, if a code is out of range.

    Examples
    --------
    >>> training = TrainingSet(np.zeros((4, 2)), np.array([0, 2, 2, 0]), n_classes=3)
    >>> training.seen.tolist(), training.positions.tolist(), len(training.take(np.array([1, 2])))
    ([0, 2], [0, 1, 1, 0], 2)
    """

    X: Features
    y: Codes
    n_classes: int
    weights: Array | None = None
    groups: Codes | None = None

    def __post_init__(self) -> None:
        n_rows = self.X.shape[0]
        if self.y.shape != (n_rows,):
            raise RequestError(f"{n_rows} rows need labels of shape ({n_rows},), not {self.y.shape}")
        if self.y.dtype.kind not in "iu":
            raise RequestError(f"labels must be class codes (integers), not {self.y.dtype}")
        if self.weights is not None and self.weights.shape != (n_rows,):
            raise RequestError(f"{n_rows} rows need weights of shape ({n_rows},), not {self.weights.shape}")

    def __len__(self) -> int:
        return len(self.y)

    @cached_property
    def seen(self) -> Codes:
        """Sorted codes of the classes among the labels, ``(1..n_classes,)``; empty without rows."""
        seen: Codes = np.unique(self.y)
        if len(seen) and (seen[0] < 0 or seen[-1] >= self.n_classes):
            raise RequestError(f"labels must be codes from 0 to {self.n_classes - 1}, not {seen[0]} to {seen[-1]}")
        return seen

    @cached_property
    def positions(self) -> Codes:
        """Labels as positions in ``seen``, ``(n_rows,)``: estimators may need codes without gaps."""
        return self.y if len(self.seen) == self.n_classes else np.searchsorted(self.seen, self.y)

    def take(self, rows: RowNumbers | slice) -> TrainingSet:
        """Return some of the rows, by their positions or as a slice."""
        weights = None if self.weights is None else self.weights[rows]
        groups = None if self.groups is None else self.groups[rows]
        return TrainingSet(self.X[rows], self.y[rows], self.n_classes, weights, groups)


class TrainedModel(Protocol):
    """What a knob may ask of a trained model."""

    n_classes: int
    seen: Codes
    estimator: Any
    outputs: tuple[str, ...]

    @property
    def failure(self) -> str:
        """Why the estimator could not be trained, so that the model predicts the class shares; empty if it was."""

    @property
    def scores_classes(self) -> bool:
        """Whether the model has class scores, so that :meth:`class_scores` works."""

    @property
    def constant(self) -> bool:
        """Whether every row gets the same prediction: one class only was seen, or the estimator was not trained."""

    @property
    def embeds(self) -> bool:
        """Whether :meth:`embedding` is more than the features themselves."""

    def predict(self, X: Features) -> Codes:
        """Return the predicted class codes, ``(n_rows,)``."""

    def class_scores(self, X: Features) -> Array:
        """Return scores in [0, 1] whose rows sum to 1, ``(n_rows, n_classes)``."""

    def embedding(self, X: Features) -> Features:
        """Return the inputs of the model's last layer, ``(n_rows, width)``."""


class Learner(Protocol):
    """What a knob may ask of a model that is not trained yet: the recipe's model, or another one like it."""

    @property
    def method(self) -> str:
        """Name of the model."""

    @property
    def schedulable(self) -> tuple[str, ...]:
        """Hyperparameters that the knob ``training`` may set loop by loop."""

    def able(self) -> frozenset[Need]:
        """Return what the estimator can do."""

    def fit(self, training: TrainingSet, seed: int) -> TrainedModel:
        """Train from scratch."""
