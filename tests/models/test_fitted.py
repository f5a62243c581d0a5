"""Fitted models predict what their estimator predicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.svm import SVC

from altune.core.types import TrainingSet
from tests.helpers.models import model


def test_predictions_are_those_of_the_estimator(digits: Any) -> None:
    """The wrapper changes nothing where there is nothing to change."""
    X, y = digits
    plain = SVC().fit(X[:200], y[:200])
    np.testing.assert_array_equal(
        model("svm_rbf").fit(TrainingSet(X[:200], y[:200], 10), 0).predict(X), plain.predict(X)
    )
    logistic = LogisticRegression(max_iter=1000).fit(X[:200], y[:200])
    fitted = model("logistic_regression").fit(TrainingSet(X[:200], y[:200], 10), 0)
    np.testing.assert_array_equal(fitted.predict_proba(X), logistic.predict_proba(X))


@pytest.mark.parametrize("name", ["logistic_regression", "svm_rbf", "random_forest"])
def test_scikit_learn_scorers_take_a_fitted_model(name: str, cancer: Any) -> None:
    X, y = cancer
    fitted = model(name).fit(TrainingSet(X[:60], y[:60], 2), 0)
    assert get_scorer("roc_auc")(fitted, X[60:], y[60:]) > 0.9
    assert get_scorer("accuracy")(fitted, X[60:], y[60:]) == (fitted.predict(X[60:]) == y[60:]).mean()
    if "probabilities" in model(name).able():
        assert get_scorer("neg_log_loss")(fitted, X[60:], y[60:]) < 0
    else:
        with pytest.raises(AttributeError):
            fitted.predict_proba(X)
