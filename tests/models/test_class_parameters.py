"""Parameters of a user's estimator that name the classes, for fits that have seen some of them."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import altune
from altune.core.errors import RequestError
from altune.core.needs import Capabilities
from altune.core.registry import parse_method
from altune.core.types import TrainingSet
from altune.models import as_model, register_estimator
from altune.recipes.recipe import Recipe

NAMES = ("ham", "spam", "virus")


pytestmark = pytest.mark.usefixtures("own_models")


class Costly(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator of no library, with every kind of parameter that names classes."""

    def __init__(
        self,
        class_weights: Any = None,
        cost_matrix: Any = None,
        classes: Any = None,
        n_classes: Any = None,
        sampling_strategy: Any = "auto",
        thresholds: Any = None,
        scale_pos_weight: Any = None,
        costs: Any = None,
        kind: Any = "spam",
    ) -> None:
        self.class_weights = class_weights
        self.cost_matrix = cost_matrix
        self.classes = classes
        self.n_classes = n_classes
        self.sampling_strategy = sampling_strategy
        self.thresholds = thresholds
        self.scale_pos_weight = scale_pos_weight
        self.costs = costs
        self.kind = kind

    def fit(self, X: Any, y: Any) -> Costly:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        return np.zeros(len(X), dtype=int)


def fitted(estimator: Any, seen: tuple[int, ...], names: tuple[object, ...] = NAMES) -> Any:
    """Return the trained estimator of a model that has seen some of the classes."""
    rng = np.random.default_rng(0)
    y = np.repeat(seen, 12)
    X = np.abs(rng.normal(size=(len(y), 3)) + y[:, None])
    return as_model(estimator).for_classes(names).fit(TrainingSet(X, y, len(names)), 0).estimator


def refusal(estimator: Any, names: tuple[object, ...] = NAMES, positive: str | None = None) -> str:
    """Return the line with which a recipe with this estimator is refused; empty if it is not."""
    offered = Capabilities(n_classes=len(names), classes=names, positive=positive)
    return "; ".join(Recipe(model=as_model(estimator), query_strategy="random").problems(offered))


@pytest.mark.parametrize("names", [NAMES, (1, 2, 3), (0, 1, 2), (10.5, 11.5, 12.5), (-1, 0, 1)])
def test_weights_follow_the_names_of_the_classes(names: tuple[object, ...]) -> None:
    weights = {names[1]: 5, names[2]: 7}
    assert fitted(LogisticRegression(class_weight=weights), (0, 1, 2), names).class_weight == {0: 1, 1: 5, 2: 7}
    assert fitted(LogisticRegression(class_weight=weights), (0, 2), names).class_weight == {0: 1, 1: 7}
    assert fitted(LogisticRegression(class_weight=weights), (1, 2), names).class_weight == {0: 5, 1: 7}
    assert fitted(LogisticRegression(class_weight={names[0]: 4}), (1, 2), names).class_weight == {0: 1, 1: 1}


def test_names_are_equal_whatever_their_type() -> None:
    for name in (2, 2.0, "2", np.int64(2), np.float64(2.0), np.str_("2")):
        assert fitted(LogisticRegression(class_weight={name: 5}), (0, 1, 2), (1, 2, 3)).class_weight == {
            0: 1,
            1: 5,
            2: 1,
        }
        assert not refusal(LogisticRegression(class_weight={name: 5}), ("1", "2", "10"))
    assert fitted(LogisticRegression(class_weight={True: 5}), (0, 1), (False, True)).class_weight == {0: 1, 1: 5}
    assert "no class 7" in refusal(LogisticRegression(class_weight={7: 5}), ("007", "008", "9"))


def test_words_and_defaults_stay() -> None:
    for weights in (None, "balanced"):
        assert fitted(LogisticRegression(class_weight=weights), (0, 2)).class_weight == weights
    forest = RandomForestClassifier(2, class_weight="balanced_subsample")
    assert fitted(forest, (0, 2)).class_weight == "balanced_subsample"


def test_parameters_deep_inside_are_found() -> None:
    scaled = make_pipeline(StandardScaler(), SGDClassifier(class_weight={"virus": 3}))
    assert fitted(scaled, (1, 2)).get_params()["sgdclassifier__class_weight"] == {0: 1, 1: 3}
    inner = LogisticRegression(class_weight={"spam": 3})
    for outer in (
        BaggingClassifier(inner, n_estimators=2),
        CalibratedClassifierCV(inner, cv=2),
        BaggingClassifier(make_pipeline(StandardScaler(), inner), n_estimators=2),
        VotingClassifier([("one", inner), ("other", GaussianNB())]),
    ):
        found = [value for name, value in fitted(outer, (1, 2)).get_params().items() if name.endswith("class_weight")]
        assert found == [{0: 3, 1: 1}], outer


