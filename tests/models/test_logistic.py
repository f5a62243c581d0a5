"""Estimators that altune makes faster are scikit-learn's own to the last bit, in and out of their usual settings."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import optimize, sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale

from altune.models import (
    ExtraTrees,
    HistGradientBoosting,
    LogisticRegressionModel,
    MultilayerPerceptron,
    RandomForest,
    SoftmaxRegression,
    epochs,
    lbfgs,
    logistic,
    neural,
)
from altune.models.logistic import PlainLogisticRegression, _ManyClasses, _TwoClasses

LOADERS = {"digits": load_digits, "wine": load_wine, "breast_cancer": load_breast_cancer}
ANSWERS = ("predict", "predict_proba", "decision_function")


def some_rows(data: str, n_rows: int, seed: int = 0) -> tuple[Any, Any, Any]:
    """Return all scaled features, and features and gapless class codes of some rows."""
    X, y = LOADERS[data](return_X_y=True)
    X = scale(X)
    rows = np.sort(np.random.default_rng(seed).permutation(len(y))[:n_rows])
    return X, X[rows], np.unique(y[rows], return_inverse=True)[1]


def require_same(ours: Any, theirs: Any, X: Any) -> None:
    """Compare everything that is learned and said, bit for bit."""
    for name in ("classes_", "coef_", "intercept_", "n_iter_"):
        mine, own = getattr(ours, name), getattr(theirs, name)
        assert np.array_equal(mine, own), name
        assert (mine.shape, mine.dtype) == (own.shape, own.dtype)
    assert ours.n_features_in_ == theirs.n_features_in_
    for name in ANSWERS:
        assert np.array_equal(getattr(ours, name)(X), getattr(theirs, name)(X)), name


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
    monkeypatch.setattr(logistic, "HalfMultinomialLoss", None)
    monkeypatch.setattr(logistic, "minimize_loss", None)
    require_same(PlainLogisticRegression().fit(X, y), LogisticRegression().fit(X, y), everything)


@pytest.mark.parametrize(("make", "n_classes"), [(_ManyClasses, 3), (_TwoClasses, 2)])
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


def rosenbrock(x: Any) -> tuple[float, Any]:
    return float(optimize.rosen(x)), optimize.rosen_der(x)


@pytest.mark.parametrize("max_iter", [1, 5, 1000])
def test_lbfgs_takes_scipys_steps(max_iter: int) -> None:
    assert lbfgs._steps_are_known()
    start = np.random.default_rng(0).normal(size=30)
    end, steps = lbfgs.minimize_loss(rosenbrock, start, max_iter=max_iter, gtol=1e-6, ftol=1e-15)
    options = {"maxiter": max_iter, "maxls": 50, "gtol": 1e-6, "ftol": 1e-15}
    found = optimize.minimize(rosenbrock, start, jac=True, method="L-BFGS-B", options=options)
    assert np.array_equal(end, found.x)
    assert steps == found.nit


def test_lbfgs_ends_where_a_loss_cannot_be_lowered() -> None:
    def uphill(x: Any) -> tuple[float, Any]:  # its gradient points the wrong way
        return float(x @ x), -2 * x

    end, steps = lbfgs.minimize_loss(uphill, np.ones(3), max_iter=100, gtol=1e-9, ftol=0.0)
    found = optimize.minimize(uphill, np.ones(3), jac=True, method="L-BFGS-B", options={"maxls": 50, "ftol": 0.0})
    assert np.array_equal(end, found.x)
    assert steps == found.nit


def broken_step(*arguments: Any) -> None:
    raise TypeError("another signature")


def idle_step(*arguments: Any) -> None:
    arguments[11][:] = 4


@pytest.mark.parametrize("step", [broken_step, idle_step])
def test_a_scipy_with_other_steps_is_used_through_its_front_door(monkeypatch: pytest.MonkeyPatch, step: Any) -> None:
    everything, X, y = some_rows("wine", 60)
    monkeypatch.setattr(lbfgs, "_lbfgsb", SimpleNamespace(setulb=step))
    lbfgs._steps_are_known.cache_clear()
    try:
        require_same(PlainLogisticRegression().fit(X, y), LogisticRegression().fit(X, y), everything)
        assert not lbfgs._steps_are_known()
    finally:
        lbfgs._steps_are_known.cache_clear()


def test_a_model_trains_the_faster_one_and_its_clone_is_the_same() -> None:
    everything, X, y = some_rows("digits", 60)
    estimator = LogisticRegressionModel(C=2.0).build(seed=0, n_labelled=60)
    assert isinstance(estimator, PlainLogisticRegression)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        require_same(clone(estimator).fit(X, y), LogisticRegression(C=2.0, max_iter=1000).fit(X, y), everything)


@pytest.mark.parametrize(
    ("model", "theirs"), [(RandomForest, RandomForestClassifier), (ExtraTrees, ExtraTreesClassifier)]
)
def test_forests_are_scikit_learns(model: Any, theirs: Any) -> None:
    everything, X, y = some_rows("wine", 60)
    settings = {"n_estimators": 12, "max_depth": 4, "max_features": 0.7}
    ours = model(**settings).build(seed=5, n_labelled=60).fit(X, y)
    same = theirs(**settings, random_state=5).fit(X, y)
    assert np.array_equal(ours.predict_proba(everything), same.predict_proba(everything))
    assert [tree.get_params() for tree in ours.estimators_] == [tree.get_params() for tree in same.estimators_]


def trained_in_steps(model: Any, X: Any, y: Any, n_classes: int, weights: Any) -> Any:
    """Return scikit-learn's network, trained by its own ``partial_fit`` until the loss no longer falls."""
    estimator = model.build(seed=3, n_labelled=len(y)).set_params(random_state=np.random.RandomState(3))
    losses: list[float] = []
    stale = 0
    while len(losses) < model.max_epochs and stale < neural.PATIENCE:
        estimator.partial_fit(X, y, weights, classes=np.arange(n_classes))
        stale = 0 if estimator.loss_ < min(losses, default=np.inf) - neural.TOLERANCE else stale + 1
        losses.append(estimator.loss_)
    return estimator


