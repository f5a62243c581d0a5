"""Whether metrics can be computed: on the classes of a data set, and on the test rows of each of its blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import check_scoring

from altune.core.blame import pass_on
from altune.core.errors import ScenarioError, WorkError
from altune.core.settings import no_warnings, with_usual_settings
from altune.core.types import Array, Codes
from altune.simulation.metrics import has_positive
from altune.simulation.objectives.own import example_curve, own_objective
from altune.simulation.own_metrics import own_metrics
from altune.simulation.scoring import TestScorer

if TYPE_CHECKING:
    from altune.data import Dataset
    from altune.data.blocks import Block
    from altune.simulation.scenario import Scenario


def check_metrics(scenario: Scenario, dataset: Dataset, first: Block) -> None:
    """Refuse a metric that cannot score the classes of a data set, such as ``f1`` with ten classes.

    Parameters
    ----------
    scenario : the resolved scenario.
    dataset : the data.
    first : the first block of the search.

    Raises
    ------
    ScenarioError
        With the metric and the reason.
    """
    for metric, own in own_metrics().items():
        if metric in scenario.metric_names:
            own.check_labels(scenario.labels_of_classes)
    every = np.arange(2 * dataset.n_classes) % dataset.n_classes
    for metric in _checked(scenario):
        _scorer(metric, scenario, every).prior(every)
    check_block(scenario, dataset, first)
    for metric in _checked(scenario):
        score = _scorer(metric, scenario, dataset.y[first.test]).prior(dataset.y[first.pool])[metric]
        if not np.isfinite(score):
            raise ScenarioError(f"metric {metric!r} gives no finite number on the test rows of {dataset.name}")


def check_block(scenario: Scenario, dataset: Dataset, block: Block) -> None:
    """Refuse a block whose test rows lack a class that a metric needs.

    Raises
    ------
    ScenarioError
        With the class and the number of its rows.
    """
    y = dataset.y[block.test]
    missing = np.flatnonzero(np.bincount(y, minlength=dataset.n_classes) == 0)
    if not len(missing):
        return
    perfect = _Perfect(y, dataset.n_classes)
    for metric in _checked(scenario):
        if _computable(metric, scenario, y, perfect, missing):
            continue
        rarest = missing[np.argmin(dataset.class_counts[missing])]
        raise ScenarioError(
            f"the metric {metric!r} cannot be computed on {block.role} block {block.number} of {dataset.name}: class "
            f"{dataset.classes[rarest]!r} has {dataset.class_counts[rarest]} of {dataset.n_rows} rows and none among "
            "the test rows; give more rows of it, merge it with another class, or choose a metric such as "
            "balanced_accuracy"
        )


def check_objectives(scenario: Scenario) -> None:
    """Refuse objectives of the user that fail on a curve of three points with the metrics of a scenario.

    Raises
    ------
    ScenarioError
        With the reason.
    """
    curve = example_curve(scenario.metric_names, scenario.labels)
    for objective in (*scenario.make_objectives(), *map(scenario.make_objective, scenario.constrained)):
        if own_objective(objective.name) is None:
            continue
        try:
            objective(curve, curve)
        except WorkError as error:
            raise ScenarioError(f"{error} (on a curve of three points)") from None


@with_usual_settings
def wants_probabilities(metric: str) -> bool:
    """Return whether a scorer needs probabilities, as ``neg_log_loss`` does, so that a decision function is not enough.

    >>> wants_probabilities("neg_log_loss"), wants_probabilities("roc_auc"), wants_probabilities("accuracy")
    (True, False, False)
    """
    if metric.endswith(("_ovr", "_ovo", "_ovr_weighted", "_ovo_weighted")):
        return True
    own = own_metrics().get(metric)
    if own is not None and not own.from_outputs:
        return False
    scorer = own.scorer if own is not None else check_scoring(scoring=[metric], raise_exc=True)
    with no_warnings():
        try:
            scorer(_DecisionOnly(), np.array([[-1.0], [-0.5], [0.5], [1.0]]), np.array([0, 1, 0, 1]))
        except AttributeError:
            return True
        except BaseException as error:  # it sees labels that it does not know
            pass_on(error)
            return False
    return False


def _checked(scenario: Scenario) -> Sequence[str]:
    """Return the metrics that can be tried without features."""
    own = own_metrics()
    return [metric for metric in scenario.metric_names if metric not in own or own[metric].from_outputs]


def _scorer(metric: str, scenario: Scenario, y: Codes) -> TestScorer:
    labels = scenario.labels_of_classes
    return TestScorer((metric,), np.zeros((len(y), 1)), y, len(labels), scenario.positive_code, labels=labels)


def _computable(metric: str, scenario: Scenario, y: Codes, perfect: Any, missing: Codes) -> bool:
    if has_positive(metric) and scenario.positive_code in missing:
        return False
    try:
        return bool(np.isfinite(_scorer(metric, scenario, y)(perfect)[metric]))
    except (ValueError, WorkError):
        return False


class _DecisionOnly(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of two classes with a decision function and no probabilities."""

    classes_ = np.array([0, 1])

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Any:
        return (X[:, 0] > 0).astype(int)

    def decision_function(self, X: Any) -> Any:
        return X[:, 0]


class _Perfect(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of the test rows of a block that is nearly certain of the true classes."""

    def __init__(self, y: Codes, n_classes: int) -> None:
        self.y = y
        self.n_classes = n_classes
        self.classes_ = np.arange(n_classes)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: Any) -> Codes:
        return self.y

    def predict_proba(self, X: Any) -> Array:
        return np.asarray(0.1 / self.n_classes + 0.9 * np.eye(self.n_classes)[self.y])
