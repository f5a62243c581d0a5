"""Naive Bayes that learns from new rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.naive_bayes import GaussianNB

from altune.core.types import TrainingSet
from tests.helpers.models import model


def test_naive_bayes_updated_row_by_row_is_naive_bayes_fitted(digits: Any) -> None:
    X, y = digits
    made = model("naive_bayes", var_smoothing=1e-3)
    fitted = made.fit(TrainingSet(X[:1], y[:1], 10), 0)
    for row in range(1, 60):
        fitted = made.update(fitted, TrainingSet(X[row : row + 1], y[row : row + 1], 10), 0)
    whole = made.fit(TrainingSet(X[:60], y[:60], 10), 0)
    np.testing.assert_allclose(fitted.class_scores(X[-200:]), whole.class_scores(X[-200:]), atol=1e-9)
    codes = GaussianNB(var_smoothing=1e-3).fit(X[:60], y[:60])
    np.testing.assert_allclose(whole.class_scores(X[-200:]), codes.predict_proba(X[-200:]), atol=1e-9)


def test_naive_bayes_survives_rows_that_are_all_alike() -> None:
    X, y = np.ones((4, 3)), np.array([0, 0, 0, 1])
    np.testing.assert_allclose(model("naive_bayes").fit(TrainingSet(X, y, 2), 0).class_scores(X[:1]), [[0.75, 0.25]])