def require_same_network(ours: Any, theirs: Any) -> None:
    for name in ("coefs_", "intercepts_"):
        assert all(np.array_equal(*pair) for pair in zip(getattr(ours, name), getattr(theirs, name), strict=True))
    assert ours.loss_ == theirs.loss_


@pytest.mark.parametrize("data", ["digits", "breast_cancer"])
@pytest.mark.parametrize("n_rows", [6, 100])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "model",
    [
        MultilayerPerceptron(hidden_units=20),
        MultilayerPerceptron(hidden_units=9, hidden_layers=3, batch_size=7, alpha=0.1, learning_rate=0.02),
        MultilayerPerceptron(max_epochs=1),
        SoftmaxRegression(),
        SoftmaxRegression(batch_size=1, max_epochs=20),
    ],
    ids=["mlp", "deep", "one epoch", "sgd", "single rows"],
)
def test_networks_are_scikit_learns(data: str, n_rows: int, form: Any, weighted: bool, model: Any) -> None:
    _, X, y = some_rows(data, n_rows)
    n_classes = len(np.unique(y)) + (data == "digits")  # a class that no row has
    weights = np.random.default_rng(1).random(len(y)) + 0.1 if weighted else None
    ours = model.fit(form(X), y, n_classes, 3, weights).estimator
    require_same_network(ours, trained_in_steps(model, form(X), y, n_classes, weights))


def test_a_network_goes_through_its_later_epochs_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    _, X, y = some_rows("wine", 40)
    calls = []
    first = MLPClassifier.partial_fit
    monkeypatch.setattr(MLPClassifier, "partial_fit", lambda self, *a, **k: calls.append(1) or first(self, *a, **k))
    MultilayerPerceptron(max_epochs=12).fit(X, y, 3, seed=0)
    assert len(calls) == 1


def test_a_network_whose_optimiser_hides_its_state_is_trained_by_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    _, X, y = some_rows("wine", 40)
    model = MultilayerPerceptron(max_epochs=12)
    expected = model.fit(X, y, 3, seed=3).estimator

    def hidden(optimizer: Any, size: int) -> None:
        raise AttributeError("ms")

    monkeypatch.setattr(epochs, "_Adam", hidden)
    require_same_network(model.fit(X, y, 3, seed=3).estimator, expected)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_weights_that_run_away_are_named() -> None:
    _, X, y = some_rows("wine", 40)
    estimator = MultilayerPerceptron().build(seed=0, n_labelled=40).partial_fit(X, y, classes=np.arange(3))
    estimator.coefs_[0][0, 0] = np.inf
    with pytest.raises(ValueError, match="not finite"):
        epochs.Epochs(estimator, X, np.eye(3)[y], None).run()


@pytest.mark.parametrize("data", LOADERS)
@pytest.mark.parametrize("n_rows", [6, 120, 400])
@pytest.mark.parametrize("weighted", [False, True])
def test_boosted_trees_are_scikit_learns(data: str, n_rows: int, weighted: bool) -> None:
    everything, X, y = some_rows(data, n_rows)
    X[0, 0] = everything[0, 0] = -0.0
    weights = np.random.default_rng(1).random(len(y)) + 0.1 if weighted else None
    settings = {"max_iter": 4, "min_samples_leaf": 3}
    ours = HistGradientBoosting(**settings).fit(X, y, len(np.unique(y)), 0, weights).estimator
    theirs = HistGradientBoostingClassifier(**settings, early_stopping=False, random_state=0).fit(X, y, weights)
    assert np.array_equal(ours.predict_proba(everything), theirs.predict_proba(everything))
    values = max(len(np.unique(column)) for column in X.T)
    assert ours.max_bins == max(2, min(values, 255))
