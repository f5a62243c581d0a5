"""Outputs of wrapped estimators pass one gate: right ones unchanged, each wrong one raises one line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

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
    probabilities = np.full((4, 3), 1 / 3)
    assert output("predict_proba", probabilities) is probabilities
    # where variances are tiny, naive Bayes is off by some 1e-7; dividing by the sum would break ties another way
    assert output("predict_proba", nearly := probabilities * (1 + 3e-6)) is nearly
    values = np.array([[-5.0, 1e300, 1e308]] * 4)
    assert output("decision_function", values) is values
    single = np.array([-1.0, 2.0, 0.0, 3.0])
    assert output("decision_function", single, 2) is single
    assert output("decision_function", single[:, None], 2).tolist() == single.tolist()
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


class Tensor:
    """What a library's own array looks like: nothing but ``__array__``."""

    def __init__(self, values: Any, problem: str = "") -> None:
        self.values, self.problem = values, problem

    def __array__(self, *arguments: Any, **keywords: Any) -> Any:
        if self.problem:
            raise RuntimeError(self.problem)
        return np.asarray(self.values)


@pytest.mark.parametrize(
    "value",
    [
        [0, 2, 1, 1],
        (0.0, 2.0, 1.0, 1.0),
        [[0], [2], [1], [1]],
        np.array([0, 2, 1, 1], dtype=object),
        np.array(["0", "2", "1", "1"]),
        np.array([[0], [2], [1], [1]], dtype=np.float32),
        pd.Series([0, 2, 1, 1], index=[9, 8, 7, 6]),
        pd.Series([0, 2, 1, 1], dtype="Int64"),
        pd.DataFrame({"class": [0, 2, 1, 1]}),
        pd.Categorical([0, 2, 1, 1]),
        sparse.csr_array([[0], [2], [1], [1]]),
        Tensor([0, 2, 1, 1]),
        np.ma.masked_array([0, 2, 1, 1], mask=False),
    ],
    ids=lambda value: f"{type(value).__name__}-{getattr(value, 'dtype', '')}",
)
def test_codes_may_come_in_any_container(value: Any) -> None:
    assert output("predict", value).tolist() == [0, 2, 1, 1]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (np.array([[0, 2, 1, 1]]), r"an array of shape \(1, 4\): .* it must be \(4,\)"),
        (np.eye(3)[[0, 2, 1, 1]], r"an array of shape \(4, 3\): .* it must be \(4,\)"),
        (np.array(["a", "b", "a", "a"]), "<U1 values are no class codes"),
        (np.array([0, None, 1, 1], dtype=object), "float64 values are no class codes"),
        (pd.Series([0, pd.NA, 1, 1], dtype="Int64"), "values are no class codes"),
        (pd.Categorical([0, None, 1, 1]), "float64 values are no class codes"),
        (np.array([0.5, 1.0, 1.0, 1.0]), "float64 values are no class codes"),
        (np.array([np.nan, 1.0, 1.0, 1.0]), "float64 values are no class codes"),
        (np.array([True, False, True, True]), "bool values are no class codes"),
        (np.ma.masked_array([0, 2, 1, 1], mask=[1, 0, 0, 0]), "some values are masked"),
        (Tensor([0, 2, 1, 1], "call detach() first"), r"a Tensor that is no array: call detach\(\) first"),
        ((code for code in (0, 2, 1, 1)), "a generator: for 4 rows"),
        (None, "a NoneType: for 4 rows"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_code_for_each_row_is_refused(value: Any, problem: str) -> None:
    with pytest.raises(WorkError, match=f"^Returns.predict returned .*({problem})"):
        output("predict", value)


def test_an_answer_of_yes_or_no_is_a_code_of_two_classes() -> None:
    assert output("predict", np.array([True, False, True, True]), 2).tolist() == [1, 0, 1, 1]


def test_a_single_row_may_lack_its_axis() -> None:
    """As numpy.squeeze leaves it."""
    one = X[:1]
    assert estimator_output(Returns(np.intp(2)), "predict", one, 3).tolist() == [2]
    assert estimator_output(Returns(np.array([0.2, 0.3, 0.5])), "predict_proba", one, 3).tolist() == [[0.2, 0.3, 0.5]]
    assert estimator_output(Returns([0.25]), "predict_proba", one, 2).tolist() == [[0.75, 0.25]]
    assert estimator_output(Returns([1.5]), "decision_function", one, 2).tolist() == [1.5]


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_one_column_of_probabilities_is_that_of_the_second_class(shape: tuple[int, ...]) -> None:
    second = np.array([0.0, 0.25, 0.5, 1.0]).reshape(shape)
    expected = [[1.0, 0.0], [0.75, 0.25], [0.5, 0.5], [0.0, 1.0]]
    assert output("predict_proba", second, 2).tolist() == expected
    with pytest.raises(WorkError, match=r"for 4 rows and 3 classes it must be \(4, 3\)"):
        output("predict_proba", second, 3)


def test_rounded_probabilities_sum_to_one_and_others_are_refused() -> None:
    single = np.full((4, 3), 1 / 3, dtype=np.float32)
    checked = output("predict_proba", single)
    assert checked.dtype == np.float64
    np.testing.assert_allclose(checked.sum(axis=1), 1.0, atol=1e-15)
    rounded = np.array([[0.33, 0.33, 0.33]] * 4)
    np.testing.assert_allclose(output("predict_proba", rounded), 1 / 3)
    for wrong in ([0.9, 0.9, 0.1], [0.1, 0.1, 0.1], [0.0, 0.0, 0.0]):
        with pytest.raises(WorkError, match=r"the sums of its rows are from [\d.]+ to [\d.]+, not 1"):
            output("predict_proba", np.array([wrong] * 4))
    with pytest.raises(WorkError, match=r"probabilities from -2.3.* are outside of 0 to 1"):
        output("predict_proba", np.log([[0.1, 0.2, 0.7]] * 4))


class Ordered(Returns):
    """An estimator that names its classes."""

    def __init__(self, value: Any = None, classes: Any = None) -> None:
        super().__init__(value)
        self.classes_ = classes


@pytest.mark.parametrize(
    "classes", [np.array([2, 0, 1]), [2, 0, 1], [np.array([2, 0, 1])], np.array([2.0, 0.0, 1.0]), ["2", "0", "1"]]
)
def test_columns_are_put_in_the_order_of_the_codes(classes: Any) -> None:
    columns = np.array([[0.5, 0.2, 0.3]] * 4)
    for method in ("predict_proba", "decision_function"):
        checked = estimator_output(Ordered(columns, classes), method, X, 3)  # type: ignore[arg-type]
        assert checked.tolist() == [[0.2, 0.3, 0.5]] * 4


def test_two_classes_in_the_other_order_change_their_sign_and_their_columns() -> None:
    assert estimator_output(Ordered(np.ones(4), [1, 0]), "decision_function", X, 2).tolist() == [-1.0] * 4
    assert estimator_output(Ordered(np.ones(4), [1, 0]), "predict_proba", X, 2).tolist() == [[1.0, 0.0]] * 4
    assert output("decision_function", np.array([[1.0, 3.0]] * 4), 2).tolist() == [2.0] * 4


def test_classes_that_an_estimator_does_not_know_come_last() -> None:
    """Its own split may have left a class out."""
    columns = np.array([[0.4, 0.6]] * 4)
    assert estimator_output(Ordered(columns, [0, 2]), "predict_proba", X, 3).tolist() == [[0.4, 0.0, 0.6]] * 4
    decided = estimator_output(Ordered(columns, [0, 2]), "decision_function", X, 3)
    assert decided.argmax(axis=1).tolist() == [2] * 4
    assert decided.argmin(axis=1).tolist() == [1] * 4
    assert estimator_output(Ordered(np.ones((4, 1)), [1]), "predict_proba", X, 2).tolist() == [[0.0, 1.0]] * 4


@pytest.mark.parametrize(
    ("classes", "problem"),
    [
        (["a", "b", "c"], r"its classes_ are \['a', 'b', 'c'\], not codes from 0 to 2"),
        ([0, 1, 3], r"its classes_ are \[0, 1, 3\], not codes from 0 to 2"),
        ([0, 1, 1], "not codes from 0 to 2"),
        ([0, 1], r"for 4 rows and 2 classes it must be \(4, 2\)"),
    ],
)
def test_columns_of_unknown_classes_are_refused(classes: Any, problem: str) -> None:
    with pytest.raises(WorkError, match=problem):
        estimator_output(Ordered(np.full((4, 3), 1 / 3), classes), "predict_proba", X, 3)


def test_pairs_of_classes_are_counted_as_scikit_learn_counts_them() -> None:
    rng = np.random.default_rng(0)
    for n_classes in (3, 4, 5):
        features, labels = rng.normal(size=(80, 3)), np.arange(80) % n_classes
        machine = SVC(decision_function_shape="ovo").fit(features, labels)
        checked = estimator_output(machine, "decision_function", features, n_classes, pairs=1)
        np.testing.assert_allclose(
            checked, machine.set_params(decision_function_shape="ovr").decision_function(features)
        )
    with pytest.raises(WorkError, match=r"shape \(4, 6\): .* it must be \(4, 4\); it has a column for each pair"):
        output("decision_function", np.zeros((4, 6)), 4)


class Fragile(Returns):
    """An estimator that writes into the features that it gets, or fails."""

    def predict(self, X: Any) -> Any:
        if self.value is not None:
            raise KeyError(self.value)
        X += 1.0
        return X[:, 0].astype(int)


def test_an_estimator_that_writes_into_the_features_gets_a_copy() -> None:
    features = np.zeros((4, 2))
    assert estimator_output(Fragile(), "predict", features, 2).tolist() == [1] * 4
    assert not features.any()
    assert features.flags.writeable


def test_an_error_in_a_method_is_one_line() -> None:
    with pytest.raises(WorkError, match=r"^Fragile.predict failed on 4 rows: 'a line'$"):
        estimator_output(Fragile("a line"), "predict", X, 2)


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
