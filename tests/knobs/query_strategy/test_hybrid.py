"""Strategies that join uncertainty and diversity: brute force, by hand, and against scikit-activeml."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale

from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.core.registry import describe_parameters, find_method, parse_method
from altune.knobs.query_strategy import QueryStrategy
from altune.knobs.query_strategy.bait import (
    InformationBatch,
    information_factors,
    leading_directions,
    softmax_information,
)
from altune.knobs.query_strategy.clustering import drop_features, tempered
from altune.knobs.query_strategy.covering import competence_of, fitted_balls, pick_by_competence, scale_to_one
from altune.knobs.query_strategy.falcun import draw_by_relevance, relevance_chances
from altune.knobs.query_strategy.neighbourhood import mean_divergence
from altune.models import FittedModel, LogisticRegressionModel, MultilayerPerceptron
from altune.numerics.geometry.balls import ball_graph
from altune.numerics.geometry.distances import make_points

OURS = ["bait", "clue", "contrastive", "dcom", "dropquery", "falcun"]


def make_pool(X, y, labelled, n_classes=None, model=None, held_out=()):
    labelled = np.sort(np.asarray(labelled, dtype=np.intp))
    pool = Pool(X, n_classes or int(max(y)) + 1, budget=100)
    pool.close(np.array([*labelled, *held_out], dtype=np.intp))
    pool.held_out = np.array(held_out, dtype=np.intp)
    pool.set_labels(labelled, np.asarray(y)[labelled])
    pool.labels_bought = len(labelled)
    pool.model = model or LogisticRegressionModel().fit(X[labelled], pool.labels, pool.n_classes, seed=0)
    pool.metadata = Metadata(X, pool.candidates, pool.model)
    return pool


def select(value, pool, size, seed=0):
    method = parse_method("query_strategy", value)
    assert isinstance(method, QueryStrategy)
    return method.select(pool, size, np.random.default_rng(seed))


def skactiveml(pool, fit_intercept=True):
    """Return scikit-activeml's pool module, the labels in its form, and the same classifier."""
    theirs = pytest.importorskip("skactiveml.pool")
    classifier = pytest.importorskip("skactiveml.classifier")
    y = np.full(pool.n_rows, np.nan)
    y[pool.labelled] = pool.labels
    model = LogisticRegression(max_iter=1000, fit_intercept=fit_intercept)
    return theirs, y, classifier.SklearnClassifier(model, classes=range(pool.n_classes))


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return make_pool(scale(X)[:500], y[:500], np.random.default_rng(0).permutation(500)[:40], 10)


@pytest.fixture(scope="module")
def wine():
    X, y = load_wine(return_X_y=True)
    return make_pool(scale(X), y, range(0, 178, 12))


@pytest.mark.parametrize("name", OURS)
def test_methods_describe_themselves_and_leave_out_what_is_held_out(name):
    X, y = load_wine(return_X_y=True)
    pool = make_pool(scale(X), y, range(0, 178, 9), held_out=range(1, 178, 9))
    assert sorted(select(name, pool, 1000).tolist()) == pool.candidates.tolist()
    cls = find_method("query_strategy", name)
    assert cls.source
    assert all(entry["description"] for entry in describe_parameters(cls).values())


# clue


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
    network = MultilayerPerceptron(hidden_units=8, max_epochs=50).fit(X[::5], y[::5], 3, seed=0)
    pool = make_pool(X, y, range(0, 150, 5), 3, network)
    hidden = network.embedding(X[pool.candidates])
    seed = int(np.random.default_rng(0).integers(2**31 - 1))
    fitted = KMeans(4, n_init=1, random_state=seed).fit(hidden, sample_weight=pool.known().entropy)
    nearest = cdist(fitted.cluster_centers_, hidden).argmin(axis=1)
    assert select("clue", pool, 4).tolist() == pool.candidates[nearest].tolist()


# contrastive


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
    got = mean_divergence(p, np.array([[0, 0], [0, 1], [2, 2]]), p)
    assert np.isfinite(got).all()
    assert got[[0, 2]] == pytest.approx([0, 0], abs=1e-6)
    assert got[1] > 7


# falcun


def by_the_authors_code(p, u, gamma, picks):
    """Chances at each draw of given picks: relevance scaled among the rows left, as in the paper's supplement."""
    left, distances = np.ones(len(p), bool), u.copy()
    for pick in picks:
        d = distances[left]
        relevance = (d - d.min()) / (d.max() - d.min()) + u[left]
        chances = np.zeros(len(p))
        chances[left] = relevance**gamma / (relevance**gamma).sum()
        yield chances
        left[pick] = False
        distances = np.minimum(distances, np.abs(p - p[pick]).sum(axis=1))


def test_falcun_of_a_large_exponent_takes_the_most_relevant_row_each_time(digits):
    rows = select({"method": "falcun", "gamma": 1000}, digits, 15)
    positions = np.searchsorted(digits.candidates, rows)
    p, u = digits.known().probabilities, 1 - digits.known().margin
    for pick, chances in zip(positions, by_the_authors_code(p, u, 20.0, positions), strict=True):
        assert chances[pick] >= 0.9 * chances.max()


