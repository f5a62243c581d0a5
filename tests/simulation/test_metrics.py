"""The positive class of a metric, its possible values, and the shared predictions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import check_scoring, get_scorer, get_scorer_names

from altune.simulation.metrics import RANGES, has_positive, make_scorers, metric_range
from altune.simulation.scoring import Outputs

NUMBERS = {name for name in get_scorer_names() if "error" in name or "deviance" in name}
"""Scorers of numbers. Some of them depend on the codes of the classes, but none of them has a positive class."""
OF_SAMPLES = {name for name in get_scorer_names() if name.endswith("_samples")}
"""Averages over rows with several labels each, which no row has here."""


class Fixed(ClassifierMixin, BaseEstimator):
    """A classifier whose probability of the last of two classes is its first feature; it counts its calls."""

    classes_ = np.array([0, 1])

    def __init__(self, swapped: bool = False) -> None:
        self.swapped = swapped
        self.calls: list[str] = []

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict_proba(self, X: Any) -> Any:
        self.calls.append("predict_proba")
        last = 1 - X[:, 0] if self.swapped else X[:, 0]
        return np.column_stack([1 - last, last])

    def predict(self, X: Any) -> Any:
        self.calls.append("predict")
        last = (X[:, 0] > 0.5).astype(int)
        return 1 - last if self.swapped else last


def rows() -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    y = (rng.random(200) < 0.2).astype(int)
    X = np.clip(0.35 + 0.25 * y + rng.normal(0, 0.2, 200), 0.01, 0.99)[:, None]
    return X, y


def value(metric: str, model: Any, X: Any, y: Any, positive: int | None = None) -> float | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return make_scorers((metric,), 2, positive)(model, X, y)[metric]
        except ValueError:
            return None


def test_every_scorer_of_scikit_learn_is_classified():
    assert set(get_scorer_names()) <= set(RANGES)


def test_only_metrics_of_several_labels_a_row_cannot_score_two_classes():
    X, y = rows()
    unable = {metric for metric in get_scorer_names() if value(metric, Fixed(), X, y) is None}
    assert unable - NUMBERS == OF_SAMPLES
    assert not any(map(has_positive, OF_SAMPLES))


@pytest.mark.parametrize("metric", sorted(set(get_scorer_names()) - NUMBERS - OF_SAMPLES))
def test_a_metric_has_a_positive_class_if_it_changes_when_the_classes_are_exchanged(metric):
    X, y = rows()
    plain, exchanged = value(metric, Fixed(), X, y), value(metric, Fixed(swapped=True), X, 1 - y)
    assert plain is not None
    assert exchanged is not None
    assert has_positive(metric) == (abs(plain - exchanged) > 1e-9)


@pytest.mark.parametrize("metric", sorted(set(get_scorer_names()) - NUMBERS))
def test_the_first_class_as_positive_scores_like_the_last_one_with_the_classes_exchanged(metric):
    X, y = rows()
    expected = value(metric, Fixed(swapped=True), X, 1 - y)
    assert value(metric, Fixed(), X, y, positive=0) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("metric", sorted(get_scorer_names()))
def test_the_last_class_is_positive_by_default_with_the_numbers_of_scikit_learn(metric):
    X, y = rows()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = float(get_scorer(metric)(Fixed(), X, y))
        except ValueError:
            expected = None
    assert value(metric, Fixed(), X, y) == value(metric, Fixed(), X, y, positive=1) == expected


def test_metrics_of_one_class_and_of_both_share_the_outputs_and_no_value():
    # check_scoring gives the second metric the probabilities of the first one's positive class.
    X, y = rows()
    metrics = ("average_precision", "roc_auc", "neg_log_loss", "recall", "accuracy")
    model = Fixed()
    together = make_scorers(metrics, 2, 0)(Outputs(model, X), np.arange(len(y)), y)
    assert together == {metric: value(metric, Fixed(), X, y, positive=0) for metric in metrics}
    assert sorted(model.calls) == ["predict", "predict_proba"]


def test_scores_are_those_of_scikit_learns_scorer_of_several_metrics():
    X, y = rows()
    metrics = ("f1", "roc_auc", "neg_brier_score", "matthews_corrcoef")
    assert make_scorers(metrics, 2)(Fixed(), X, y) == check_scoring(scoring=list(metrics))(Fixed(), X, y)


def test_recall_of_either_class_counted_by_hand():
    X = np.array([[0.9], [0.8], [0.2], [0.1], [0.6]])
    y = np.array([1, 1, 1, 0, 0])
    assert make_scorers(("recall", "precision"), 2, 1)(Fixed(), X, y) == {"recall": 2 / 3, "precision": 2 / 3}
    assert make_scorers(("recall", "precision"), 2, 0)(Fixed(), X, y) == {"recall": 1 / 2, "precision": 1 / 2}


@pytest.mark.parametrize("metric", sorted(RANGES))
def test_values_lie_in_the_range_of_the_metric(metric):
    rng = np.random.default_rng(0)
    low, high = metric_range(metric)
    for _ in range(30):
        X, y = rng.random((12, 1)), np.concatenate([[0, 1], rng.integers(0, 2, 10)])
        score = value(metric, Fixed(), X, y, positive=int(rng.integers(2)))
        assert score is None or low - 1e-12 <= score <= high + 1e-12


def test_the_range_of_an_unknown_metric_is_open():
    assert metric_range("my_metric") == (-np.inf, np.inf)
