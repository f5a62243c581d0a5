"""Strategies that compare with labelled rows and neighbours: by brute force, and against scikit-activeml."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

from altune.core.registry import parse_method
from altune.knobs.query_strategy import ScoreStrategy
from altune.knobs.query_strategy.neighbourhood import unlabelled_scores
from altune.numerics.row_scores import mean_neighbour_divergence
from tests.helpers.queries import make_pool, partly_labelled, read, select, skactiveml


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return make_pool(scale(X), y, np.random.default_rng(1).permutation(569)[:20])


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


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return make_pool(scale(X)[:500], y[:500], np.random.default_rng(0).permutation(500)[:40], 10)


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return make_pool(scale(X), y, range(0, 178, 12))


def test_contrastive_is_the_mean_divergence_by_brute_force(wine):
    method = parse_method("query_strategy", {"method": "contrastive", "neighbours": 4})
    scores = method.scores(wine, np.random.default_rng(0))
    p, q = wine.known().probabilities, wine.model.class_scores(wine.X[wine.labelled])
    apart = cdist(wine.X[wine.candidates], wine.X[wine.labelled])
    for row in range(0, len(p), 7):
        near = np.argsort(apart[row])[:4]
        want = np.mean([(q[j] * np.log(q[j] / p[row])).sum() for j in near])
        assert scores[row] == pytest.approx(want, rel=1e-4)  # probabilities are clipped at 1e-7


def test_contrastive_scores_as_scikit_activeml_does(digits):
    theirs, y, model = skactiveml(digits)
    method = theirs.ContrastiveAL(nearest_neighbors_dict={"n_neighbors": 10}, random_state=0)
    picks, utilities = method.query(digits.X, y, model, batch_size=20, return_utilities=True)
    scores = parse_method("query_strategy", "contrastive").scores(digits, np.random.default_rng(0))
    np.testing.assert_allclose(scores, utilities[0][digits.candidates], rtol=1e-5, atol=1e-9)
    assert select("contrastive", digits, 20).tolist() == picks.tolist()


def test_divergence_is_zero_from_oneself_and_finite_of_certain_models():
    p = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    got = mean_neighbour_divergence(p, np.array([[0, 0], [0, 1], [2, 2]]), p)
    assert np.isfinite(got).all()
    assert got[[0, 2]] == pytest.approx([0, 0], abs=1e-6)
    assert got[1] > 7
