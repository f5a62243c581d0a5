"""Strategies that cover, cluster or compare with the labelled rows: brute force, by hand, and scikit-activeml."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.core.registry import describe_parameters, find_method, parse_method
from altune.knobs.pool_geometry import cover_rows, pool_points, pool_pure_radius
from altune.knobs.query_strategy import QueryStrategy, ScoreStrategy
from altune.knobs.query_strategy.clustering import round_robin
from altune.knobs.query_strategy.neighbourhood import unlabelled_scores
from altune.models import LogisticRegressionModel
from altune.numerics.geometry import hierarchy
from altune.numerics.geometry.distances import make_points
from altune.numerics.geometry.hierarchy import linked_clusters

OURS = ["kmeans", "probcover", "cluster_margin", "discriminative", "quire"]


def make_pool(X, y, labelled, n_classes=None, held_out=()):
    labelled = np.sort(np.asarray(labelled, dtype=np.intp))
    pool = Pool(X, n_classes or int(max(y)) + 1, budget=100)
    pool.close(np.array([*labelled, *held_out], dtype=np.intp))
    pool.held_out = np.array(held_out, dtype=np.intp)
    pool.set_labels(labelled, np.asarray(y)[labelled])
    pool.labels_bought = len(labelled)
    pool.learner = LogisticRegressionModel()
    pool.model = pool.learner.fit(X[labelled], pool.labels, pool.n_classes, seed=0)
    pool.metadata = Metadata(X, pool.candidates, pool.model)
    return pool


def read(value):
    method = parse_method("query_strategy", value)
    assert isinstance(method, QueryStrategy)
    return method


def select(value, pool, size, seed=0):
    return read(value).select(pool, size, np.random.default_rng(seed))


def partly_labelled(pool):
    y = np.full(pool.n_rows, np.nan)
    y[pool.labelled] = pool.labels
    return y


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return make_pool(scale(X)[:500], y[:500], np.random.default_rng(0).permutation(500)[:40], 10)


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return make_pool(scale(X), y, np.random.default_rng(1).permutation(569)[:20])


@pytest.mark.parametrize("name", OURS)
def test_methods_describe_themselves_and_leave_out_what_is_held_out(name):
    X, y = load_wine(return_X_y=True)
    pool = make_pool(scale(X), y, range(0, 178, 9), held_out=range(1, 178, 9))
    rows = select(name, pool, 1000)
    assert sorted(rows.tolist()) == pool.candidates.tolist()
    cls = find_method("query_strategy", name)
    assert cls.source
    assert all(entry["description"] for entry in describe_parameters(cls).values())


# kmeans


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


# probcover


@pytest.mark.filterwarnings("ignore:The maximum purity")
def test_probcover_picks_the_row_that_scikit_activeml_scores_highest(cancer):
    theirs = pytest.importorskip("skactiveml.pool")
    radius = np.sqrt(pool_pure_radius(cancer, 0.95))
    unit = np.sqrt(pool_points(cancer).norms.sum() / (scale(cancer.X) ** 2).sum())  # ours are scaled by 2^-k
    rows = select("probcover", cancer, 25)
    y = partly_labelled(cancer)
    for row in rows:
        # at one radius; they choose it from a grid, and close the balls that we (as the authors) leave open
        cover = theirs.ProbCover(deltas=[radius / unit * (1 - 1e-7)], random_state=0)
        _, utilities = cover.query(cancer.X, y, return_utilities=True)
        assert utilities[0][row] == np.nanmax(utilities[0])
        y[row] = 0


def test_probcover_radius_is_within_the_grid_of_scikit_activeml():
    theirs = pytest.importorskip("skactiveml.pool")
    X = load_wine().data
    pool = make_pool(scale(X), load_wine().target, range(0, 178, 20))
    unit = np.sqrt(pool_points(pool).norms.sum() / (pool.X**2).sum())
    ours = np.sqrt(pool_pure_radius(pool, 0.8)) / unit
    cover = theirs.ProbCover(
        n_classes=3, deltas=np.arange(0.1, 4, 0.01), alpha=0.8, cluster_algo_dict={"n_init": 5}, random_state=0
    )
    cover.query(pool.X, partly_labelled(pool))
    assert cover.delta_max_ == pytest.approx(ours, rel=0.03)


def test_probcover_of_a_subpool_covers_alike(cancer, monkeypatch):
    whole = select("probcover", cancer, 10)
    monkeypatch.setattr("altune.knobs.pool_geometry.LARGE_POOL", 100)
    radius = pool_pure_radius(cancer, 0.95)
    points = pool_points(cancer).values
    inside = cdist(points, points) < np.sqrt(radius)
    reached = {"whole": inside[whole].any(axis=0).mean()}
    reached["part"] = inside[cover_rows(cancer, 10, radius, 300, np.random.default_rng(0))].any(axis=0).mean()
    reached["random"] = inside[np.random.default_rng(0).permutation(cancer.candidates)[:10]].any(axis=0).mean()
    assert reached["whole"] > reached["part"] > reached["random"]


# cluster_margin


def test_clusters_of_one_linkage_and_one_for_each_row_far_off(monkeypatch):
    chance = np.random.default_rng(0)
    X = np.concatenate([chance.normal(size=(20, 3)) + 40 * c for c in range(5)])
    points = make_points(X)
    blob = np.repeat(np.arange(5), 20)

    def same_partition(labels):
        pairs = {(int(a), int(b)) for a, b in zip(labels, blob, strict=True)}
        return len(pairs) == 5 == len(set(labels.tolist()))

    assert same_partition(linked_clusters(points, 20))
    monkeypatch.setattr(hierarchy, "MOST_ROWS", 50)  # the others join the cluster of the nearest of 50
    assert same_partition(linked_clusters(points, 20))
    assert len(set(linked_clusters(make_points(X[:10]), 1.0).tolist())) == 10
    assert linked_clusters(make_points(X[:1]), 5).tolist() == [0]


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


# discriminative


def test_discriminative_ranks_as_scikit_activeml_does(cancer):
    theirs = pytest.importorskip("skactiveml.pool")
    classifier = pytest.importorskip("skactiveml.classifier")
    discriminator = classifier.SklearnClassifier(LogisticRegression(max_iter=1000))
    _, utilities = theirs.DiscriminativeAL(greedy_selection=True, random_state=0).query(
        cancer.X, partly_labelled(cancer), discriminator, return_utilities=True
    )
    labelled = np.isin(np.arange(569), cancer.labelled)
    ours = unlabelled_scores(cancer.X, labelled, 1.0)[cancer.candidates]
    # log-odds in place of probabilities, which differ where theirs are 1 up to rounding
    np.testing.assert_allclose(1 / (1 + np.exp(-ours)), utilities[0][cancer.candidates], atol=1e-6)
    ranked = cancer.candidates[np.argsort(-ours)]
    assert select({"method": "discriminative", "sub_batches": 1}, cancer, 30).tolist() == ranked[:30].tolist()


def test_discriminative_takes_picks_for_labelled_ones_sub_batch_by_sub_batch(cancer):
    rows = select({"method": "discriminative", "sub_batches": 3}, cancer, 8)
    labelled = np.isin(np.arange(569), cancer.labelled)
    for part in (rows[:3], rows[3:6], rows[6:]):
        scores = unlabelled_scores(cancer.X, labelled, 1.0)
        left = np.flatnonzero(~labelled)
        assert part.tolist() == left[np.argsort(-scores[left])][: len(part)].tolist()
        labelled[part] = True
    assert rows.tolist() != select({"method": "discriminative", "sub_batches": 1}, cancer, 8).tolist()


def test_discriminative_of_a_large_pool_looks_at_a_subpool(cancer):
    value = {"method": "discriminative", "subpool": 50}
    assert len({int(select(value, cancer, 1, seed)[0]) for seed in range(6)}) > 1
    assert len(select(value, cancer, 300)) == 300


# quire


def published_quire(kernel, ridge, labels, labelled, candidates, n_classes):
    """The objective of the paper, with all N rows and their N×N matrix."""
    n = len(kernel)
    L = np.linalg.inv(kernel + ridge * np.eye(n))
    objective = []
    for s in candidates:
        u = np.setdiff1d(np.arange(n), [*labelled, s])
        inverse = np.linalg.inv(L[np.ix_(u, u)])
        values = []
        for c in range(n_classes):
            y = np.where(labels == c, 1.0, -1.0)
            mixed = L[np.ix_(u, labelled)] @ y + L[u, s]
            values.append(
                L[s, s] + y @ L[np.ix_(labelled, labelled)] @ y + 2 * L[s, labelled] @ y - mixed @ inverse @ mixed
            )
        objective.append(max(values))
    return np.array(objective)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_quire_is_the_published_objective_without_its_large_matrix(n_classes):
    X, y = load_wine(return_X_y=True)
    keep = np.flatnonzero(y < n_classes)[::2]
    X, y = scale(X[keep]), y[keep]
    pool = make_pool(X, y, range(0, len(y), 9), n_classes)
    method = read({"method": "quire", "ridge": 0.6, "gamma": 2.0})
    assert isinstance(method, ScoreStrategy)
    ours = -method.scores(pool, np.random.default_rng(0))
    kernel = np.exp(-2.0 / 13 * cdist(X, X, "sqeuclidean"))
    want = published_quire(kernel, 0.6, pool.labels, pool.labelled, pool.candidates, n_classes)
    np.testing.assert_allclose(ours, want, rtol=1e-8)


def test_quire_for_two_classes_is_one_plus_the_prediction_over_the_variance(cancer):
    method = read("quire")
    kernel = np.exp(-cdist(cancer.X, cancer.X, "sqeuclidean") / 30)
    lab, cand = cancer.labelled, cancer.candidates
    inverse = np.linalg.inv(kernel[np.ix_(lab, lab)] + np.eye(20))
    signs = 2.0 * cancer.labels - 1
    f = kernel[np.ix_(cand, lab)] @ inverse @ signs
    v = 2 - np.einsum("ij,jk,ik->i", kernel[np.ix_(cand, lab)], inverse, kernel[np.ix_(cand, lab)])
    want = signs @ inverse @ signs + (1 + np.abs(f)) ** 2 / v
    np.testing.assert_allclose(-method.scores(cancer, np.random.default_rng(0)), want, rtol=1e-9)


def test_quire_scores_as_scikit_activeml_does():
    theirs = pytest.importorskip("skactiveml.pool")
    X, y = load_wine(return_X_y=True)
    X = scale(X)
    pool = make_pool(X, y, range(0, 178, 12))
    quire = theirs.Quire(classes=[0, 1, 2], lmbda=0.8, metric_dict={"gamma": 1 / 13}, random_state=0)
    _, utilities = quire.query(X, partly_labelled(pool), return_utilities=True)
    ours = read({"method": "quire", "ridge": 0.8}).scores(pool, np.random.default_rng(0))
    np.testing.assert_allclose(ours, utilities[0][pool.candidates], rtol=1e-6)
