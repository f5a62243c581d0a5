"""Scores of a model on the test rows of a block: of all rows, and of units of them.

Intervals need to know how a score varies over the test rows. The accuracy is a mean over rows. Other metrics are not,
and get the pseudo-values of a jackknife over groups of rows: for G groups, a metric S and its value S₍₋g₎ without the
rows of group g, the pseudo-value is G·S − (G − 1)·S₍₋g₎ (J. W. Tukey, *Bias and Confidence in Not-Quite Large Samples*,
Annals of Mathematical Statistics 29, 1958). Their mean and variance estimate those of the metric; of a mean over rows
they are the means of the groups.

Where rows belong to groups, such as those of one patient, these are the units: rows of a group are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.utils.metaestimators import available_if

from altune.core.errors import ScenarioError, WorkError, first_line
from altune.core.raw_rows import NUMBERS, Takes, taken
from altune.core.read_only import read_only_view
from altune.core.settings import no_warnings
from altune.core.types import Array, Codes, Features, RowNumbers
from altune.models import FittedModel
from altune.simulation.leave_out import auc_without_each_group, without_each_group
from altune.simulation.metrics import make_scorers
from altune.simulation.own_metrics import OwnMetric, own_metrics

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
    X : the test rows as models are given them, encoded features or raw rows, ``(n_test, n_features)``.
    y : their true class codes, ``(n_test,)``.
    n_classes : number of classes of the scenario.
    positive : code of the positive class of two; None for the last one.
    groups : group of each test row, ``(n_test,)``, where groups are the units of the test; None where rows are.
    labels : the label of each class, which metrics of the user see; by default the codes.
    takes : what the models are given of each row, which metrics of the user see.
    """

    __test__ = False  # pytest would take the class for a test

    def __init__(
        self,
        metrics: tuple[str, ...],
        X: Features,
        y: Codes,
        n_classes: int,
        positive: int | None = None,
        groups: NDArray[np.int64] | None = None,
        labels: Sequence[object] = (),
        takes: Takes = NUMBERS,
    ) -> None:
        self._metrics = metrics
        self._X = X
        self._y = y
        self._n_classes = n_classes
        self._positive = n_classes - 1 if positive is None else positive
        self._units = None if groups is None else np.unique(groups, return_inverse=True)[1]
        self._labels = labels or range(n_classes)
        self.takes = takes
        own = own_metrics()
        self._own = {metric: own[metric] for metric in metrics if metric in own}
        self._score = make_scorers(tuple(metric for metric in metrics if metric not in own), n_classes, positive)

    def __call__(self, model: FittedModel) -> dict[str, float]:
        """Return the score of each metric."""
        return _numbers(self._scored(Outputs(model, self._X), np.arange(len(self._y))), model)

    def with_units(self, model: FittedModel) -> tuple[dict[str, float], UnitScores]:
        """Return the score of each metric, and the scores on units of the test rows."""
        outputs, rows = Outputs(model, self._X), np.arange(len(self._y))
        scores = _numbers(self._scored(outputs, rows), model)
        others = [metric for metric in self._metrics if metric != "accuracy"]
        without = self._without_each(self._groups, outputs, others) if others else {}
        pseudo_values = {metric: _pseudo_values(scores[metric], left) for metric, left in without.items()}
        correct = outputs.predict(rows) == self._y
        if self._units is not None and "accuracy" in self._metrics:
            pseudo_values["accuracy"] = group_values(correct, self._units)
        return scores, UnitScores(correct, pseudo_values)

    @cached_property
    def _groups(self) -> list[RowNumbers]:
        """The groups of the jackknife, the same for every model."""
        return row_groups(self._y) if self._units is None else unit_groups(self._units)

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
        except WorkError as error:
            raise ScenarioError(str(error)) from None
        except ValueError as error:
            reason = first_line(error)
            raise ScenarioError(
                f"metric {', '.join(self._metrics)} cannot score {self._n_classes} classes: {reason}"
            ) from None

    def _scored(self, outputs: Outputs, rows: RowNumbers) -> dict[str, float]:
        if self._metrics == ("accuracy",):
            # The same number as scikit-learn's scorer, whose checks took a tenth of a trajectory on digits.
            return {"accuracy": float(np.mean(outputs.predict(rows) == self._y[rows]))}
        with no_warnings():
            scores = self._score(outputs, rows, self._y[rows])
            return scores | {name: self._score_of(metric, outputs, rows) for name, metric in self._own.items()}

    def _score_of(self, metric: OwnMetric, outputs: Outputs, rows: RowNumbers) -> float:
        """Return the score of a metric of the user, which may need the features too."""
        model, X = (outputs, rows) if metric.from_outputs else (outputs.model, taken(self._X[rows], self.takes))
        return metric.score(model, X, self._y[rows], self._labels)

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
        except (ValueError, WorkError):
            return {}


class Outputs(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The outputs of a trained model on the test rows, each computed once: a classifier of their positions.

    Parameters
    ----------
    model : the trained model.
    X : the test rows as models are given them, ``(n_test, n_features)``.
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
            self._known[output] = read_only_view(getattr(self.model, output)(self.X))
        return self._known[output][rows]


def _numbers(scores: dict[str, float], model: Any) -> dict[str, float]:
    """Return scores none of which is NaN."""
    for metric, score in scores.items():
        if math.isnan(score):
            name = type(getattr(model, "estimator", model)).__name__
            raise WorkError(f"metric {metric!r} gives no number for the predictions of {name}; choose another metric")
    return scores


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


def unit_groups(units: NDArray[np.intp], most: int = MOST_GROUPS) -> list[RowNumbers]:
    """Return groups of test rows of nearly equal size, none of which separates the rows of a unit.

    Parameters
    ----------
    units : unit of each test row, in [0, n_units), ``(n_test,)``, two units or more.
    most : largest number of groups.
    """
    sizes = np.bincount(units)
    count = min(most, len(sizes))
    filled, group_of = np.zeros(count), np.empty(len(sizes), dtype=np.intp)
    for unit in np.argsort(-sizes, kind="stable"):
        group_of[unit] = np.argmin(filled)
        filled[group_of[unit]] += sizes[unit]
    return [np.flatnonzero(group_of[units] == group) for group in range(count)]


def group_values(correct: NDArray[np.bool_], units: NDArray[np.intp]) -> Array:
    """Return a value of each unit of test rows whose mean is the accuracy of all rows, ``(n_units,)``.

    The accuracy is a ratio of two sums over units: of right rows and of rows. For G units and n rows, its linear part
    is the mean of a + (G/n)·(r_g − a·n_g), with a the accuracy, n_g the rows of unit g and r_g those that are right
    (W. G. Cochran, *Sampling Techniques*, Wiley 1977, chapter 6).

    Parameters
    ----------
    correct : whether each test row is right, ``(n_test,)``.
    units : unit of each test row, in [0, n_units), ``(n_test,)``.

    Examples
    --------
    >>> group_values(np.array([True, True, True, False]), np.array([0, 0, 1, 1])).tolist()
    [1.0, 0.5]
    """
    sizes, right, accuracy = np.bincount(units), np.bincount(units, weights=correct), correct.mean()
    values: Array = accuracy + len(sizes) / len(units) * (right - accuracy * sizes)
    return values


def _pseudo_values(score: float, without: Array) -> Array:
    groups = len(without)
    return np.where(np.isfinite(without), groups * score - (groups - 1) * without, score)
