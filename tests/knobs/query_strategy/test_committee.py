"""Committees and query models: disagreement by hand and by brute force, BatchBALD, parity with scikit-activeml."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import entropy as entropy_of
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.preprocessing import scale

from altune.core.errors import FormatError
from altune.core.metadata import Metadata
from altune.core.needs import Capabilities
from altune.core.pool import Pool
from altune.core.registry import parse_method, unregister
from altune.core.streams import Streams
from altune.loop.loop import ActiveLearningLoop
from altune.models import LogisticRegressionModel, as_model, register_estimator
from altune.numerics.disagreement import bootstrap_positions, mean_divergence, mutual_information, vote_entropy
from altune.numerics.joint_entropy import MOST_CONFIGURATIONS, JointLabels, most_informative_batch
from altune.recipes.recipe import Recipe
from altune.recipes.requirements import method_problems

OURS = ["qbc", {"method": "qbc", "disagreement": "mean_kl"}, "bald", "batchbald"]


def make_pool(X, y, labelled, n_classes=None, learner=None):
    pool = Pool(X, n_classes or int(max(y)) + 1, budget=100)
    labelled = np.sort(np.asarray(labelled, dtype=np.intp))
    pool.close(labelled)
    pool.set_labels(labelled, np.asarray(y)[labelled])
    pool.labels_bought = len(labelled)
    pool.learner = learner or LogisticRegressionModel()
    pool.model = pool.learner.fit(pool.X[labelled], pool.labels, pool.n_classes, seed=0)
    pool.metadata = Metadata(pool.X, pool.candidates, pool.model)
    return pool


def read(value):
    return parse_method("query_strategy", value)


def select(value, pool, size, seed=0):
    return read(value).select(pool, size, np.random.default_rng(seed))


def scores(value, pool, seed=0):
    return read(value).scores(pool, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return make_pool(scale(X), y, np.random.default_rng(3).permutation(178)[:12])


@pytest.fixture(scope="module")
def members():
    """Probabilities of 4 members about 30 rows of 3 classes, some of them sure."""
    told = np.random.default_rng(0).dirichlet([0.4, 0.6, 0.8], size=(4, 30))
    told[:, 5] = [1.0, 0.0, 0.0]
    told[0, 6] = [0.0, 1.0, 0.0]
    return told


# disagreement


def test_vote_entropy_by_hand():
    votes = np.array([[0, 0, 0], [0, 1, 1], [0, 1, 2], [0, 0, 0]])
    third = -(0.5 * np.log(0.5) + 2 * 0.25 * np.log(0.25))
    np.testing.assert_allclose(vote_entropy(votes, 3), [0.0, np.log(2), third], atol=1e-15)


def test_divergence_and_information_are_their_formulas(members):
    middle = members.mean(axis=0)
    divergence = np.mean([[entropy_of(p, q) for p, q in zip(m, middle, strict=True)] for m in members], axis=0)
    np.testing.assert_allclose(mean_divergence(members), divergence, atol=1e-12)
    information = entropy_of(middle, axis=1) - np.mean([entropy_of(m, axis=1) for m in members], axis=0)
    np.testing.assert_allclose(mutual_information(members), information, atol=1e-12)


def test_mutual_information_is_mean_divergence(members):
    np.testing.assert_allclose(mutual_information(members), mean_divergence(members), atol=1e-12)


def test_members_who_agree_tie_exactly():
    same = np.repeat(np.random.default_rng(0).dirichlet([1, 1, 1], size=(1, 50)), 7, axis=0)
    for disagree in (mean_divergence, mutual_information):
        assert disagree(same).tolist() == [0.0] * 50


def test_disagreement_is_that_of_scikit_activeml(members):
    theirs = pytest.importorskip("skactiveml.pool")
    votes = members.argmax(axis=2)
    np.testing.assert_allclose(vote_entropy(votes, 3), theirs.vote_entropy(votes.T, [0, 1, 2]), atol=1e-12)
    # theirs keeps probabilities above 1e-7
    np.testing.assert_allclose(mean_divergence(members), theirs.average_kl_divergence(members.copy()), atol=1e-5)
    greedy = theirs.batch_bald(members.copy(), batch_size=1)[0]
    np.testing.assert_allclose(mutual_information(members), greedy, atol=1e-5)


def test_bootstrap_keeps_each_class_and_is_one():
    labels = np.array([0] * 20 + [1] * 9 + [4])
    drawn = [bootstrap_positions(labels, np.random.default_rng(seed)) for seed in range(400)]
    assert all(set(labels[rows]) == {0, 1, 4} for rows in drawn)
    assert {len(rows) for rows in drawn} == {30, 31}
    times = np.mean([np.bincount(rows, minlength=30) for rows in drawn], axis=0)
    assert times[:29] == pytest.approx(np.ones(29), abs=0.25)
    # the only row of its class comes once more where the draw left it out: 1 + (1 − 1/30)³⁰
    assert times[29] == pytest.approx(1 + (29 / 30) ** 30, abs=0.2)


# strategies


@pytest.mark.parametrize("value", OURS, ids=str)
def test_committees_disagree_where_resampled_models_do(value, wine):
    method = read(value)
    rng = np.random.default_rng(7)
    resamples = [bootstrap_positions(wine.labels, rng) for _ in range(method.members)]
    committee = [
        wine.learner.fit(wine.X[wine.labelled[rows]], wine.labels[rows], 3, int(rng.integers(2**31)))
        for rows in resamples
    ]
    X = wine.X[wine.candidates]
    told = np.stack([member.class_scores(X) for member in committee])
    if method.method == "batchbald":
        want = wine.candidates[most_informative_batch(told, 6, rng)]
        assert select(value, wine, 6, seed=7).tolist() == want.tolist()
        return
    votes = np.stack([member.predict(X) for member in committee])
    by_votes = method.method == "qbc" and method.disagreement == "vote_entropy"
    want = vote_entropy(votes, 3) if by_votes else mean_divergence(told)
    np.testing.assert_allclose(scores(value, wine, seed=7), want, atol=1e-12)
    assert want.max() > 0.1


def test_bald_is_qbc_by_mean_divergence(wine):
    by_kl = {"method": "qbc", "disagreement": "mean_kl", "members": 6}
    assert select({"method": "bald", "members": 6}, wine, 20).tolist() == select(by_kl, wine, 20).tolist()


@pytest.mark.parametrize("value", OURS, ids=str)
def test_one_class_and_sparse_features_are_borne(value):
    X, y = load_wine(return_X_y=True)
    one_class = make_pool(scale(X), y, np.flatnonzero(y == 1)[:4])
    assert len(set(select(value, one_class, 200).tolist())) == 174
    firsts = {int(select(value, one_class, 1, seed)[0]) for seed in range(5)}
    assert len(firsts) > 1  # members who agree on all rows leave it to chance
    digits, labels = load_digits(return_X_y=True)
    pools = [make_pool(form(digits[:150] / 16), labels[:150], range(30)) for form in (np.asarray, sparse.csr_array)]
    assert select(value, pools[0], 8).tolist() == select(value, pools[1], 8).tolist()


def test_large_pools_are_scored_in_part(wine):
    value = {"method": "qbc", "disagreement": "mean_kl", "subpool": 10}
    given = scores(value, wine)
    assert np.isfinite(given).all()
    smallest = given.min()
    assert (given > smallest).sum() == 10
    assert len(set(select(value, wine, 30).tolist())) == 30
    looked_at = wine.candidates[given > smallest]
    assert set(select(value, wine, 10).tolist()) == set(looked_at.tolist())


@pytest.mark.parametrize("value", ["qbc", "bald", "batchbald"])
def test_weights_of_the_labels_reach_the_members(value, wine):
    pool = make_pool(wine.X, np.zeros(178, int), wine.labelled, 3)
    pool.set_labels(wine.labelled, wine.labels)
    plain = select(value, pool, 166).tolist()
    pool.label_weights = np.ones(12)
    assert select(value, pool, 166).tolist() == plain
    pool.label_weights = np.where(np.arange(12) < 6, 0.01, 1.0)
    assert select(value, pool, 166).tolist() != plain
    pool.learner = as_model("k_nearest_neighbours")  # takes no weights: they are left out, not refused
    assert len(select(value, pool, 5)) == 5


def test_votes_need_no_class_scores():
    assert read("qbc").required() == frozenset()
    for value in OURS[1:]:
        assert read(value).required() == {"class_scores"}


# BatchBALD


def information_in_full(members, rows):
    """I(labels of rows ; member) by every configuration of the labels."""
    joint = 0.0
    for labels in product(range(members.shape[2]), repeat=len(rows)):
        each = np.prod([members[:, row, label] for row, label in zip(rows, labels, strict=True)], axis=0)
        joint -= each.mean() * np.log(each.mean()) if each.mean() > 0 else 0.0
    return joint - sum(entropy_of(members[:, row], axis=1).mean() for row in rows)


def test_batch_is_the_greedy_one_by_every_configuration(members):
    picked = []
    for _ in range(4):
        rest = [row for row in range(30) if row not in picked]
        picked.append(max(rest, key=lambda row: information_in_full(members, [*picked, row])))
    assert most_informative_batch(members, 4, np.random.default_rng(0)).tolist() == picked


def test_batch_is_that_of_scikit_activeml(members):
    theirs = pytest.importorskip("skactiveml.pool")
    utilities = theirs.batch_bald(members.copy(), batch_size=6, n_MC_samples=1000)
    assert most_informative_batch(members, 6, np.random.default_rng(0)).tolist() == np.nanargmax(utilities, 1).tolist()


def test_drawn_configurations_estimate_the_joint_entropy():
    told = np.random.default_rng(1).dirichlet([0.5, 0.5], size=(5, 14))
    joint = JointLabels.empty(5)
    for row in range(11):
        joint = joint.add(told[:, row], np.random.default_rng(row))
    assert len(joint.table) == MOST_CONFIGURATIONS
    assert MOST_CONFIGURATIONS < 2**11
    table = np.ones((1, 5))
    for row in range(11):
        table = (table[:, None] * told[:, row].T[None]).reshape(-1, 5)
    exact = JointLabels(table, np.ones(2**11)).entropies_with(told[:, 11:])
    np.testing.assert_allclose(joint.entropies_with(told[:, 11:]), exact, rtol=0.03)
    assert table.mean(axis=1).sum() == pytest.approx(1.0)


def test_a_batch_takes_no_duplicates_where_single_scores_do():
    told = np.random.default_rng(2).dirichlet([1, 1], size=(6, 4))
    doubled = np.repeat(told, 2, axis=1)
    single = np.argsort(-mutual_information(doubled), kind="stable")[:2]
    assert single[0] // 2 == single[1] // 2
    batch = most_informative_batch(doubled, 2, np.random.default_rng(0))
    assert batch[0] // 2 == single[0] // 2
    assert batch[1] // 2 != batch[0] // 2


def test_a_batch_of_any_size_is_whole_and_begins_anew_after_ten_rows(members):
    rows = most_informative_batch(members, 1000, np.random.default_rng(0))
    assert sorted(rows.tolist()) == list(range(30))
    rest = np.setdiff1d(np.arange(30), rows[:10])
    assert rows[10] == rest[mutual_information(members)[rest].argmax()]


# query models


@pytest.mark.parametrize("name", ["margin", "entropy", "least_confidence"])
def test_uncertainty_may_be_that_of_another_model(name, wine):
    bayes = as_model("naive_bayes").fit(wine.X[wine.labelled], wine.labels, 3, seed=0)
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
        assert "'margin' asks its query_model 'mute_of_test' for class scores" in line
        assert not method_problems(read({"method": "qbc", "query_model": mute}), LogisticRegressionModel(), facts)
    finally:
        unregister("model", "mute_of_test")


def test_a_query_model_must_take_the_data():
    dense_only = read({"method": "bald", "query_model": "hist_gradient_boosting"})
    sparse_data = Capabilities(sparse=True, n_classes=3)
    lines = method_problems(dense_only, LogisticRegressionModel(), sparse_data)
    assert [("sparse" in line, "hist_gradient_boosting" in line) for line in lines] == [(True, True)]
    assert not method_problems(read("bald"), LogisticRegressionModel(), sparse_data)


# in the loop


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
