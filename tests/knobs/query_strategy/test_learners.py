"""Query models: another model than the one that is tuned picks the rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris, load_wine
from sklearn.preprocessing import scale

from altune.core.errors import FormatError
from altune.core.metadata import Metadata
from altune.core.needs import Capabilities
from altune.core.registry import parse_method, unregister
from altune.core.streams import Streams
from altune.core.types import TrainingSet
from altune.loop.loop import ActiveLearningLoop
from altune.models import LogisticRegressionModel, as_model, register_estimator
from altune.recipes.recipe import Recipe
from altune.recipes.requirements import method_problems
from tests.helpers.queries import make_pool, read, scores, select

OURS = ["qbc", {"method": "qbc", "disagreement": "mean_kl"}, "bald", "batchbald"]


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return make_pool(scale(X), y, np.random.default_rng(3).permutation(178)[:12])


@pytest.mark.parametrize("name", ["margin", "entropy", "least_confidence"])
def test_uncertainty_may_be_that_of_another_model(name, wine):
    bayes = as_model("naive_bayes").fit(TrainingSet(wine.X[wine.labelled], wine.labels, 3), 0)
    other = make_pool(wine.X, np.zeros(178, int), wine.labelled, 3)
    other.metadata = Metadata(wine.X, wine.candidates, bayes)
    value = {"method": name, "query_model": "naive_bayes"}
    np.testing.assert_allclose(scores(value, wine), scores(name, other))
    assert select(value, wine, 20).tolist() != select(name, wine, 20).tolist()
    same = {"method": name, "query_model": {"method": "logistic_regression"}}
    assert select(same, wine, 20, 1)[0] == select(name, wine, 20, 2)[0]


def test_a_committee_may_be_of_another_model(wine):
    value = {"method": "qbc", "disagreement": "mean_kl", "query_model": {"method": "k_nearest_neighbours"}}
    bayes = make_pool(wine.X, np.zeros(178, int), wine.labelled, 3, as_model("k_nearest_neighbours"))
    bayes.set_labels(wine.labelled, wine.labels)
    assert select(value, wine, 20).tolist() == select({**value, "query_model": None}, bayes, 20).tolist()


def test_query_models_are_read_written_and_described():
    recipe = Recipe(query_strategy={"method": "margin", "query_model": {"method": "svm_rbf", "C": 3.0}})
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert recipe.query_strategy.query_model.C == 3.0
    assert "svm_rbf" in recipe.describe()
    assert Recipe().to_dict()["query_strategy"] == {"method": "margin"}
    with pytest.raises(FormatError, match=r"^query_strategy\.query_model\.method: .*'svm_rfb'.*did you mean"):
        Recipe(query_strategy={"method": "margin", "query_model": "svm_rfb"})
    with pytest.raises(FormatError, match=r"^s\.query_model\.C: "):
        parse_method("query_strategy", {"method": "qbc", "query_model": {"method": "svm_rbf", "C": -1}}, "s")


class Mute(ClassifierMixin, BaseEstimator):
    """Predicts the most common class and says no more."""

    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.most_ = self.classes_[counts.argmax()]
        return self

    def predict(self, X):
        return np.full(len(X), self.most_)


def test_a_query_model_answers_for_what_the_strategy_needs():
    mute = register_estimator("mute_of_test", Mute())()
    try:
        facts = Capabilities(n_classes=3)
        assert method_problems(read("margin"), mute, facts)
        assert not method_problems(read("qbc"), mute, facts)
        assert not method_problems(read({"method": "margin", "query_model": "naive_bayes"}), mute, facts)
        [line] = method_problems(read({"method": "margin", "query_model": mute}), LogisticRegressionModel(), facts)
        assert "'margin' needs class scores" in line
        assert "its query_model 'mute_of_test' does not have" in line
        assert not method_problems(read({"method": "qbc", "query_model": mute}), LogisticRegressionModel(), facts)
    finally:
        unregister("model", "mute_of_test")


def test_a_query_model_must_take_the_data():
    dense_only = read({"method": "bald", "query_model": "hist_gradient_boosting"})
    sparse_data = Capabilities(sparse=True, n_classes=3)
    lines = method_problems(dense_only, LogisticRegressionModel(), sparse_data)
    assert [("sparse" in line, "hist_gradient_boosting" in line) for line in lines] == [(True, True)]
    assert not method_problems(read("bald"), LogisticRegressionModel(), sparse_data)


@pytest.mark.parametrize("value", [*OURS, {"method": "margin", "query_model": "naive_bayes"}], ids=str)
def test_the_loop_hands_over_its_learner(value):
    X, y = load_iris(return_X_y=True)
    training = {"method": "power", "hyperparameter": "C", "exponent": 1.0}
    recipe = Recipe(query_strategy=value, training=training, initial_sample={"method": "random", "size": 6})
    played = []
    for _ in range(2):
        loop = ActiveLearningLoop(recipe, scale(X), 3, budget=24, loops=3, streams=Streams(0, "iris", "search", 0))
        while not loop.done:
            loop.tell(y[loop.ask().rows])
        assert loop.pool.learner == recipe.model.model_copy(update={"C": len(loop.pool.labels) / 6})
        played.append(loop.bought.tolist())
    assert played[0] == played[1]
    assert len(played[0]) == 24


def test_the_loop_hands_over_the_weights_of_its_labels():
    X, y = load_iris(return_X_y=True)
    noisy = np.where(np.random.default_rng(0).random(150) < 0.15, (y + 1) % 3, y)
    labeling = {"method": "single", "audit": "confident_learning", "action": "weight", "share": 0.1}
    recipe = Recipe(query_strategy="qbc", labeling=labeling, initial_sample={"method": "random", "size": 60})
    loop = ActiveLearningLoop(recipe, scale(X), 3, budget=80, loops=2, streams=Streams(0, "iris", "search", 0))
    assert loop.pool.label_weights is None
    while not loop.done:
        loop.tell(noisy[loop.ask().rows])
    weights = loop.pool.label_weights
    assert weights.shape == loop.pool.labels.shape
    assert 0 < (weights < 1).sum() <= 8
