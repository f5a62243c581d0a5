"""Scores of a model on the test rows of a block."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.metrics import check_scoring

from altune.core.errors import ScenarioError
from altune.core.types import Codes, Features
from altune.models import FittedModel


class TestScorer:
    """Scores models on the test rows with scikit-learn's scorers; all metrics share one prediction.

    Parameters
    ----------
    metrics : names of scikit-learn scorers.
    X : encoded features of the test rows, ``(n_test, n_features)``.
    y : their true class codes, ``(n_test,)``.
    n_classes : number of classes of the scenario.
    """

    __test__ = False  # pytest would take the class for a test

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
            return {"accuracy": float(np.mean(self.row_scores(model)))}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = self._scorer(model, self._X, self._y)
        return {metric: float(scores[metric]) for metric in self._metrics}

    def row_scores(self, model: FittedModel) -> NDArray[np.bool_]:
        """Return which test rows the model classifies correctly, ``(n_test,)``; their mean is the accuracy."""
        correct: NDArray[np.bool_] = model.predict(self._X) == self._y
        return correct

    def prior(self, y_pool: Codes) -> dict[str, float]:
        """Return the scores of the predictor that knows the class shares of the pool and nothing else.

        Raises
        ------
        ScenarioError
            If a metric cannot score the classes of this data set.
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
