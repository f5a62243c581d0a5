"""The adapter to scikit-activeml: every usable strategy works, agrees with a direct call, and is named safely."""

from __future__ import annotations

import builtins
import sys

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

from altune.core.errors import FormatError, MissingExtraError, RequestError, WorkError
from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.core.registry import parse_method
from altune.core.types import TrainingSet
from altune.knobs.query_strategy import adapter
from altune.knobs.query_strategy.current_classifier import CurrentClassifier, CurrentModel
from altune.models import LogisticRegressionModel
from altune.recipes.recipe import Capabilities, Recipe

skactiveml_pool = pytest.importorskip("skactiveml.pool")
skactiveml_classifier = pytest.importorskip("skactiveml.classifier")

SLOW = {"MonteCarloEER", "ValueOfInformationEER"}


def make_pool(X, y, labelled, n_classes=None, held_out=()):
    labelled = np.sort(np.asarray(labelled, dtype=np.intp))
    pool = Pool(X, n_classes or int(max(y)) + 1, budget=100)
    pool.close(np.array([*labelled, *held_out], dtype=np.intp))
    pool.held_out = np.array(held_out, dtype=np.intp)
    pool.set_labels(labelled, np.asarray(y)[labelled])
    pool.labels_bought = len(labelled)
    model = LogisticRegressionModel()
    pool.learner = model
    pool.model = model.fit(TrainingSet(X[labelled], pool.labels, pool.n_classes), 0)
    pool.metadata = Metadata(X, pool.candidates, pool.model)
    return pool


def read(strategy, **parameters):
    return parse_method("query_strategy", {"method": "skactiveml", "strategy": strategy, "parameters": parameters})