def test_falcun_draws_by_relevance():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], 12)
    top = np.sort(p, axis=1)
    u = 1 - (top[:, 2] - top[:, 1])
    draws = np.array([draw_by_relevance(p, u, 3.0, 2, np.random.default_rng(seed)) for seed in range(6000)])
    first = next(iter(by_the_authors_code(p, u, 3.0, [0])))
    assert np.abs(np.bincount(draws[:, 0], minlength=12) / 6000 - first).max() < 0.03
    favourite = int(first.argmax())
    after = draws[draws[:, 0] == favourite, 1]
    second = list(by_the_authors_code(p, u, 3.0, [favourite, 0]))[1]
    assert np.abs(np.bincount(after, minlength=12) / len(after) - second).max() < 0.06
    assert relevance_chances(np.zeros(4), 10.0).tolist() == [0.25] * 4


def test_falcun_is_close_to_that_of_scikit_activeml(digits):
    theirs, y, model = skactiveml(digits)
    picks, utilities = theirs.Falcun(gamma=10, random_state=0).query(
        digits.X, y, model, batch_size=4, return_utilities=True
    )
    positions = np.searchsorted(digits.candidates, picks)
    p, u = digits.known().probabilities, 1 - digits.known().margin
    for turn, ours in enumerate(by_the_authors_code(p, u, 10.0, positions)):
        found = utilities[turn][digits.candidates]
        keep = ~np.isnan(found)
        # they scale the first distances not at all, and later ones among all rows and for good: the authors' code
        # scales them among the rows left, afresh at each draw; so alike, not equal
        assert np.corrcoef(ours[keep], found[keep])[0, 1] > 0.98


# dropquery


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


