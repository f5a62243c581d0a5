"""Scores of a model on the test rows of a block: of all rows, and of units of them.

Intervals need to know how a score varies over the test rows. The accuracy is a mean over rows. Other metrics are not,
and get the pseudo-values of a jackknife over groups of rows: for G groups, a metric S and its value S₍₋g₎ without the
rows of group g, the pseudo-value is G·S − (G − 1)·S₍₋g₎ (J. W. Tukey, *Bias and Confidence in Not-Quite Large Samples*,
Annals of Mathematical Statistics 29, 1958). Their mean and variance estimate those of the metric; of a mean over rows
they are the means of the groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.utils.metaestimators import available_if

from altune.core.errors import ScenarioError
from altune.core.settings import no_warnings
from altune.core.types import Array, Codes, Features, RowNumbers
from altune.models import FittedModel
from altune.simulation.leave_out import auc_without_each_group, without_each_group
from altune.simulation.metrics import make_scorers

MOST_GROUPS = 20


class UnitScores(NamedTuple):
    """Scores on units of the test rows: ``correct`` ``(n_test,)``, and ``groups`` ``(n_groups,)`` for each metric."""

    correct: NDArray[np.bool_]
    groups: dict[str, Array]


class TestScorer:
    """Scores models on the test rows with scikit-learn's scorers; all metrics share one prediction.

    Parameters
    ----------
    metrics : names of scikit-learn scorers.
    X : encoded features of the test rows, ``(n_test, n_features)``.
    y : their true class codes, ``(n_test,)``.
    n_classes : number of classes of the scenario.
    positive : code of the positive class of two; None for the last one.
    """

    __test__ = False  # pytest would take the class for a test

    def __init__(
        self, metrics: tuple[str, ...], X: Features, y: Codes, n_classes: int, positive: int | None = None
    ) -> None:
        self._metrics = metrics
        self._X = X
        self._y = y
        self._n_classes = n_classes
        self._positive = n_classes - 1 if positive is None else positive
        self._score = make_scorers(metrics, n_classes, positive)

    def __call__(self, model: FittedModel) -> dict[str, float]:
        """Return the score of each metric."""
        return self._scored(Outputs(model, self._X), np.arange(len(self._y)))

    def with_units(self, model: FittedModel) -> tuple[dict[str, float], UnitScores]:
        """Return the score of each metric, and the scores on units of the test rows."""
        outputs, rows = Outputs(model, self._X), np.arange(len(self._y))
        scores = self._scored(outputs, rows)
        others = [metric for metric in self._metrics if metric != "accuracy"]
        without = self._without_each(self._groups, outputs, others) if others else {}
        pseudo_values = {metric: _pseudo_values(scores[metric], left) for metric, left in without.items()}
        return scores, UnitScores(outputs.predict(rows) == self._y, pseudo_values)

    @cached_property
    def _groups(self) -> list[RowNumbers]:
        """The groups of the jackknife, the same for every model."""
        return row_groups(self._y)

    def prior_model(self, y_pool: Codes) -> FittedModel:
        """Return the predictor that knows the class shares of the pool and nothing else."""
        seen, positions = np.unique(y_pool, return_inverse=True)
        dummy = DummyClassifier(strategy="prior").fit(np.zeros((len(y_pool), 1)), positions)
        return FittedModel(dummy, self._n_classes, seen, seen, ("predict_proba",))

    def prior(self, y_pool: Codes) -> dict[str, float]:
        """Return the scores of the predictor that knows the class shares of the pool and nothing else.

        Raises
        ------
        ScenarioError
            If a metric cannot score the classes of this data set.
        """
        try:
            return self(self.prior_model(y_pool))
        except ValueError as error:
            reason = str(error).split("\n")[0]
            raise ScenarioError(
                f"metric {', '.join(self._metrics)} cannot score {self._n_classes} classes: {reason}"
            ) from None

    def _scored(self, outputs: Outputs, rows: RowNumbers) -> dict[str, float]:
        if self._metrics == ("accuracy",):
            # The same number as scikit-learn's scorer, whose checks took a tenth of a trajectory on digits.
            return {"accuracy": float(np.mean(outputs.predict(rows) == self._y[rows]))}
        with no_warnings():
            return self._score(outputs, rows, self._y[rows])

    def _without_each(self, groups: Sequence[RowNumbers], outputs: Outputs, metrics: Sequence[str]) -> dict[str, Array]:
        """Return metrics on the rows outside of each group, ``(n_groups,)`` each; NaN where that is not defined."""
        rows = np.arange(len(self._y))
        known: dict[str, Array] = {}
        for metric in metrics:
            if metric == "roc_auc" and self._n_classes == 2:
                left = auc_without_each_group(outputs.ranking(rows), self._y == 1, groups)
            else:
                left = without_each_group(
                    metric, self._y, outputs.predict(rows), groups, self._n_classes, self._positive
                )
            if left is not None:
                known[metric] = left
        others = tuple(metric for metric in metrics if metric not in known)
        scored = [self._without(outputs, np.setdiff1d(rows, group)) for group in groups] if others else []
        return known | {metric: np.array([left.get(metric, np.nan) for left in scored]) for metric in others}

    def _without(self, outputs: Outputs, rows: RowNumbers) -> dict[str, float]:
        """Return the scores on some of the rows; empty where the rest lacks a class that a metric needs."""
        try:
            return self._scored(outputs, rows)
        except ValueError:
            return {}


class Outputs(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The outputs of a trained model on the test rows, each computed once: a classifier of their positions.

    Parameters
    ----------
    model : the trained model.
    X : encoded features of the test rows, ``(n_test, n_features)``.
    """

    def __init__(self, model: FittedModel, X: Features) -> None:
        self.model = model
        self.X = X
        self.classes_ = model.classes_
        self._known: dict[str, Any] = {}

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, rows: RowNumbers) -> Codes:
        """Return the predicted class codes of test rows, ``(n_rows,)``."""
        codes: Codes = self._of("predict", rows)
        return codes

    @available_if(lambda outputs: hasattr(outputs.model, "predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, rows: RowNumbers) -> Array:
        """Return the class probabilities of test rows, ``(n_rows, n_classes)``; only where the model has them."""
        probabilities: Array = self._of("predict_proba", rows)
        return probabilities

    @available_if(lambda outputs: hasattr(outputs.model, "decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, rows: RowNumbers) -> Array:
        """Return the decision values of test rows; only where the model has them."""
        values: Array = self._of("decision_function", rows)
        return values

    def ranking(self, rows: RowNumbers) -> Array:
        """Return by what test rows are ranked for the second of two classes, ``(n_rows,)``, as scikit-learn does."""
        if hasattr(self, "decision_function"):
            ranking: Array = self.decision_function(rows)
        else:
            ranking = self.predict_proba(rows)[:, 1]
        return ranking

    def _of(self, output: str, rows: RowNumbers) -> Any:
        if output not in self._known:
            self._known[output] = getattr(self.model, output)(self.X)
        return self._known[output][rows]


def row_groups(y: Codes, most: int = MOST_GROUPS) -> list[RowNumbers]:
    """Return groups of test rows of nearly equal size, in which every class has nearly its share.

    Parameters
    ----------
    y : class codes of the test rows, ``(n_test,)``, two rows or more.
    most : largest number of groups; a group has two rows or more.
    """
    count = max(2, min(most, len(y) // 2))
    by_class = np.argsort(y, kind="stable")
    return [by_class[first::count] for first in range(count)]


def _pseudo_values(score: float, without: Array) -> Array:
    groups = len(without)
    return np.where(np.isfinite(without), groups * score - (groups - 1) * without, score)
