"""What an estimator can do is found by training it, where its methods, signature and tags misjudge it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.multiclass import OneVsRestClassifier, OutputCodeClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, NuSVC

from altune.core.errors import RequestError
from altune.core.needs import Capabilities
from altune.core.types import TrainingSet
from altune.models import as_model, register_estimator
from altune.models.abilities import asked_abilities, found_abilities
from tests.helpers.models import model

PAIR = [("machine", SVC()), ("bayes", GaussianNB())]
SHORT = {"probabilities": "P", "decision_function": "D", "partial_fit": "F", "sample_weight": "W", "sparse": "S"}


pytestmark = pytest.mark.usefixtures("own_models")


def letters(abilities: Any) -> str:
    return "".join(sorted(SHORT[need] for need in abilities.needs & SHORT.keys()))


class Wrapped(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A wrapper whose ``fit`` makes the estimator that does the work."""

    def __init__(self, inner: Any = None) -> None:
        self.inner = inner

    def fit(self, X: Any, y: Any, **keywords: Any) -> None:  # not even itself is returned
        self.inner_ = clone(self.inner or GaussianNB()).fit(X, y, **keywords)
        self.classes_ = self.inner_.classes_

    def predict(self, X: Any) -> Any:
        return self.inner_.predict(X)


class Everything(Wrapped):
    """It has every method there is, as it says."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name.endswith("_"):
            raise AttributeError(name)
        return lambda *arguments, **keywords: getattr(self.inner_, name)(*arguments, **keywords)


class Late(Wrapped):
    """It has probabilities once it is fitted."""

    def fit(self, X: Any, y: Any) -> None:
        super().fit(X, y)
        self.predict_proba = self.inner_.predict_proba


class Touchy(Wrapped):
    """Its property fails before it is fitted, and not by an AttributeError."""

    @property
    def predict_proba(self) -> Any:
        if not hasattr(self, "inner_"):
            raise RuntimeError("fit me first")
        return self.inner_.predict_proba


class Deaf(Wrapped):
    """It takes weights and ignores them, and its ``partial_fit`` forgets all that came before."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> None:
        super().fit(X, y)

    def partial_fit(self, X: Any, y: Any) -> None:
        self.fit(X, y)


class Pairs(Wrapped):
    """A machine that decides between pairs of classes, out of sight."""

    def __init__(self, sign: int = 1) -> None:
        super().__init__()
        self.sign = sign

    def fit(self, X: Any, y: Any) -> None:
        self.inner_ = SVC(decision_function_shape="ovo").fit(X, y)
        self.classes_ = self.inner_.classes_

    def decision_function(self, X: Any) -> Any:
        return self.sign * self.inner_.decision_function(X)