def test_dropquery_filters_as_scikit_activeml_does(digits):
    theirs, y, model = skactiveml(digits, fit_intercept=False)
    # without an intercept the division by the share kept, which they leave out, changes no prediction
    fitted = LogisticRegression(max_iter=1000, fit_intercept=False).fit(digits.X[digits.labelled], digits.labels)
    pool = make_pool(
        digits.X,
        y,
        digits.labelled,
        10,
        FittedModel(fitted, 10, fitted.classes_, fitted.classes_, ("predict_proba",)),
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


# dcom


def test_competence_is_full_at_full_coverage_and_none_at_none():
    assert competence_of(1.0, 30.0, 0.9) == 1.0
    assert competence_of(0.0, 30.0, 0.9) < 1e-9
    grid = [competence_of(c, 10.0, 0.5) for c in np.linspace(0, 1, 11)]
    assert grid == sorted(grid)
    assert grid[5] == pytest.approx((1 + np.exp(-5)) / 2)


def test_balls_are_the_largest_that_are_pure_enough_by_brute_force(wine):
    points = make_points(wine.X)
    cand, lab = points.take(wine.candidates), points.take(wine.labelled)
    predicted = wine.known().predictions
    limit = 0.9
    got = fitted_balls(lab, wine.labels, cand, predicted, limit**2)
    apart = cdist(lab.values, cand.values)

    def balls(purity):
        radii, covered = [], np.zeros(len(cand), bool)
        for row, label in zip(apart, wine.labels, strict=True):
            best, held = 0.0, np.zeros(len(cand), bool)
            for radius in np.append(np.sort(row[row < limit]), limit):
                inside = row < radius * (1 - 1e-12)
                if (1 + (predicted[inside] == label).sum()) / (1 + inside.sum()) >= purity:
                    best, held = radius, inside
            radii.append(best)
            covered |= held
        return np.mean(radii), covered, (covered.sum() + len(lab)) / 178

    first = balls(0.4)
    radius, covered, coverage = balls(0.2 * first[2] + 0.4)
    assert got.coverage == pytest.approx(coverage)
    np.testing.assert_array_equal(got.covered, covered)
    assert got.mean_radius == pytest.approx(radius)


def test_dcom_mixes_degree_and_uncertainty_by_competence(wine):
    points = make_points(wine.X).take(wine.candidates)
    inside = cdist(points.values, points.values) < 0.5
    u = scale_to_one(1 - wine.known().margin)
    n = len(wine.candidates)
    for competence in (0.0, 0.4, 1.0):
        covered = np.zeros(n, bool)
        covered[:40] = True
        picks = pick_by_competence(
            ball_graph(points, points, 0.25), covered.copy(), u, competence, 12, np.random.default_rng(0)
        )
        for turn, pick in enumerate(picks):
            degree = (inside & ~covered).sum(axis=1)
            value = competence * u + (1 - competence) * scale_to_one(degree.astype(float))
            value[picks[:turn]] = -1
            assert value[pick] == pytest.approx(value.max())
            covered |= inside[pick]


def test_dcom_of_a_competent_model_is_margin_and_early_it_is_not(wine):
    sure = {"method": "dcom", "midpoint": 0.0, "steepness": 100.0}
    assert select(sure, wine, 10).tolist() == select("margin", wine, 10).tolist()
    early = select({"method": "dcom", "midpoint": 1.0, "steepness": 100.0}, wine, 10)
    margins = wine.known().margin
    assert margins[np.searchsorted(wine.candidates, early)].mean() > np.sort(margins)[:10].mean()
    assert len(select({"method": "dcom", "subpool": 20}, wine, 50)) == 50


# bait


def full_information(p, g):
    return np.kron(np.diag(p) - np.outer(p, p), np.outer(g, g))


def test_information_of_rows_and_its_factors():
    rng = np.random.default_rng(0)
    p, g = rng.dirichlet([1, 1, 1, 1], 6), rng.normal(size=(6, 3))
    want = sum(full_information(*row) for row in zip(p, g, strict=True))
    np.testing.assert_allclose(softmax_information(p, g), want, atol=1e-12)
    factors = information_factors(p, 4)
    np.testing.assert_allclose(
        factors.transpose(0, 2, 1) @ factors, [np.diag(q) - np.outer(q, q) for q in p], atol=1e-12
    )
    two = information_factors(p, 2)
    top = np.sort(p, axis=1)[:, :-3:-1]
    np.testing.assert_allclose(np.trace(two @ two.transpose(0, 2, 1), axis1=1, axis2=2),
                               (top * (1 - 2 * top + (p**2).sum(axis=1, keepdims=True))).sum(axis=1))  # fmt: skip


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    p, g = rng.dirichlet([1, 1, 1], 25), rng.normal(size=(25, 2))
    start = softmax_information(p[:4], g[:4]) / 9
    wanted = softmax_information(p, g) / 25
    return p, g, start, wanted, InformationBatch(p, g, start, wanted, ridge=0.1, weight=1 / 9)


def brute_trace(batch, rows):
    p, g, start, wanted, _ = batch
    A = 0.1 * np.eye(6) + start + sum((full_information(p[r], g[r]) / 9 for r in rows), np.zeros((6, 6)))
    return np.trace(np.linalg.solve(A, wanted))


def test_bait_knows_by_how_much_each_row_lowers_the_trace(batch):
    ours = batch[-1]
    held = []
    for change, sign in ((3, 1), (17, 1), (8, 1), (17, -1), (20, 1)):
        before = brute_trace(batch, held)
        assert ours.trace() == pytest.approx(before)
        falls = [before - brute_trace(batch, [*held, row]) for row in range(25)]
        np.testing.assert_allclose(ours.falls(), falls, atol=1e-9)
        if held:
            out = [before - brute_trace(batch, [r for r in held if r != row]) for row in held]
            np.testing.assert_allclose(ours.falls(-1.0, np.array(held)), out, atol=1e-9)
        ours.change(change, float(sign))
        held = [*held, change] if sign > 0 else [row for row in held if row != change]


def test_bait_adds_twice_as_many_and_takes_the_surplus_out(batch):
    held = []
    for _ in range(8):
        left = [row for row in range(25) if row not in held]
        held.append(min(left, key=lambda row: brute_trace(batch, [*held, row])))
    while len(held) > 4:
        held.remove(min(held, key=lambda row: brute_trace(batch, [r for r in held if r != row])))
    assert batch[-1].pick(4, np.random.default_rng(0)).tolist() == held


def test_bait_of_a_pool_lowers_the_trace_more_than_margin_or_chance():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)[:, :6]
    pool = make_pool(X, y, np.random.default_rng(1).permutation(569)[:20])
    p, g = pool.known().probabilities, np.column_stack([X[pool.candidates], np.ones(549)])
    known = softmax_information(
        pool.model.class_scores(X[pool.labelled]), np.column_stack([X[pool.labelled], np.ones(20)])
    )
    wanted = softmax_information(p, g) / 549

    def trace(rows):
        where = np.searchsorted(pool.candidates, rows)
        A = 0.01 * np.eye(14) + (known + softmax_information(p[where], g[where])) / 30
        return np.trace(np.linalg.solve(A, wanted))

    chance = np.mean([trace(select("random", pool, 10, seed)) for seed in range(10)])
    assert trace(select("bait", pool, 10)) < 0.9 * min(chance, trace(select("margin", pool, 10)))


def test_leading_directions_keep_what_they_can():
    X = np.random.default_rng(0).normal(size=(60, 5)) * [9, 5, 1, 1, 1]
    whole = leading_directions(X, 5, np.random.default_rng(0))
    assert whole.shape == (60, 6)
    assert (whole[:, -1] == 1).all()
    assert (whole[:, :-1] ** 2).mean() == pytest.approx(1.0)
    two = leading_directions(sparse.csr_array(X), 2, np.random.default_rng(0))
    assert two.shape == (60, 3)
    shares = np.linalg.lstsq(two, X[:, :2], rcond=None)[1] / (X[:, :2] ** 2).sum(axis=0)
    assert shares.max() < 0.05


def test_bait_bounds_its_parameters_and_its_candidates(digits):
    value = {"method": "bait", "parameters": 40, "subpool": 60}
    assert len(set(select(value, digits, 8).tolist())) == 8
    assert len(select(value, digits, 100)) == 100
