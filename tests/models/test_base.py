"""What a user relies on in models: any classes at any time, honest abilities, one answer for one seed."""

from __future__ import annotations

import contextlib
import re
import warnings
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from altune.core.errors import FormatError, RequestError, WorkError
from altune.core.registry import describe_parameters, methods
from altune.core.types import TrainingSet
from altune.models import as_model
from altune.models.custom import CustomModel
from tests.helpers.models import check_answers, model

BUILT_IN = sorted(name for name, cls in methods("model").items() if not issubclass(cls, CustomModel))
OTHERS: dict[str, dict[str, Any]] = {  # one other value for each parameter of each model
    "logistic_regression": {"C": 7.0, "max_iter": 3},
    "linear_svm": {"C": 7.0, "max_iter": 3},
    "svm_rbf": {"C": 7.0, "gamma": 0.5},
    "random_forest": {"n_estimators": 7, "max_depth": 2, "min_samples_leaf": 3, "max_features": 0.5},
    "extra_trees": {"n_estimators": 7, "max_depth": 2, "min_samples_leaf": 3, "max_features": "log2"},
    "hist_gradient_boosting": {
        "learning_rate": 0.5,
        "max_iter": 7,
        "max_leaf_nodes": 4,
        "min_samples_leaf": 2,
        "l2_regularization": 1.0,
    },
    "k_nearest_neighbours": {"n_neighbors": 2, "weights": "distance"},
    "naive_bayes": {"var_smoothing": 0.1},
    "sgd": {"batch_size": 4, "learning_rate": 0.3, "alpha": 0.5, "max_epochs": 2},
    "mlp": {
        "batch_size": 4,
        "learning_rate": 0.3,
        "alpha": 0.5,
        "max_epochs": 2,
        "hidden_units": 5,
        "hidden_layers": 2,
    },
}


def knows_all_classes(name: str) -> bool:
    return name in {"sgd", "mlp"}


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("classes", [range(10), (3,), (2, 7), (0, 1, 9)], ids=["all", "one", "two", "three"])
def test_any_classes_may_be_in_the_labels(name: str, classes: Any, digits: Any) -> None:
    X, y = digits
    rows = np.flatnonzero(np.isin(y, list(classes)))[:60]
    fitted = model(name).fit(TrainingSet(X[rows], y[rows], 10), 1)
    assert fitted.seen.tolist() == sorted(classes)
    possible = set(range(10)) if knows_all_classes(name) and len(classes) > 1 else set(classes)
    check_answers(fitted, X[-200:], 10, possible)
    if len(classes) == 1:
        assert (fitted.class_scores(X[-20:])[:, classes[0]] == 1).all()


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("classes", [(0, 1), (1,)], ids=["both", "one"])
def test_two_classes(name: str, classes: Any, cancer: Any) -> None:
    X, y = cancer
    rows = np.flatnonzero(np.isin(y, classes))[:40]
    fitted = model(name).fit(TrainingSet(X[rows], y[rows], 2), 1)
    check_answers(fitted, X[40:], 2, set(classes))
    if len(classes) == 2:
        assert fitted.score(X[40:], y[40:]) > 0.85


@pytest.mark.parametrize("name", BUILT_IN)
def test_one_row_of_each_class_is_enough(name: str, digits: Any) -> None:
    X, y = digits
    rows = np.array([np.flatnonzero(y == k)[0] for k in range(10)])
    check_answers(model(name).fit(TrainingSet(X[rows], y[rows], 10), 0), X[-100:], 10, set(range(10)))


@pytest.mark.parametrize("name", BUILT_IN)
def test_learns_digits(name: str, digits: Any) -> None:
    X, y = digits
    fitted = model(name).fit(TrainingSet(X[:300], y[:300], 10), 0)
    assert fitted.score(X[300:], y[300:]) > (0.6 if name in {"naive_bayes", "hist_gradient_boosting"} else 0.8)


@pytest.mark.parametrize("going_on", ["fit", "resume", "update"])
@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("first", [(4,), (1, 4), (0, 4, 8)], ids=["one", "two", "three"])
def test_a_class_may_appear_later(going_on: str, name: str, first: Any, digits: Any) -> None:
    X, y = digits
    made = model(name)
    needed = {"fit": None, "resume": "resume", "update": "partial_fit"}[going_on]
    if needed is not None and needed not in made.able():
        with pytest.raises(RequestError, match=name):
            getattr(made, going_on)(None, TrainingSet(X, y, 10), 0)
        return
    start = np.flatnonzero(np.isin(y, first))[:15]
    new = np.flatnonzero(np.isin(y, (1, 5, 6)))[:15]
    together = np.concatenate([start, new])
    previous = made.fit(TrainingSet(X[start], y[start], 10), 0)
    before = previous.class_scores(X[-50:]).copy()
    if going_on == "fit":
        fitted = made.fit(TrainingSet(X[together], y[together], 10), 1)
    elif going_on == "resume":
        fitted = made.resume(previous, TrainingSet(X[together], y[together], 10), 1)
    else:
        fitted = made.update(previous, TrainingSet(X[new], y[new], 10), 1)
    seen = sorted({*first, 1, 5, 6})
    assert fitted.seen.tolist() == seen
    check_answers(fitted, X[-200:], 10, set(range(10)) if knows_all_classes(name) else set(seen))
    learned = np.flatnonzero(np.isin(y, (5, 6)))[15:]
    assert np.isin(fitted.predict(X[learned]), (5, 6)).mean() > 0.5
    np.testing.assert_array_equal(previous.class_scores(X[-50:]), before)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_seed_decides_all_and_random_start_says_whether_it_matters(name: str, digits: Any) -> None:
    X, y = digits
    a, b, c = (model(name).fit(TrainingSet(X[:60], y[:60], 10), seed).class_scores(X[-200:]) for seed in (5, 5, 6))
    np.testing.assert_array_equal(a, b)
    assert np.allclose(a, c, atol=1e-3) == ("random_start" not in model(name).able())