def test_a_grid_of_an_inner_search_is_translated() -> None:
    grid = {"class_weight": [None, "balanced", {"virus": 9}], "C": [1.0]}
    searched = fitted(GridSearchCV(LogisticRegression(), grid, cv=2), (0, 2))
    assert searched.param_grid == {"class_weight": [None, "balanced", {0: 1, 1: 9}], "C": [1.0]}
    steps = [{"logisticregression": [LogisticRegression(class_weight={"virus": 9}), LogisticRegression()]}]
    searched = fitted(GridSearchCV(make_pipeline(LogisticRegression()), steps, cv=2), (0, 2))
    assert searched.param_grid[0]["logisticregression"][0].class_weight == {0: 1, 1: 9}
    assert "no class 'virsu'" in refusal(GridSearchCV(LogisticRegression(), {"class_weight": [{"virsu": 9}]}))


@pytest.mark.parametrize("cls", [GaussianNB, LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis])
def test_priors_of_the_classes_seen_sum_to_one(cls: Any) -> None:
    for priors in ([0.1, 0.3, 0.6], np.array([0.1, 0.3, 0.6])):
        assert np.allclose(fitted(cls(priors=priors), (0, 1, 2)).priors, [0.1, 0.3, 0.6])
        assert np.allclose(fitted(cls(priors=priors), (0, 2)).priors, [1 / 7, 6 / 7])
    named = cls(priors={"virus": 0.6, "ham": 0.1, "spam": 0.3})
    assert np.allclose(fitted(named, (1, 2)).priors, [1 / 3, 2 / 3])


def test_priors_of_counts() -> None:
    assert np.allclose(fitted(MultinomialNB(class_prior=[0.2, 0.2, 0.6]), (0, 2)).class_prior, [0.25, 0.75])


def test_a_constant_answer_may_be_a_class_that_was_not_seen() -> None:
    for names, constant in ((NAMES, "virus"), ((1, 2, 3), 3)):
        model = as_model(DummyClassifier(strategy="constant", constant=constant)).for_classes(names)
        for seen in ((0, 1), (0, 2), (1,)):
            y = np.repeat(seen, 3)
            assert model.fit(TrainingSet(np.zeros((len(y), 1)), y, 3), 0).predict(np.zeros((4, 1))).tolist() == [2] * 4


def test_a_single_class_that_is_named() -> None:
    threshold = FixedThresholdClassifier(LogisticRegression(), threshold=0.9, pos_label="no")
    assert fitted(threshold, (0, 1), ("no", "yes")).pos_label == 0
    far = RadiusNeighborsClassifier(radius=50.0, outlier_label="spam")
    assert fitted(far, (1, 2)).outlier_label == 0
    assert fitted(far, (0, 2)).outlier_label == "most_frequent"
    assert "no class 'maybe'" in refusal(RadiusNeighborsClassifier(outlier_label="maybe"))


def test_every_kind_of_parameter_of_an_estimator_of_no_library() -> None:
    costly = Costly(
        class_weights=[1, 2, 3],
        cost_matrix=np.arange(9).reshape(3, 3),
        classes=list(NAMES),
        n_classes=3,
        sampling_strategy={"virus": 40, "spam": 30},
        thresholds={"spam": 0.2, "ham": 0.4},
    )
    seen = fitted(costly, (1, 2))
    assert (seen.class_weights, seen.cost_matrix.tolist()) == ([2, 3], [[4, 5], [7, 8]])
    assert (seen.classes, seen.n_classes) == ([0, 1], 2)
    assert (seen.sampling_strategy, seen.thresholds) == ({0: 30, 1: 40}, {0: 0.2})
    assert fitted(Costly(sampling_strategy=["ham", "virus"]), (1, 2)).sampling_strategy == [1]
    assert fitted(costly, (0, 1, 2)).class_weights == [1, 2, 3]
    assert (costly.class_weights, costly.n_classes) == ([1, 2, 3], 3)