def select(method, pool, size, seed=0):
    return method.select(pool, size, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return make_pool(scale(X), y, range(0, 178, 12))


@pytest.fixture(scope="module")
def two_classes():
    X, y = load_breast_cancer(return_X_y=True)
    return make_pool(scale(X)[:120, :6], y[:120], range(0, 120, 8), held_out=[1, 2, 3])


@pytest.mark.parametrize("name", adapter.strategy_names())
def test_every_strategy_picks_distinct_candidates_and_repeats_itself(name, two_classes):
    value = {"method": "skactiveml", "strategy": name, "subpool": 10 if name in SLOW else 60}
    method = parse_method("query_strategy", value)
    size = 2 if name in SLOW else 5
    before = str(np.random.get_state()[:3])  # noqa: NPY002
    rows = select(method, two_classes, size)
    assert str(np.random.get_state()[:3]) == before  # noqa: NPY002
    assert len(set(rows.tolist())) == size
    assert set(rows.tolist()) <= set(two_classes.candidates.tolist())
    assert select(method, two_classes, size).tolist() == rows.tolist()


def test_the_accepted_names_are_the_public_pool_strategies_for_classes():
    names = set(adapter.strategy_names())
    assert names <= set(skactiveml_pool.__all__)
    assert {"Badge", "BatchBALD", "CoreSet", "ProbCover", "QueryByCommittee", "Quire", "UncertaintySampling"} <= names
    # functions, modules, an abstract base, wrappers of other strategies, and regression
    for name in ("uncertainty_scores", "utils", "ExpectedErrorReduction", "SubSamplingWrapper", "GreedySamplingTarget"):
        assert name in skactiveml_pool.__all__
        assert name not in names


@pytest.mark.parametrize("size", [1, 12])
def test_uncertainty_sampling_through_the_adapter_is_a_direct_call(wine, size):
    y = np.full(178, np.nan)
    y[wine.labelled] = wine.labels
    model = skactiveml_classifier.SklearnClassifier(LogisticRegression(max_iter=1000), classes=range(3))
    direct = skactiveml_pool.UncertaintySampling(method="margin_sampling", random_state=0)
    want = direct.query(wine.X, y, model, batch_size=size).tolist()
    method = read("UncertaintySampling", method="margin_sampling")
    assert select(method, wine, size).tolist() == want
    ours = parse_method("query_strategy", "margin").select(wine, size, np.random.default_rng(0))
    assert ours.tolist() == want


def test_strategies_without_a_model_are_a_direct_call_too(wine):
    y = np.full(178, np.nan)
    y[wine.labelled] = wine.labels
    want = skactiveml_pool.CoreSet(random_state=0).query(wine.X, y, batch_size=9).tolist()
    assert select(read("CoreSet"), wine, 9).tolist() == want
    want = skactiveml_pool.Quire(classes=[0, 1, 2], lmbda=0.5, random_state=0).query(wine.X, y, batch_size=4).tolist()
    assert select(read("Quire", lmbda=0.5), wine, 4).tolist() == want


def test_the_current_model_is_used_not_trained_again(wine, monkeypatch):
    monkeypatch.setattr(LogisticRegressionModel, "fit", None)
    assert len(select(read("UncertaintySampling"), wine, 3)) == 3


def test_held_out_and_dropped_rows_are_neither_labelled_nor_offered():
    X, y = load_wine(return_X_y=True)
    pool = make_pool(scale(X), y, range(0, 178, 12), held_out=range(1, 178, 12))
    rows = select(read("RandomSampling"), pool, 1000)
    assert sorted(rows.tolist()) == pool.candidates.tolist()


def test_committees_are_models_like_the_current_one_on_bootstrap_samples(wine):
    pool = make_pool(wine.X, load_wine().target, wine.labelled)
    current = CurrentModel(pool)
    members = [CurrentClassifier(current, seed).fit(current.X, current.y) for seed in (1, 2)]
    first, second = (member.predict_proba(pool.X) for member in members)
    assert first.shape == (178, 3)
    assert not np.allclose(first, second)
    np.testing.assert_allclose(CurrentClassifier(current).fit(current.X, current.y).predict_proba(pool.X),
                               pool.model.class_scores(pool.X))  # fmt: skip
    other = CurrentClassifier(current).fit(current.X[:9], current.y[:9])
    assert not np.allclose(other.predict_proba(pool.X), pool.model.class_scores(pool.X))


def test_a_class_unseen_so_far_and_a_single_one(wine):
    X = wine.X
    y = load_wine().target
    for labelled in (np.flatnonzero(y < 2)[::10], np.flatnonzero(y == 0)[::10]):
        pool = make_pool(X, y, labelled, 3)
        for name in ("UncertaintySampling", "QueryByCommittee", "Badge", "Clue", "DiscriminativeAL"):
            assert len(set(select(read(name), pool, 4).tolist())) == 4, name


def test_it_reads_back_hashes_and_says_what_it_needs():
    value = {"method": "skactiveml", "strategy": "Falcun", "parameters": {"gamma": 3}}
    method = parse_method("query_strategy", value)
    assert parse_method("query_strategy", method.to_dict()) == method
    assert hash(parse_method("query_strategy", method.to_dict())) == hash(method)
    assert method != read("Falcun", gamma=4)
    assert method.required() == {"dense_features", "encoded_features", "class_scores"}
    assert read("TypiClust").required() == {"dense_features"}
    assert read("FourDs").required() == {"dense_features"}
    recipe = Recipe(query_strategy=value)
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert recipe.problems(Capabilities(sparse=True, n_classes=3))


def test_a_strategy_for_two_classes_is_refused_for_more():
    recipe = Recipe(query_strategy={"method": "skactiveml", "strategy": "EpistemicUncertaintySampling"})
    assert recipe.problems(Capabilities(n_classes=2)) == []
    assert "two classes" in recipe.problems(Capabilities(n_classes=3))[0]


@pytest.mark.parametrize(
    ("strategy", "parameters", "why"),
    [
        ("ProbCovr", {}, r"^q\.strategy: .*'ProbCovr'; did you mean 'ProbCover'"),
        ("os.system", {}, r"^q\.strategy: "),
        ("uncertainty_scores", {}, r"^q\.strategy: "),
        ("__doc__", {}, r"^q\.strategy: "),
        ("GreedySamplingTarget", {}, r"^q\.strategy: .*for classification"),
        ("ProbCover", {"alhpa": 0.9}, r"^q\.parameters\.alhpa: .*did you mean 'alpha'"),
        ("ProbCover", {"random_state": 1}, r"^q\.parameters\.random_state"),
    ],
)
def test_wrong_names_are_refused_by_place_with_the_nearest(strategy, parameters, why):
    value = {"method": "skactiveml", "strategy": strategy, "parameters": parameters}
    with pytest.raises(FormatError, match=why) as caught:
        parse_method("query_strategy", value, "q")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, RequestError)


def test_a_value_that_the_strategy_refuses_is_one_line(wine):
    with pytest.raises(WorkError, match="skactiveml's UncertaintySampling failed") as caught:
        select(read("UncertaintySampling", method="no such method"), wine, 2)
    assert "\n" not in str(caught.value)


def test_without_the_extra_it_is_refused_with_the_line_that_installs_it(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "skactiveml":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.split(".")[0] == "skactiveml"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'altune\[skactiveml\]'"):
        read("ProbCover")
