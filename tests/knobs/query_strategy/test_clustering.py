"""Strategies that cluster the candidates: by hand, and against scikit-activeml."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

from altune.core.types import TrainingSet
from altune.knobs.pool_geometry import pool_points
from altune.knobs.query_strategy.clustering import drop_features, round_robin, tempered
from altune.models import FittedModel, MultilayerPerceptron
from altune.numerics.geometry.hierarchy import linked_clusters
from tests.helpers.queries import make_pool, select, skactiveml


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return make_pool(scale(X)[:500], y[:500], np.random.default_rng(0).permutation(500)[:40], 10)


def test_kmeans_clusters_the_least_sure_rows_by_their_weight(digits):
    unsure = np.argsort(digits.known().margin, kind="stable")[:60]
    rows = select({"method": "kmeans", "beta": 6}, digits, 10)
    assert set(rows.tolist()) <= set(digits.candidates[unsure].tolist())
    # ours of seed 0, as scikit-learn does it with the same weights and seed
    rng = np.random.default_rng(0)
    best = rng.permutation(460)
    best = best[np.argsort(digits.known().margin[best], kind="stable")][:60]
    X, weights = digits.X[digits.candidates[best]], 1 - digits.known().margin[best]
    centres = KMeans(10, n_init=1, random_state=int(rng.integers(2**31 - 1))).fit(X, sample_weight=weights)
    nearest = cdist(centres.cluster_centers_, X).argmin(axis=1)
    assert len(set(nearest.tolist())) == 10
    assert rows.tolist() == digits.candidates[best[nearest]].tolist()


def test_kmeans_weights_and_uncertainty_matter(digits):
    base = {"method": "kmeans", "beta": 20}
    picks = [select(base | more, digits, 10).tolist() for more in ({}, {"weighted": False}, {"uncertainty": "entropy"})]
    assert picks[0] != picks[1]
    assert picks[0] != picks[2]
    assert np.mean([digits.known().margin[np.searchsorted(digits.candidates, row)] for row in picks[0]]) < np.mean(
        digits.known().margin
    )


def test_round_robin_visits_small_clusters_first():
    clusters = np.array([3, 3, 3, 3, 8, 8, 5])
    for seed in range(10):
        taken = clusters[round_robin(clusters, 7, np.random.default_rng(seed))]
        assert taken.tolist() == [5, 8, 3, 8, 3, 3, 3]
    firsts = {int(round_robin(np.zeros(4, int), 1, np.random.default_rng(s))[0]) for s in range(40)}
    assert firsts == {0, 1, 2, 3}


def test_cluster_margin_takes_unsure_rows_of_many_clusters(digits):
    value = {"method": "cluster_margin", "multiple": 5, "cluster_size": 25}
    rows = select(value, digits, 10)
    unsure = digits.candidates[np.argsort(digits.known().margin, kind="stable")[:50]]
    assert set(rows.tolist()) <= set(unsure.tolist())
    clusters = linked_clusters(pool_points(digits), 25)
    assert len(set(clusters[rows])) == min(10, len(set(clusters[unsure])))
    counts = {cluster: int((clusters[unsure] == cluster).sum()) for cluster in set(clusters[unsure])}
    assert [counts[c] for c in clusters[rows]] == sorted(counts.values())[:10]


def test_cluster_margin_with_no_more_rows_than_wanted_is_margin(digits):
    rows = select({"method": "cluster_margin", "multiple": 1.0}, digits, 12)
    assert set(rows.tolist()) == set(select("margin", digits, 12).tolist())


def test_the_hierarchy_is_built_once(digits, monkeypatch):
    select("cluster_margin", digits, 5)
    monkeypatch.setattr("altune.knobs.query_strategy.clustering.linked_clusters", None)
    select("cluster_margin", digits, 5)


@pytest.mark.parametrize("size", [1, 8])
def test_clue_picks_what_scikit_activeml_picks(digits, size):
    theirs, y, model = skactiveml(digits)
    seed = int(np.random.default_rng(0).integers(2**31 - 1))
    clue = theirs.Clue(cluster_algo_dict={"n_init": 1, "random_state": seed}, random_state=0)
    assert select("clue", digits, size).tolist() == clue.query(digits.X, y, model, batch_size=size).tolist()


def test_clue_weighs_by_the_entropy_of_tempered_probabilities(digits):
    p = digits.known().probabilities
    np.testing.assert_allclose(tempered(p, 0.4), p**2.5 / (p**2.5).sum(axis=1, keepdims=True))
    cold, hot = ({"method": "clue", "temperature": t} for t in (0.1, 10.0))
    unsure = digits.known().entropy
    mean = [unsure[np.searchsorted(digits.candidates, select(value, digits, 20))].mean() for value in (cold, hot)]
    assert mean[0] > 1.2 * mean[1]


def test_clue_clusters_the_embedding_of_a_network():
    X, y = load_iris(return_X_y=True)
    X = scale(X)
    network = MultilayerPerceptron(hidden_units=8, max_epochs=50).fit(TrainingSet(X[::5], y[::5], 3), 0)
    pool = make_pool(X, y, range(0, 150, 5), 3, model=network)
    hidden = network.embedding(X[pool.candidates])
    seed = int(np.random.default_rng(0).integers(2**31 - 1))
    fitted = KMeans(4, n_init=1, random_state=seed).fit(hidden, sample_weight=pool.known().entropy)
    nearest = cdist(fitted.cluster_centers_, hidden).argmin(axis=1)
    assert select("clue", pool, 4).tolist() == pool.candidates[nearest].tolist()


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_dropping_zeroes_a_share_and_keeps_the_mean(form):
    X = np.random.default_rng(0).random((300, 40)) + 0.5
    kept = X.copy()
    dropped = drop_features(form(X), 0.75, np.random.default_rng(1))
    dropped = dropped.toarray() if sparse.issparse(dropped) else dropped
    assert (dropped == 0).mean() == pytest.approx(0.75, abs=0.01)
    np.testing.assert_allclose(dropped[dropped > 0], 4 * X[dropped > 0])
    np.testing.assert_array_equal(X, kept)


def test_dropquery_clusters_the_rows_whose_class_changes(digits):
    value = {"method": "dropquery", "dropout": 0.75, "repeats": 5}
    rows = select(value, digits, 6)
    rng = np.random.default_rng(0)
    X = digits.X[digits.candidates]
    plain = digits.model.predict(X)
    masks = [rng.random(X.shape) >= 0.75 for _ in range(5)]
    changed = sum((digits.model.predict(4 * X * mask) != plain).astype(int) for mask in masks)
    changeable = digits.candidates[changed >= 3]
    assert 6 < len(changeable) < 460
    assert set(rows.tolist()) <= set(changeable.tolist())
    few = select({**value, "dropout": 0.05}, digits, 60)  # fewer change than are wanted: the most changeable join
    assert len(set(few.tolist())) == 60


@pytest.mark.slow
def test_dropquery_filters_as_scikit_activeml_does(digits):
    theirs, y, model = skactiveml(digits, fit_intercept=False)
    # without an intercept the division by the share kept, which they leave out, changes no prediction
    fitted = LogisticRegression(max_iter=1000, fit_intercept=False).fit(digits.X[digits.labelled], digits.labels)
    pool = make_pool(
        digits.X,
        y,
        digits.labelled,
        10,
        model=FittedModel(fitted, 10, fitted.classes_, fitted.classes_, ("predict_proba",)),
    )
    X = pool.X[pool.candidates]
    plain = pool.model.predict(X)
    rng = np.random.default_rng(0)
    ours = np.mean(
        [
            sum((pool.model.predict(drop_features(X, 0.75, rng)) != plain).astype(int) for _ in range(3)) > 1.5
            for _ in range(100)
        ],
        axis=0,
    )
    shares = np.zeros(len(X))
    for seed in range(100):
        method = theirs.DropQuery(dropout_rate=0.75, n_dropout_samples=3, random_state=seed)
        _, utilities = method.query(pool.X, y, model, return_utilities=True)
        shares += np.isfinite(utilities[0][pool.candidates]) / 100
    assert np.corrcoef(ours, shares)[0, 1] > 0.95
    assert ours.mean() == pytest.approx(shares.mean(), abs=0.02)
