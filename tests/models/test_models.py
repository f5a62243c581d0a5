"""What a user relies on in models: any classes at any time, honest abilities, one answer for one seed."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.metrics import get_scorer
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from altune.core.errors import FormatError, RequestError, WorkError
from altune.core.registry import describe_parameters, methods, parse_method, unregister
from altune.models import FittedModel, LogisticRegressionModel, Model, as_model, register_estimator
from altune.models.custom import CustomModel
from altune.models.linear import starting_coefficients

QUICK: dict[str, dict[str, Any]] = {
    "random_forest": {"n_estimators": 10},
    "extra_trees": {"n_estimators": 10},
    "hist_gradient_boosting": {"max_iter": 5},
    "sgd": {"max_epochs": 30},
    "mlp": {"max_epochs": 30, "hidden_units": 20, "learning_rate": 0.01},
}
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


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return StandardScaler().fit_transform(X)[order], y[order]


@pytest.fixture(scope="module")
def cancer() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return StandardScaler().fit_transform(X)[order], y[order]


@pytest.fixture
def own() -> Any:
    """Forget what a test registers."""
    before = set(methods("model"))
    yield
    for name in set(methods("model")) - before:
        unregister("model", name)


def model(name: str, **parameters: Any) -> Model:
    made = parse_method("model", {"method": name, **QUICK.get(name, {}), **parameters})
    assert isinstance(made, Model)
    return made


def check_answers(fitted: FittedModel, X: Any, n_classes: int, possible: set[int]) -> None:
    """Whatever was seen, all three outputs are over all classes and agree with one another."""
    predicted = fitted.predict(X)
    assert predicted.shape == (X.shape[0],)
    assert set(predicted.tolist()) <= possible
    scores = fitted.class_scores(X)
    assert scores.shape == (X.shape[0], n_classes)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0, atol=1e-9)
    assert scores.min() >= 0
    assert not scores[:, sorted(set(range(n_classes)) - possible)].any()
    best = scores[np.arange(len(predicted)), predicted]
    np.testing.assert_allclose(best, scores.max(axis=1), atol=1e-9)
    if hasattr(fitted, "predict_proba"):
        np.testing.assert_array_equal(fitted.predict_proba(X), scores)
    if hasattr(fitted, "decision_function"):
        values = fitted.decision_function(X)
        assert values.shape == ((X.shape[0],) if n_classes == 2 else (X.shape[0], n_classes))
        two_sided = np.column_stack([-values, values]) if values.ndim == 1 else values
        np.testing.assert_array_equal(two_sided.argmax(axis=1), predicted)
        for unseen in set(range(n_classes)) - possible:
            assert (two_sided[:, unseen] < two_sided[:, sorted(possible)].min(axis=1)).all()


def told_of_all(name: str) -> bool:
    return name in {"sgd", "mlp"}


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("classes", [range(10), (3,), (2, 7), (0, 1, 9)], ids=["all", "one", "two", "three"])
def test_any_classes_may_be_in_the_labels(name: str, classes: Any, digits: Any) -> None:
    X, y = digits
    rows = np.flatnonzero(np.isin(y, list(classes)))[:60]
    fitted = model(name).fit(X[rows], y[rows], 10, seed=1)
    assert fitted.seen.tolist() == sorted(classes)
    possible = set(range(10)) if told_of_all(name) and len(classes) > 1 else set(classes)
    check_answers(fitted, X[-200:], 10, possible)
    if len(classes) == 1:
        assert (fitted.class_scores(X[-20:])[:, classes[0]] == 1).all()


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("classes", [(0, 1), (1,)], ids=["both", "one"])
def test_two_classes(name: str, classes: Any, cancer: Any) -> None:
    X, y = cancer
    rows = np.flatnonzero(np.isin(y, classes))[:40]
    fitted = model(name).fit(X[rows], y[rows], 2, seed=1)
    check_answers(fitted, X[40:], 2, set(classes))
    if len(classes) == 2:
        assert fitted.score(X[40:], y[40:]) > 0.85


@pytest.mark.parametrize("name", BUILT_IN)
def test_one_row_of_each_class_is_enough(name: str, digits: Any) -> None:
    X, y = digits
    rows = np.array([np.flatnonzero(y == k)[0] for k in range(10)])
    check_answers(model(name).fit(X[rows], y[rows], 10, seed=0), X[-100:], 10, set(range(10)))


@pytest.mark.parametrize("name", BUILT_IN)
def test_learns_digits(name: str, digits: Any) -> None:
    X, y = digits
    fitted = model(name).fit(X[:300], y[:300], 10, seed=0)
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
            getattr(made, going_on)(None, X, y, 10, 0)
        return
    start = np.flatnonzero(np.isin(y, first))[:15]
    new = np.flatnonzero(np.isin(y, (1, 5, 6)))[:15]
    together = np.concatenate([start, new])
    previous = made.fit(X[start], y[start], 10, seed=0)
    before = previous.class_scores(X[-50:]).copy()
    if going_on == "fit":
        fitted = made.fit(X[together], y[together], 10, seed=1)
    elif going_on == "resume":
        fitted = made.resume(previous, X[together], y[together], 10, seed=1)
    else:
        fitted = made.update(previous, X[new], y[new], 10, seed=1)
    seen = sorted({*first, 1, 5, 6})
    assert fitted.seen.tolist() == seen
    check_answers(fitted, X[-200:], 10, set(range(10)) if told_of_all(name) else set(seen))
    learned = np.flatnonzero(np.isin(y, (5, 6)))[15:]
    assert np.isin(fitted.predict(X[learned]), (5, 6)).mean() > 0.5
    np.testing.assert_array_equal(previous.class_scores(X[-50:]), before)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_seed_decides_all_and_random_start_says_whether_it_matters(name: str, digits: Any) -> None:
    X, y = digits
    a, b, c = (model(name).fit(X[:60], y[:60], 10, seed=seed).class_scores(X[-200:]) for seed in (5, 5, 6))
    np.testing.assert_array_equal(a, b)
    assert np.allclose(a, c, atol=1e-3) == ("random_start" not in model(name).able())


@pytest.mark.parametrize("name", BUILT_IN)
def test_abilities_are_those_of_the_estimator(name: str, digits: Any) -> None:
    X, y = digits
    able = model(name).able()
    fitted = model(name).fit(X[:80], y[:80], 10, seed=0)
    assert ("probabilities" in able) == hasattr(fitted, "predict_proba") == hasattr(fitted.estimator, "predict_proba")
    assert ("decision_function" in able) == hasattr(fitted, "decision_function")
    assert ("decision_function" in able) == hasattr(fitted.estimator, "decision_function")
    assert "class_scores" in able
    if "sparse" in able:
        thin = model(name).fit(sparse.csr_matrix(X[:80]), y[:80], 10, seed=0)
        from_sparse = thin.class_scores(sparse.csr_matrix(X[-50:]))
        if name != "linear_svm":  # liblinear's sparse and dense solvers stop at other points
            np.testing.assert_allclose(from_sparse, fitted.class_scores(X[-50:]), atol=2e-2)
    else:
        with pytest.raises(WorkError, match=name):
            model(name).fit(sparse.csr_matrix(X[:80]), y[:80], 10, seed=0)


@pytest.mark.parametrize("name", BUILT_IN)
def test_weights_reach_the_estimator(name: str, digits: Any) -> None:
    X, y = digits
    weights = np.where(y[:80] == 3, 0.0, 1.0)
    if "sample_weight" not in model(name).able():
        with pytest.raises(RequestError, match="weight"):
            model(name).fit(X[:80], y[:80], 10, 0, weights)
        return
    without = model(name).fit(X[:80], y[:80], 10, 0, weights)
    assert 3 not in without.seen
    heavy = model(name).fit(X[:80], y[:80], 10, 0, np.where(y[:80] == 3, 500.0, 1.0))
    even = model(name).fit(X[:80], y[:80], 10, 0, np.ones(80))
    plain = model(name).fit(X[:80], y[:80], 10, 0)
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


@pytest.mark.parametrize("name", ["sgd", "mlp"])
def test_epochs_and_learning_rate_are_obeyed_also_when_going_on(name: str, digits: Any) -> None:
    X, y = digits[0][:100], digits[1][:100]
    once = model(name, max_epochs=1, batch_size=1000).fit(X, y, 10, 0)
    assert once.estimator.t_ == 100
    start = model(name, max_epochs=3).fit(X, y, 10, 0)
    moved = []
    for rate in (1e-5, 1e-2):
        after = model(name, max_epochs=3, learning_rate=rate).resume(start, X, y, 10, 1)
        moved.append(np.abs(after.estimator.coefs_[0] - start.estimator.coefs_[0]).max())
    assert moved[0] < 1e-2 * moved[1]


def test_epochs_shuffle_anew(digits: Any) -> None:
    X, y = digits[0][:64], digits[1][:64]
    together = model("sgd", max_epochs=2).fit(X, y, 10, 0)
    step = model("sgd", max_epochs=1).fit(X, y, 10, 0)
    repeated = model("sgd", max_epochs=1).resume(step, X, y, 10, 0)
    assert not np.allclose(together.estimator.coefs_[0], repeated.estimator.coefs_[0], atol=1e-9)


@pytest.mark.parametrize("name", ["sgd", "mlp"])
def test_resuming_a_network_starts_where_it_stopped(name: str, digits: Any) -> None:
    X, y = digits[0][:150], digits[1][:150]
    start = model(name, max_epochs=200).fit(X, y, 10, 0)
    one_more = model(name, max_epochs=1).resume(start, X, y, 10, 1)
    fresh = model(name, max_epochs=1).fit(X, y, 10, 1)
    assert one_more.score(X, y) > 0.97 > fresh.score(X, y) + 0.2


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
    previous = made.fit(X[start], y[start], 10, 0)
    resumed = made.resume(previous, X[:n_rows], y[:n_rows], 10, 0)
    fitted = made.fit(X[:n_rows], y[:n_rows], 10, 0)
    assert abs(resumed.score(X[n_rows:], y[n_rows:]) - fitted.score(X[n_rows:], y[n_rows:])) <= 1e-3
    difference = np.abs(resumed.class_scores(X[n_rows:]) - fitted.class_scores(X[n_rows:]))
    assert difference.mean() < 2e-3
    precise = Precise(C=0.1)
    exact = precise.fit(X[:n_rows], y[:n_rows], 10, 0).class_scores(X)
    resumed = precise.resume(precise.fit(X[start], y[start], 10, 0), X[:n_rows], y[:n_rows], 10, 0)
    np.testing.assert_allclose(resumed.class_scores(X), exact, atol=1e-4)


def test_logistic_regression_resumed_on_the_same_rows_needs_hardly_a_step(digits: Any) -> None:
    X, y = digits[0][:300], digits[1][:300]
    made = model("logistic_regression")
    previous = made.fit(X, y, 10, 0)
    again = made.resume(previous, X, y, 10, 0)
    assert again.estimator.n_iter_[0] <= 2 < previous.estimator.n_iter_[0]


def test_logistic_regression_resumed_when_classes_vanish(digits: Any) -> None:
    X, y = digits
    made = model("logistic_regression")
    previous = made.fit(X[:100], y[:100], 10, 0)
    two = np.flatnonzero(np.isin(y, (3, 6)))[:30]
    np.testing.assert_allclose(
        made.resume(previous, X[two], y[two], 10, 0).class_scores(X[-99:]),
        made.fit(X[two], y[two], 10, 0).class_scores(X[-99:]),
        atol=1e-2,
    )
    one = np.flatnonzero(y == 3)[:5]
    assert made.resume(previous, X[one], y[one], 10, 0).constant


def test_binary_coefficients_become_softmax_ones_and_back() -> None:
    w = np.array([[2.0, -1.0, 0.5]])
    three = starting_coefficients(w, np.array([1, 4]), np.array([1, 2, 4]))
    x = np.array([0.3, 0.7, 1.0])
    logits = three @ x
    assert np.isclose(1 / (1 + np.exp(-(w @ x)[0])), np.exp(logits[2]) / (np.exp(logits[0]) + np.exp(logits[2])))
    assert not three[1].any()
    np.testing.assert_allclose(starting_coefficients(three, np.array([1, 2, 4]), np.array([1, 4])), w)


def test_naive_bayes_updated_row_by_row_is_naive_bayes_fitted(digits: Any) -> None:
    X, y = digits
    made = model("naive_bayes", var_smoothing=1e-3)
    fitted = made.fit(X[:1], y[:1], 10, 0)
    for row in range(1, 60):
        fitted = made.update(fitted, X[row : row + 1], y[row : row + 1], 10, 0)
    whole = made.fit(X[:60], y[:60], 10, 0)
    np.testing.assert_allclose(fitted.class_scores(X[-200:]), whole.class_scores(X[-200:]), atol=1e-9)
    codes = GaussianNB(var_smoothing=1e-3).fit(X[:60], y[:60])
    np.testing.assert_allclose(whole.class_scores(X[-200:]), codes.predict_proba(X[-200:]), atol=1e-9)


def test_naive_bayes_survives_rows_that_are_all_alike() -> None:
    X, y = np.ones((4, 3)), np.array([0, 0, 0, 1])
    np.testing.assert_allclose(model("naive_bayes").fit(X, y, 2, 0).class_scores(X[:1]), [[0.75, 0.25]])


def test_neighbours_are_at_most_the_labels(digits: Any) -> None:
    X, y = digits
    fitted = model("k_nearest_neighbours", n_neighbors=50).fit(X[:8], y[:8], 10, 0)
    np.testing.assert_allclose(fitted.class_scores(X[-3:]), np.tile(np.bincount(y[:8], minlength=10) / 8, (3, 1)))


def test_predictions_are_those_of_the_estimator(digits: Any) -> None:
    """The wrapper changes nothing where there is nothing to change."""
    X, y = digits
    plain = SVC().fit(X[:200], y[:200])
    np.testing.assert_array_equal(model("svm_rbf").fit(X[:200], y[:200], 10, 0).predict(X), plain.predict(X))
    logistic = LogisticRegression(max_iter=1000).fit(X[:200], y[:200])
    fitted = model("logistic_regression").fit(X[:200], y[:200], 10, 0)
    np.testing.assert_array_equal(fitted.predict_proba(X), logistic.predict_proba(X))


def test_embedding_is_the_last_hidden_layer(digits: Any) -> None:
    X, y = digits
    fitted = model("mlp", hidden_units=20, hidden_layers=2).fit(X[:80], y[:80], 10, 0)
    hidden = fitted.embedding(X[-50:])
    assert hidden.shape == (50, 20)
    logits = hidden @ fitted.estimator.coefs_[-1] + fitted.estimator.intercepts_[-1]
    np.testing.assert_array_equal(logits.argmax(axis=1), fitted.predict(X[-50:]))
    np.testing.assert_allclose(fitted.embedding(sparse.csr_matrix(X[-50:])), hidden)
    assert model("sgd").fit(X[:80], y[:80], 10, 0).embedding(X) is X


@pytest.mark.parametrize("name", ["logistic_regression", "svm_rbf", "random_forest"])
def test_scikit_learn_scorers_take_a_fitted_model(name: str, cancer: Any) -> None:
    X, y = cancer
    fitted = model(name).fit(X[:60], y[:60], 2, 0)
    assert get_scorer("roc_auc")(fitted, X[60:], y[60:]) > 0.9
    assert get_scorer("accuracy")(fitted, X[60:], y[60:]) == (fitted.predict(X[60:]) == y[60:]).mean()
    if "probabilities" in model(name).able():
        assert get_scorer("neg_log_loss")(fitted, X[60:], y[60:]) < 0
    else:
        with pytest.raises(AttributeError):
            fitted.predict_proba(X)


def test_unfinished_optimisers_do_not_warn(digits: Any) -> None:
    X, y = digits
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in BUILT_IN:
            limit = {"max_iter": 1} if "max_iter" in OTHERS[name] else {}
            model(name, **limit).fit(X[:50], y[:50], 10, 0)


def test_bad_requests_are_told_in_one_line(digits: Any) -> None:
    X, y = digits
    with pytest.raises(RequestError, match="codes from 0 to 4"):
        model("svm_rbf").fit(X[:50], y[:50], 5, 0)
    with pytest.raises(WorkError, match="no labelled rows"):
        model("svm_rbf").fit(X[:0], y[:0], 10, 0)
    with pytest.raises(WorkError, match=r"svm_rbf could not be trained on 50 rows of 10 classes: .*NaN"):
        model("svm_rbf").fit(np.full_like(X[:50], np.nan), y[:50], 10, 0)
    with pytest.raises(RequestError, match="it knew 10 classes, now there are 11"):
        model("sgd").resume(model("sgd").fit(X[:50], y[:50], 10, 0), X[:50], y[:50], 11, 0)
    with pytest.raises(FormatError, match="did you mean 'svm_rbf'"):
        model("svmrbf")


@pytest.mark.usefixtures("own")
def test_own_estimator_is_a_model_like_any_other(digits: Any) -> None:
    X, y = digits
    pipeline = make_pipeline(StandardScaler(), SVC(C=2.0, gamma="auto", break_ties=True))
    cls = register_estimator(
        "my_svm",
        pipeline,
        {"svc__C": (float, 1e-3, 1e3), "svc__kernel": ["rbf", "linear"], "svc__gamma": (float, 1e-4, 1.0)},
        schedulable=["svc__C"],
    )
    assert cls.schedulable == ("svc__C",)
    facts = describe_parameters(cls)
    assert (facts["svc__C"]["type"], facts["svc__C"]["default"], facts["svc__C"]["high"]) == (
        "number",
        2.0,
        1e3,
    )
    assert facts["svc__kernel"]["choices"] == ["rbf", "linear"]
    made = model("my_svm", svc__C=5, svc__kernel="linear")
    assert made.build(0, 10)["svc"].get_params()["C"] == 5.0
    assert made.build(0, 10)["svc"].get_params()["gamma"] == "auto"
    assert pipeline["svc"].C == 2.0
    assert made.able() == {"class_scores", "decision_function", "sample_weight", "random_start"}
    assert parse_method("model", made.to_dict()) == made
    for classes in ((0, 4), (7,), range(10)):
        rows = np.flatnonzero(np.isin(y, list(classes)))[:50]
        check_answers(made.fit(X[rows], y[rows], 10, 0, np.ones(len(rows))), X[-90:], 10, set(classes))
    with pytest.raises(FormatError, match="my_svm has no parameter 'svc__c'; did you mean 'svc__C'"):
        model("my_svm", svc__c=1)
    with pytest.raises(FormatError, match=r"svc__C: 0.0 is not accepted: input should be greater than or equal to"):
        model("my_svm", svc__C=0.0)
    with pytest.raises(FormatError, match=r"svc__kernel: .*'rbf', 'linear'"):
        model("my_svm", svc__kernel="poly")


@pytest.mark.usefixtures("own")
def test_choices_of_own_estimators_keep_their_types() -> None:
    from sklearn.neural_network import MLPClassifier

    register_estimator(
        "net",
        MLPClassifier(),
        {"hidden_layer_sizes": [(100,), (20, 20)], "alpha": [1e-4, 1.0], "early_stopping": [False, True]},
    )
    made = model("net", hidden_layer_sizes=[20, 20], alpha=1, early_stopping=True)
    assert made.build(0, 10).get_params()["hidden_layer_sizes"] == (20, 20)
    with pytest.raises(FormatError, match="early_stopping"):
        model("net", early_stopping=1)
    assert parse_method("model", made.to_dict()) == made


def _play(made: Model, X: Any, y: Any) -> tuple[float, str, Model]:
    again = parse_method("model", made.to_dict())
    assert isinstance(again, Model)
    return again.fit(X[:100], y[:100], 10, 3).score(X[100:], y[100:]), type(made).__name__, made


@pytest.mark.usefixtures("own")
def test_own_estimators_travel_to_worker_processes(digits: Any) -> None:
    X, y = digits

    class Stubborn(DecisionTreeClassifier):  # type: ignore[misc]
        """A class that no worker can import."""

    trees = register_estimator("stubborn", Stubborn(), {"min_samples_leaf": (int, 1, 50)})
    models = [trees(min_samples_leaf=leaf) for leaf in (1, 5)] + [as_model(LinearDiscriminantAnalysis())]  # type: ignore
    models.append(model("svm_rbf"))
    here = [_play(made, X, y) for made in models]
    there = Parallel(n_jobs=2)(delayed(_play)(made, X, y) for made in models)
    assert [score for score, *_ in there] == [score for score, *_ in here]
    assert [made for *_, made in there] == models
    assert pickle.loads(pickle.dumps(models[2])) == models[2]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("estimator", [SGDClassifier(loss="log_loss"), GaussianNB()], ids=["sgd", "bayes"])
@pytest.mark.parametrize("first", [(4,), (1, 4), range(10)], ids=["one", "two", "all"])
def test_own_estimators_with_partial_fit_learn_from_new_rows(estimator: Any, first: Any, digits: Any) -> None:
    X, y = digits
    made = as_model(estimator)
    start = np.flatnonzero(np.isin(y, list(first)))[:60]
    previous = made.fit(X[start], y[start], 10, 0)
    before = previous.class_scores(X[-50:]).copy()
    fitted = previous
    for a in range(400, 500, 20):
        fitted = made.update(fitted, X[a : a + 20], y[a : a + 20], 10, 0)
    assert fitted.seen.tolist() == list(range(10))
    check_answers(fitted, X[-200:], 10, set(range(10)))
    assert fitted.score(X[500:], y[500:]) > 0.6
    np.testing.assert_array_equal(previous.class_scores(X[-50:]), before)
    if isinstance(estimator, SGDClassifier):
        thin = made.fit(sparse.csr_matrix(X[start]), y[start], 10, 0)
        update = made.update(thin, sparse.csr_matrix(X[400:450]), y[400:450], 10, 0, np.full(50, 0.5))
        check_answers(update, sparse.csr_matrix(X[-50:]), 10, set(range(10)))


@pytest.mark.usefixtures("own")
def test_as_model_takes_whatever_stands_for_a_model() -> None:
    svm = model("svm_rbf", C=3.0)
    assert as_model(svm) is svm
    assert as_model("svm_rbf") == as_model({"method": "svm_rbf"})
    lda = as_model(LinearDiscriminantAnalysis())
    assert lda.method == "linear_discriminant_analysis"
    assert type(as_model(LinearDiscriminantAnalysis())) is type(lda)
    assert as_model(LinearDiscriminantAnalysis(solver="lsqr")).method == "linear_discriminant_analysis_2"
    assert as_model(make_pipeline(StandardScaler(), SVC())).method == "standard_scaler_svc"
    logistic = as_model(LogisticRegression(C=3))
    assert logistic.method == "logistic_regression_2"
    assert logistic.build(0, 10).C == 3
    assert as_model(RidgeClassifier()).able() >= {"class_scores", "decision_function", "sample_weight"}
    assert "probabilities" not in as_model(RidgeClassifier()).able()


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("svm_rbf", SVC()), "already has a method 'svm_rbf'"),
        (("My SVM", SVC()), "no name for a model"),
        (("mine", SVR()), "SVR is not a scikit-learn classifier"),
        (("mine", object()), "object is not a scikit-learn classifier"),
        (("mine", SVC), "give an instance"),
        (("mine", SVC(), {"c": (float, 0.1, 1)}), "mine has no parameter 'c'; accepted: C, break_ties"),
        (("mine", SVC(), {"C": (float, 1, 0.1)}), "from low to high"),
        (("mine", SVC(), {"C": (0.1, 1)}), "declare"),
        (("mine", SVC(), {"kernel": []}), "declare"),
    ],
)
def test_registering_refuses_what_cannot_work(arguments: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        register_estimator(*arguments)


def test_registering_refuses_to_schedule_what_is_not_declared() -> None:
    with pytest.raises(RequestError, match="'C' is not declared"):
        register_estimator("mine", SVC(), schedulable=["C"])