@pytest.mark.parametrize(
    ("estimator", "asked", "found"),
    [
        (LogisticRegression(), "DPSW", "DPSW"),
        (SVC(), "DSW", "DSW"),
        (NuSVC(), "DSW", "DSW"),
        (SGDClassifier(), "DFSW", "DFSW"),
        (BernoulliNB(), "FPSW", "FPSW"),
        (MLPClassifier((5,), early_stopping=True, max_iter=20), "FPSW", "PSW"),
        (BaggingClassifier(KNeighborsClassifier(), 3), "PSW", "PSW"),
        (VotingClassifier(PAIR), "", "W"),
        (VotingClassifier([("k", KNeighborsClassifier()), PAIR[1]], voting="soft"), "P", "P"),
        (StackingClassifier(PAIR, cv=2), "", "DPW"),
        (OneVsRestClassifier(SVC()), "DS", "DS"),
        (OutputCodeClassifier(SVC()), "S", "S"),
        (GridSearchCV(SVC(), {"C": [1, 10]}, cv=2), "DS", "DSW"),
        (make_pipeline(StandardScaler(), SVC()), "DW", "DW"),
        (make_pipeline(FunctionTransformer(), GaussianNB()), "PW", "PW"),
        (Everything(), "DFP", "FPW"),
        (Everything(SVC()), "DFP", "DSW"),
        (Late(), "", "P"),
        (Touchy(), "P", "PW"),
        (Deaf(), "FW", ""),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value or "none",
)
def test_a_fit_on_a_few_rows_corrects_what_asking_says(estimator: Any, asked: str, found: str) -> None:
    assert letters(asked_abilities(estimator)) == asked
    assert letters(found_abilities(estimator)) == found


def test_an_estimator_that_wants_columns_of_its_own_is_believed() -> None:
    pipeline = make_pipeline(FunctionTransformer(lambda X: X[:, [40]]), SVC(decision_function_shape="ovo"))
    assert found_abilities(pipeline) == asked_abilities(pipeline)
    assert found_abilities(pipeline).pairs == 1


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("n_classes", [3, 4, 5])
def test_pairs_of_classes_are_found_and_become_scores_of_classes(sign: int, n_classes: int, digits: Any) -> None:
    X, y = (part[np.flatnonzero(digits[1] < n_classes)][:150] for part in digits)
    training = TrainingSet(X, y, n_classes)
    fitted = as_model(Pairs(sign)).fit(training, 0)
    plain = SVC().fit(X, y)
    assert fitted.class_scores(X).shape == (150, n_classes)
    np.testing.assert_allclose(fitted.decision_function(X), plain.decision_function(X))


def test_the_values_of_a_choice_decide_what_an_estimator_can_do() -> None:
    register_estimator("gradient", SGDClassifier(), {"loss": ["hinge", "log_loss"], "alpha": (float, 1e-6, 1.0)})
    assert "probabilities" not in model("gradient").able()
    assert "probabilities" in model("gradient", loss="log_loss", alpha=0.5).able()


def test_more_classes_than_an_estimator_takes_are_refused_before_playing() -> None:
    two_only = as_model(FixedThresholdClassifier(LogisticRegression()))
    assert two_only.objections(two_only, Capabilities(n_classes=2)) == []
    (line,) = two_only.objections(two_only, Capabilities(n_classes=3))
    assert line.endswith("can be trained on two classes only; the data have 3")
    other = as_model(LogisticRegression())
    assert other.objections(other, Capabilities(n_classes=3)) == []


def test_what_cannot_be_weighted_is_refused(digits: Any) -> None:
    X, y = digits
    with pytest.raises(RequestError, match=r"deaf_[0-9a-f]{6} takes no sample weights"):
        as_model(Deaf()).fit(TrainingSet(X[:50], y[:50], 10, np.ones(50)), 0)


def test_an_estimator_that_writes_into_its_features_changes_nobody_elses(digits: Any) -> None:
    X, y = (part[:80].copy() for part in digits)
    before = X.copy()
    made = as_model(make_pipeline(StandardScaler(copy=False), GaussianNB(var_smoothing=1e-3)))
    fitted = made.fit(TrainingSet(X, y, 10), 0)
    fitted.class_scores(X)
    np.testing.assert_array_equal(X, before)


def test_an_estimator_of_another_library_gets_one_thread() -> None:
    class Threaded(Wrapped):
        def __init__(self, inner: Any = None, n_jobs: Any = None) -> None:
            super().__init__(inner)
            self.n_jobs = n_jobs

    assert as_model(Threaded()).build(0, 10).n_jobs == 1
    assert as_model(KNeighborsClassifier()).build(0, 10).n_jobs is None
    assert as_model(KNeighborsClassifier(n_jobs=4, p=1)).build(0, 10).n_jobs == 1


def test_sparse_rows_are_tried_as_they_will_be_given() -> None:
    class Picky(Wrapped):
        def fit(self, X: Any, y: Any) -> None:
            if sparse.issparse(X):
                raise TypeError("dense rows, please")
            super().fit(X, y)

    assert "sparse" not in found_abilities(Picky(LogisticRegression())).needs
    assert "sparse" in found_abilities(Wrapped(LogisticRegression())).needs
