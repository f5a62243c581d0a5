"""Logistic regression that is resumed, and its coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from altune.core.types import TrainingSet
from altune.models import LogisticRegressionModel
from altune.models.linear import starting_coefficients
from tests.helpers.models import model


class Precise(LogisticRegressionModel):
    """The same model, solved until nothing moves."""

    def build(self, seed: int, n_labelled: int) -> LogisticRegression:
        return super().build(seed, n_labelled).set_params(tol=1e-8)


@pytest.mark.parametrize("first", [(0, 1), (0, 1, 2), range(10)], ids=["two", "three", "all"])
@pytest.mark.parametrize("n_rows", [60, 300])
def test_logistic_regression_resumed_is_logistic_regression_fitted(first: Any, n_rows: int, digits: Any) -> None:
    X, y = digits
    made = model("logistic_regression")
    start = np.flatnonzero(np.isin(y, list(first)))[:40]
    previous = made.fit(TrainingSet(X[start], y[start], 10), 0)
    resumed = made.resume(previous, TrainingSet(X[:n_rows], y[:n_rows], 10), 0)
    fitted = made.fit(TrainingSet(X[:n_rows], y[:n_rows], 10), 0)
    assert abs(resumed.score(X[n_rows:], y[n_rows:]) - fitted.score(X[n_rows:], y[n_rows:])) <= 1e-3
    difference = np.abs(resumed.class_scores(X[n_rows:]) - fitted.class_scores(X[n_rows:]))
    assert difference.mean() < 2e-3
    precise = Precise(C=0.1)
    exact = precise.fit(TrainingSet(X[:n_rows], y[:n_rows], 10), 0).class_scores(X)
    resumed = precise.resume(
        precise.fit(TrainingSet(X[start], y[start], 10), 0), TrainingSet(X[:n_rows], y[:n_rows], 10), 0
    )
    np.testing.assert_allclose(resumed.class_scores(X), exact, atol=1e-4)


def test_logistic_regression_resumed_on_the_same_rows_needs_hardly_a_step(digits: Any) -> None:
    X, y = digits[0][:300], digits[1][:300]
    made = model("logistic_regression")
    previous = made.fit(TrainingSet(X, y, 10), 0)
    again = made.resume(previous, TrainingSet(X, y, 10), 0)
    assert again.estimator.n_iter_[0] <= 2 < previous.estimator.n_iter_[0]


def test_logistic_regression_resumed_when_classes_vanish(digits: Any) -> None:
    X, y = digits
    made = model("logistic_regression")
    previous = made.fit(TrainingSet(X[:100], y[:100], 10), 0)
    two = np.flatnonzero(np.isin(y, (3, 6)))[:30]
    np.testing.assert_allclose(
        made.resume(previous, TrainingSet(X[two], y[two], 10), 0).class_scores(X[-99:]),
        made.fit(TrainingSet(X[two], y[two], 10), 0).class_scores(X[-99:]),
        atol=1e-2,
    )
    one = np.flatnonzero(y == 3)[:5]
    assert made.resume(previous, TrainingSet(X[one], y[one], 10), 0).constant


def test_binary_coefficients_become_softmax_ones_and_back() -> None:
    w = np.array([[2.0, -1.0, 0.5]])
    three = starting_coefficients(w, np.array([1, 4]), np.array([1, 2, 4]))
    x = np.array([0.3, 0.7, 1.0])
    logits = three @ x
    assert np.isclose(1 / (1 + np.exp(-(w @ x)[0])), np.exp(logits[2]) / (np.exp(logits[0]) + np.exp(logits[2])))
    assert not three[1].any()
    np.testing.assert_allclose(starting_coefficients(three, np.array([1, 2, 4]), np.array([1, 4])), w)
