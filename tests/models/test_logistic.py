"""The faster logistic regression is scikit-learn's own to the last bit, in and out of its usual settings."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from altune.models import LogisticRegressionModel, logistic
from altune.models.logistic import ManyClassLoss, PlainLogisticRegression, TwoClassLoss
from tests.helpers.models import LOADERS, require_same, some_rows


class Refusing(LogisticRegression):
    """What the faster class may not turn to where it is to do the work itself."""

    def fit(self, *arguments: Any) -> Any:
        raise AssertionError("left to scikit-learn")

    decision_function = fit


class Alone(PlainLogisticRegression, Refusing):
    """The faster class, which must do without scikit-learn's."""


@pytest.mark.parametrize("data", LOADERS)
@pytest.mark.parametrize("n_rows", [6, 40, 150])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_logistic_regression_is_scikit_learns(data: str, n_rows: int, form: Any, weighted: bool) -> None:
    everything, X, y = some_rows(data, n_rows, n_rows)
    weights = np.random.default_rng(1).random(len(y)) + 0.1 if weighted else None
    for settings in ({"max_iter": 1000}, {"C": 100.0, "max_iter": 7}, {"C": 0.01, "tol": 1e-6}):
        theirs = LogisticRegression(**settings).fit(form(X), y, weights)
        require_same(Alone(**settings).fit(form(X), y, weights), theirs, form(everything))


@pytest.mark.parametrize("data", ["digits", "breast_cancer"])
def test_a_warm_start_is_scikit_learns(data: str) -> None:
    everything, X, y = some_rows(data, 80)
    made = []
    for cls in (Alone, LogisticRegression):
        estimator = cls(warm_start=True, max_iter=1000, C=0.5).fit(X, y)
        made.append(estimator.set_params(C=3.0).fit(X, y))
    require_same(*made, everything)


@pytest.mark.parametrize(
    "settings", [{"solver": "newton-cg"}, {"fit_intercept": False}, {"class_weight": "balanced"}, {"max_iter": 50}]
)
def test_other_settings_and_arrays_are_left_to_scikit_learn(settings: dict[str, Any]) -> None:
    everything, X, y = some_rows("wine", 60)
    names = np.array(["a", "b", "c"])[y]
    for rows, labels in ((X, y), (X.astype(np.float32), y), (np.asfortranarray(X), y), (X.tolist(), y), (X, names)):
        ours, theirs = (cls(**settings).fit(rows, labels) for cls in (PlainLogisticRegression, LogisticRegression))
        require_same(ours, theirs, everything)
        require_same(ours, theirs, everything.astype(np.float32))


def test_what_scikit_learn_refuses_is_refused() -> None:
    _, X, y = some_rows("wine", 40)
    with pytest.raises(ValueError, match="NaN"):
        PlainLogisticRegression().fit(np.where(X > 1, np.nan, X), y)
    with pytest.raises(ValueError, match="one class"):
        PlainLogisticRegression().fit(X, np.zeros(len(y), dtype=int))
    fitted = PlainLogisticRegression(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="shape"):
        PlainLogisticRegression(warm_start=True).fit(X, y > 0).fit(X, y)
    with pytest.raises(ValueError, match="shape"):
        PlainLogisticRegression(warm_start=True).fit(X, (y > 0).astype(int)).fit(X, y)
    with pytest.raises(ValueError, match="NaN"):
        fitted.predict(np.full_like(X, np.nan))
    with pytest.raises(ValueError, match="features"):
        fitted.predict(X[:, :3])


def test_a_scikit_learn_without_its_losses_trains_in_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    everything, X, y = some_rows("wine", 60)
    monkeypatch.setattr(logistic, "fits_agree", lambda: False)
    monkeypatch.setattr(logistic, "minimize_loss", None)
    require_same(PlainLogisticRegression().fit(X, y), LogisticRegression().fit(X, y), everything)


@pytest.mark.parametrize(("make", "n_classes"), [(ManyClassLoss, 3), (TwoClassLoss, 2)])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_the_gradient_is_that_of_the_loss(make: Any, n_classes: int, form: Any) -> None:
    _, X, y = some_rows("wine", 30)
    loss = make(form(X), np.minimum(y, n_classes - 1).astype(float), None, 30.0, 0.1, n_classes)
    flat = np.random.default_rng(0).normal(size=(1 if n_classes == 2 else n_classes) * (X.shape[1] + 1))
    kept = flat.copy()
    _, gradient = loss(flat)
    assert np.array_equal(flat, kept)
    steps = 1e-6 * np.eye(len(flat))
    slopes = [(loss(flat + step)[0] - loss(flat - step)[0]) / 2e-6 for step in steps]
    np.testing.assert_allclose(slopes, gradient, atol=1e-7)


def test_a_model_trains_the_faster_one_and_its_clone_is_the_same() -> None:
    everything, X, y = some_rows("digits", 60)
    estimator = LogisticRegressionModel(C=2.0).build(seed=0, n_labelled=60)
    assert isinstance(estimator, PlainLogisticRegression)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        require_same(clone(estimator).fit(X, y), LogisticRegression(C=2.0, max_iter=1000).fit(X, y), everything)