@pytest.mark.parametrize(
    ("estimator", "line"),
    [
        (LogisticRegression(class_weight={0: 1, 1: 5}), "class_weight of LogisticRegression: the data have no class 0"),
        (LogisticRegression(class_weight={"spma": 5}), "did you mean 'spam'? Accepted: ham, spam, virus"),
        (make_pipeline(SGDClassifier(class_weight={"x": 5})), "sgdclassifier__class_weight of SGDClassifier"),
        (GaussianNB(priors=[0.5, 0.5]), "it has 2 values and the data have 3 classes"),
        (GaussianNB(priors=[0.5, 0.5, 0.0]), "a prior must be above 0"),
        (GaussianNB(priors={"ham": 1.0}), "name each of them"),
        (RandomForestClassifier(class_weight=[{"ham": 1}]), "it has 1 values"),
        (DummyClassifier(strategy="constant", constant="none"), "no class 'none'"),
        (OneVsRestClassifier(LogisticRegression(class_weight={"spam": 5})), "two groups of classes"),
        (GridSearchCV(GaussianNB(), {}, scoring=make_scorer(f1_score, pos_label="spam")), "pos_label names classes"),
        (Costly(scale_pos_weight=5.0), "it weights one of two classes, and the data have 3"),
        (Costly(classes=["virus", "spam", "ham"]), "in their order, ham, spam, virus"),
        (Costly(n_classes=4), "it is 4, and the data have 3 classes"),
        (Costly(cost_matrix=[[0, 1], [1, 0]]), "3 classes need (3, 3)"),
        (Costly(costs={"spam": 5}), "costs of Costly names the class 'spam', and what that means is not known"),
        (Costly(costs=["ham", "spam"]), "costs of Costly names the class 'ham'"),
        (Costly(kind="ham"), "kind of Costly names the class 'ham'"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(estimator: Any, line: str) -> None:
    answer = refusal(estimator)
    assert line in answer
    assert "\n" not in answer


def test_what_names_no_class_is_not_refused() -> None:
    for estimator in (
        Costly(scale_pos_weight=1),
        Costly(costs={"colour": 5}),
        Costly(costs={0: 1.0, 1: 2.0, 2: 3.0}),
        LogisticRegression(class_weight={}),
        OneVsRestClassifier(LogisticRegression(class_weight="balanced")),
        OneVsRestClassifier(GridSearchCV(LogisticRegression(), {"C": [1.0]})),
    ):
        assert not refusal(estimator), estimator
    assert not refusal(LogisticRegression(solver="lbfgs"), ("lbfgs", "l2"))
    assert "names the class 0" in refusal(Costly(costs={0: 1.0, 1: 2.0, 2: 3.0}), (0, 1, 2))


def test_a_weight_of_the_second_class_needs_to_mean_the_positive_one() -> None:
    heavy = Costly(scale_pos_weight=5.0)
    assert not refusal(heavy, ("no", "yes"))
    assert not refusal(heavy, ("no", "yes"), positive="yes")
    assert "it weights 'yes', the second class, and the positive class is 'no'" in refusal(
        heavy, ("no", "yes"), positive="no"
    )


def test_declared_choices_name_classes() -> None:
    register_estimator("declared", GaussianNB(), {"priors": [(0.2, 0.2, 0.6), (0.3, 0.3, 0.4)]})
    model: Any = parse_method("model", {"method": "declared", "priors": [0.2, 0.2, 0.6]})
    y = np.repeat([0, 2], 5)
    bound = model.for_classes(NAMES)
    trained = bound.fit(TrainingSet(np.arange(10.0)[:, None], y, 3), 0).estimator
    assert np.allclose(trained.priors, [0.25, 0.75])
    assert pickle.loads(pickle.dumps(bound)) == bound
    register_estimator("wrong", GaussianNB(), {"priors": [(0.2, 0.2, 0.6), (0.5, 0.5)]})
    problems = Recipe(model="wrong").problems(Capabilities(n_classes=3, classes=NAMES))
    assert problems == [
        "model: 'wrong': priors of GaussianNB: it has 2 values and the data have 3 classes; give one for each, in the "
        "order ham, spam, virus"
    ]


def test_a_model_of_a_strategy_knows_the_classes_too() -> None:
    own = as_model(LogisticRegression(class_weight={"spam": 5}))
    recipe = Recipe(query_strategy={"method": "margin", "query_model": own})
    assert recipe.for_classes(NAMES) is not recipe
    assert Recipe().for_classes(NAMES) is not None
    assert recipe.problems(Capabilities(n_classes=3, classes=NAMES)) == []
    assert "no class 'spam'" in recipe.problems(Capabilities(n_classes=2, classes=("no", "yes")))[0]


def test_a_simulation_weights_the_class_that_is_named() -> None:
    rng = np.random.default_rng(1)
    y = np.arange(240) % 3
    X = rng.normal(size=(240, 4)) + y[:, None] / 2

    def area(labels: Any, weights: Any) -> float:
        recipe = {"initial_sample": {"method": "random", "size": 9}}
        data = altune.Dataset(X, labels, name="same")
        model = LogisticRegression(class_weight=weights)
        return altune.simulate(recipe, data, model=model, budget=20, loops=2, n_blocks=1).aulc

    meant = area(y, {1: 30})
    assert meant != area(y, None)
    assert area(y + 1, {2: 30}) == meant
    assert area(np.array(NAMES)[y], {"spam": 30}) == meant
    with pytest.raises(RequestError, match="class_weight of LogisticRegression: the data have no class 1"):
        area(np.array(NAMES)[y], {1: 30})
