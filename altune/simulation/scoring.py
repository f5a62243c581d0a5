"""Scores of a model on the test rows of a block."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.metrics import check_scoring

from altune.core.errors import ScenarioError
from altune.core.types import Features, RowNumbers
from altune.models import FittedModel


class TestScorer:
    """Scores models on the test rows by scikit-learn's own scorers; each prediction is made once for all metrics."""

    __test__ = False  # no test of pytest, whatever its name

    def __init__(self, metrics: tuple[str, ...], X: Features, y: Codes, n_classes: int) -> None:
        self._metrics = metrics
        self._X = X
        self._y = y
        self._n_classes = n_classes
        self._scorer: Callable[..., Any] = check_scoring(scoring=list(metrics), raise_exc=True)

    def __call__(self, model: FittedModel) -> dict[str, float]:
        """Return the score of each metric."""
        if self._metrics == ("accuracy",):
            # The same number as scikit-learn's scorer, whose checks took a tenth of a trajectory on digits.
            return {"accuracy": float(np.mean(model.predict(self._X) == self._y))}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = self._scorer(model, self._X, self._y)
        return {metric: float(scores[metric]) for metric in self._metrics}

    def prior(self, y_pool: RowNumbers) -> dict[str, float]:
        """Return the scores of the predictor that knows the pool's class shares and nothing else.

        Raises
        ------
        ScenarioError
            If a metric cannot score this data set's classes.
        """
        seen, positions = np.unique(y_pool, return_inverse=True)
        dummy = DummyClassifier(strategy="prior").fit(np.zeros((len(y_pool), 1)), positions)
        try:
            return self(FittedModel(dummy, self._n_classes, seen, seen, ("predict_proba",)))
        except ValueError as error:
            reason = str(error).split("\n")[0]
            raise ScenarioError(
                f"metric {', '.join(self._metrics)} cannot score {self._n_classes} classes: {reason}"
            ) from None
