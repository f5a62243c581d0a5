"""Outputs of wrapped estimators pass one gate: right ones unchanged, each wrong one raises one line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.naive_bayes import GaussianNB

from altune.core.errors import WorkError
from altune.core.types import TrainingSet
from altune.models import FittedModel, as_model
from altune.models.outputs import estimator_output

X = np.zeros((4, 2))


class Returns(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator whose every method returns one value."""

    def __init__(self, value: Any = None) -> None:
        self.value = value

    def predict(self, X: Any) -> Any:
        return self.value

    predict_proba = decision_function = predict


def output(method: Any, value: Any, n_classes: int = 3) -> Any:
    return estimator_output(Returns(value), method, X, n_classes)


def test_right_outputs_pass_unchanged() -> None:
    codes = np.array([0, 2, 1, 1])
    assert output("predict", codes) is codes
    for dtype in (np.int32, np.uint8, np.float64):
        assert output("predict", codes.astype(dtype)).tolist() == codes.tolist()
    assert output("predict", codes[:, None]).tolist() == codes.tolist()
    assert output("predict", codes.astype(float)).dtype == np.intp
    probabilities = np.full((4, 3), 1 / 3, dtype=np.float32)
    assert output("predict_proba", probabilities) is probabilities
    values = np.array([[-5.0, 1e300, 1e308]] * 4)
    assert output("decision_function", values) is values
    single = np.array([-1.0, 2.0, 0.0, 3.0])
    assert output("decision_function", single, 2) is single
    assert output("decision_function", single[:, None], 2).tolist() == single.tolist()
    assert output("decision_function", np.ones((4, 2)), 2).shape == (4, 2)
    assert estimator_output(Returns(np.empty((0, 3))), "predict_proba", X[:0], 3).shape == (0, 3)
    assert estimator_output(Returns(np.empty(0, dtype=int)), "predict", X[:0], 3).shape == (0,)


@pytest.mark.parametrize(
    ("method", "value", "problem"),
    [
        ("predict", np.array([0, 1, 2]), r"shape \(3,\): for 4 rows and 3 classes it must be \(4,\)"),
        ("predict", np.zeros((4, 3), dtype=int), r"shape \(4, 3\): for 4 rows and 3 classes it must be \(4,\)"),
        ("predict", 1, r"shape \(\): "),
        ("predict", np.array(["a", "b", "c", "a"]), "<U1 values are no class codes"),
        ("predict", np.array([0.0, 1.5, 2.0, 0.0]), "float64 values are no class codes"),
        ("predict", np.array([0.0, np.nan, 2.0, 0.0]), "float64 values are no class codes"),
        ("predict", np.array([True, False, True, True]), "bool values are no class codes"),
        ("predict", np.array([0, 1, 2, 3]), "codes from 0 to 3 are outside of 0 to 2"),
        ("predict", np.array([-1, 1, 2, 0]), "codes from -1 to 2 are outside of 0 to 2"),
        ("predict_proba", np.full((4, 2), 0.5), r"shape \(4, 2\): for 4 rows and 3 classes it must be \(4, 3\)"),
        ("predict_proba", np.full((3, 3), 0.3), r"shape \(3, 3\): for 4 rows"),
        ("predict_proba", np.full(4, 0.5), r"shape \(4,\): for 4 rows"),
        ("predict_proba", [np.full((4, 2), 0.5)] * 3, r"shape \(3, 4, 2\): for 4 rows"),
        ("predict_proba", np.full((4, 3), "x"), "<U1 values are no numbers"),
        ("predict_proba", np.array([[0.5, 0.5, np.nan]] * 4), "some values are not finite"),
        ("predict_proba", np.array([[0.5, 0.6, -0.1]] * 4), "probabilities from -0.1 to 0.6 are outside of 0 to 1"),
        ("predict_proba", np.array([[0.0, 1.5, 0.0]] * 4), "probabilities from 0 to 1.5 are outside of 0 to 1"),
        ("decision_function", np.zeros((4, 2)), r"shape \(4, 2\): for 4 rows and 3 classes it must be \(4, 3\)"),
        ("decision_function", np.array([[0.0, 0.0, np.inf]] * 4), "some values are not finite"),
        ("decision_function", np.array([[0.0, 0.0, -np.inf]] * 4), "some values are not finite"),
    ],
)
def test_a_wrong_output_raises_one_line(method: Any, value: Any, problem: str) -> None:
    with pytest.raises(WorkError, match=f"^Returns.{method} returned an array of .*{problem}") as caught:
        output(method, value)
    assert "\n" not in str(caught.value)


def test_two_classes_need_one_decision_value_a_row() -> None:
    with pytest.raises(WorkError, match=r"for 4 rows and 2 classes it must be \(4,\)"):
        output("decision_function", np.zeros((4, 3)), 2)


@pytest.mark.parametrize("codes", [[0, 1, 2], [0, 2]])
def test_a_fitted_model_checks_every_output(codes: list[int]) -> None:
    known = np.array(codes)
    fitted = FittedModel(Returns(np.full(9, 9)), 3, known, known, ("predict_proba", "decision_function"))
    for method in ("predict", "predict_proba", "decision_function", "class_scores"):
        with pytest.raises(WorkError, match=r"^Returns"):
            getattr(fitted, method)(X)
    only_decision = FittedModel(Returns(np.full(9, 9)), 3, known, known, ("decision_function",))
    with pytest.raises(WorkError, match=r"^Returns.decision_function"):
        only_decision.class_scores(X)


def test_a_registered_estimator_that_predicts_nonsense_fails_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    training = TrainingSet(np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 3, 3)
    fitted = as_model(GaussianNB()).fit(training, 0)
    assert fitted.predict(training.X).shape == (12,)
    monkeypatch.setattr(GaussianNB, "predict", lambda self, X: np.full(len(X), 7))
    with pytest.raises(WorkError, match=r"^GaussianNB.predict returned .*: codes from 7 to 7 are outside of 0 to 2"):
        fitted.predict(training.X)
