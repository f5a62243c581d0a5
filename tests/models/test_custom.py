"""A user's own estimators as models."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest
from joblib import Parallel, delayed
from scipy import sparse
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from altune.core.errors import FormatError, RequestError
from altune.core.registry import describe_parameters, methods, parse_method, unregister
from altune.core.types import TrainingSet
from altune.models import Model, as_model, register_estimator
from tests.helpers.models import check_answers, model


@pytest.fixture
def own() -> Any:
    """Forget what a test registers."""
    before = set(methods("model"))
    yield
    for name in set(methods("model")) - before:
        unregister("model", name)


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
        check_answers(made.fit(TrainingSet(X[rows], y[rows], 10, np.ones(len(rows))), 0), X[-90:], 10, set(classes))
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
    return again.fit(TrainingSet(X[:100], y[:100], 10), 3).score(X[100:], y[100:]), type(made).__name__, made


@pytest.mark.slow
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
    previous = made.fit(TrainingSet(X[start], y[start], 10), 0)
    before = previous.class_scores(X[-50:]).copy()
    fitted = previous
    for a in range(400, 500, 20):
        fitted = made.update(fitted, TrainingSet(X[a : a + 20], y[a : a + 20], 10), 0)
    assert fitted.seen.tolist() == list(range(10))
    check_answers(fitted, X[-200:], 10, set(range(10)))
    assert fitted.score(X[500:], y[500:]) > 0.6
    np.testing.assert_array_equal(previous.class_scores(X[-50:]), before)
    if isinstance(estimator, SGDClassifier):
        thin = made.fit(TrainingSet(sparse.csr_matrix(X[start]), y[start], 10), 0)
        update = made.update(thin, TrainingSet(sparse.csr_matrix(X[400:450]), y[400:450], 10, np.full(50, 0.5)), 0)
        check_answers(update, sparse.csr_matrix(X[-50:]), 10, set(range(10)))


@pytest.mark.usefixtures("own")
def test_as_model_takes_whatever_stands_for_a_model() -> None:
    svm = model("svm_rbf", C=3.0)
    assert as_model(svm) is svm
    assert as_model("svm_rbf") == as_model({"method": "svm_rbf"})
    lda = as_model(LinearDiscriminantAnalysis())
    assert lda.method == "linear_discriminant_analysis"
    assert type(as_model(LinearDiscriminantAnalysis())) is type(lda)
    assert re.fullmatch(
        "linear_discriminant_analysis_[0-9a-f]{6}", as_model(LinearDiscriminantAnalysis(solver="lsqr")).method
    )
    assert as_model(make_pipeline(StandardScaler(), SVC())).method == "standard_scaler_svc"
    logistic = as_model(LogisticRegression(C=3))
    assert re.fullmatch("logistic_regression_[0-9a-f]{6}", logistic.method)
    assert logistic.build(0, 10).C == 3
    assert as_model(RidgeClassifier()).able() >= {"class_scores", "decision_function", "sample_weight"}
    assert "probabilities" not in as_model(RidgeClassifier()).able()


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("svm_rbf", SVC()), "already has a method 'svm_rbf'"),
        (("My SVM", SVC()), "not a name for a model"),
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
