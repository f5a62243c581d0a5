"""The current model as a scikit-learn classifier, for strategies of other libraries that train it themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from altune.core.pool import Pool
from altune.core.types import Array, Codes, Features, TrainedModel, TrainingSet
from altune.knobs.pool_geometry import current_model


class CurrentModel:
    """The current model of a pool, what it was trained by, and the rows it was trained on.

    Copies are the object itself, so that a library that clones classifiers does not duplicate the rows.
    """

    def __init__(self, pool: Pool) -> None:
        if pool.learner is None:
            raise RuntimeError("the pool has no trained model yet")
        self.model = current_model(pool)
        self.learner = pool.learner
        self.X = pool.X[pool.labelled]
        self.y = pool.labels
        self.n_classes = pool.n_classes

    def __deepcopy__(self, memo: Any) -> CurrentModel:
        return self

    def was_trained_on(self, X: Features, y: Codes) -> bool:
        """Return whether these are the rows that the model was trained on."""
        return X.shape == self.X.shape and bool(np.array_equal(y, self.y) and np.array_equal(X, self.X))

    def train(self, X: Features, y: Codes, seed: int, weights: Array | None = None) -> TrainedModel:
        """Return a model like the current one, trained on other rows."""
        return self.learner.fit(TrainingSet(X, y, self.n_classes, weights), seed)


class CurrentClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that is the current model if it is fitted on the same labels, and otherwise trains one like it.

    Parameters
    ----------
    current : the current model.
    seed : draws a bootstrap sample of the rows to train on; None trains on the rows themselves.
    """

    def __init__(self, current: CurrentModel, seed: int | None = None) -> None:
        self.current = current
        self.seed = seed

    def fit(self, X: Features, y: Codes, sample_weight: Array | None = None) -> CurrentClassifier:
        """Train on rows, their class codes and, if given, their weights."""
        self.fitted_: TrainedModel
        codes = np.asarray(y, dtype=np.intp)
        self.classes_ = np.arange(self.current.n_classes)
        if self.seed is not None:
            drawn = np.random.default_rng(self.seed).integers(len(codes), size=len(codes))
            weights = None if sample_weight is None else sample_weight[drawn]
            self.fitted_ = self.current.train(X[drawn], codes[drawn], self.seed, weights)
        elif sample_weight is None and self.current.was_trained_on(X, codes):
            self.fitted_ = self.current.model
        else:
            self.fitted_ = self.current.train(X, codes, 0, sample_weight)
        return self

    def predict(self, X: Features) -> Codes:
        """Return class codes, ``(n_rows,)``."""
        return self.fitted_.predict(X)

    def predict_proba(self, X: Features) -> Array:
        """Return class scores, ``(n_rows, n_classes)``."""
        return self.fitted_.class_scores(X)