@pytest.mark.parametrize("name", BUILT_IN)
def test_abilities_are_those_of_the_estimator(name: str, digits: Any) -> None:
    X, y = digits
    able = model(name).able()
    fitted = model(name).fit(TrainingSet(X[:80], y[:80], 10), 0)
    assert ("probabilities" in able) == hasattr(fitted, "predict_proba") == hasattr(fitted.estimator, "predict_proba")
    assert ("decision_function" in able) == hasattr(fitted, "decision_function")
    assert ("decision_function" in able) == hasattr(fitted.estimator, "decision_function")
    assert "class_scores" in able
    if "sparse" in able:
        thin = model(name).fit(TrainingSet(sparse.csr_matrix(X[:80]), y[:80], 10), 0)
        from_sparse = thin.class_scores(sparse.csr_matrix(X[-50:]))
        if name != "linear_svm":  # liblinear's sparse and dense solvers stop at other points
            np.testing.assert_allclose(from_sparse, fitted.class_scores(X[-50:]), atol=2e-2)
    else:
        with contextlib.suppress(WorkError):
            assert name in model(name).fit(TrainingSet(sparse.csr_matrix(X[:80]), y[:80], 10), 0).failure


@pytest.mark.parametrize("name", BUILT_IN)
def test_weights_reach_the_estimator(name: str, digits: Any) -> None:
    X, y = digits
    weights = np.where(y[:80] == 3, 0.0, 1.0)
    if "sample_weight" not in model(name).able():
        with pytest.raises(RequestError, match="weight"):
            model(name).fit(TrainingSet(X[:80], y[:80], 10, weights), 0)
        return
    without = model(name).fit(TrainingSet(X[:80], y[:80], 10, weights), 0)
    assert 3 not in without.seen
    heavy = model(name).fit(TrainingSet(X[:80], y[:80], 10, np.where(y[:80] == 3, 500.0, 1.0)), 0)
    even = model(name).fit(TrainingSet(X[:80], y[:80], 10, np.ones(80)), 0)
    plain = model(name).fit(TrainingSet(X[:80], y[:80], 10), 0)
    if name != "random_forest":  # scikit-learn draws other bootstrap samples once there are weights
        np.testing.assert_allclose(even.class_scores(X[-99:]), plain.class_scores(X[-99:]), atol=1e-3)
    assert not np.allclose(heavy.class_scores(X[-99:]), plain.class_scores(X[-99:]), atol=1e-6)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_parameter_changes_the_estimator(name: str) -> None:
    cls = methods("model")[name]
    assert set(describe_parameters(cls)) == set(OTHERS[name]), "give each parameter another value in OTHERS"
    standard = repr(as_model(name).build(0, 40).get_params())
    for parameter, value in OTHERS[name].items():
        if parameter != "max_epochs":  # obeyed by the loop over epochs: a test of its own below
            changed = as_model({"method": name, parameter: value})
            assert repr(changed.build(0, 40).get_params()) != standard, parameter
    assert set(cls.schedulable) <= set(OTHERS[name])  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_number_has_a_range_to_search(name: str) -> None:
    for parameter, facts in describe_parameters(methods("model")[name]).items():
        assert facts["description"], parameter
        assert "choices" in facts or (facts["type"] in {"integer", "number"} and facts["low"] < facts["high"]), (
            parameter
        )


def test_unfinished_optimisers_do_not_warn(digits: Any) -> None:
    X, y = digits
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in BUILT_IN:
            limit = {"max_iter": 1} if "max_iter" in OTHERS[name] else {}
            model(name, **limit).fit(TrainingSet(X[:50], y[:50], 10), 0)


def test_bad_requests_are_told_in_one_line(digits: Any) -> None:
    X, y = digits
    with pytest.raises(RequestError, match="codes from 0 to 4"):
        model("svm_rbf").fit(TrainingSet(X[:50], y[:50], 5), 0)
    with pytest.raises(WorkError, match="no labelled rows"):
        model("svm_rbf").fit(TrainingSet(X[:0], y[:0], 10), 0)
    failure = model("svm_rbf").fit(TrainingSet(np.full_like(X[:50], np.nan), y[:50], 10), 0).failure
    assert re.match(r"svm_rbf could not be trained on 50 rows of 10 classes: .*NaN", failure)
    with pytest.raises(RequestError, match="from a model of 10 classes with labels of 11 classes"):
        model("sgd").resume(model("sgd").fit(TrainingSet(X[:50], y[:50], 10), 0), TrainingSet(X[:50], y[:50], 11), 0)
    with pytest.raises(FormatError, match="did you mean 'svm_rbf'"):
        model("svmrbf")
