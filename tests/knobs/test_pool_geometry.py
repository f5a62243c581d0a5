"""What strategies know about the geometry of a pool, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.preprocessing import scale

from altune.core.pool import FeatureCache, Pool
from altune.knobs import pool_geometry as pooled
from altune.knobs.pool_geometry import pool_points, pool_pure_radius
from tests.helpers.first_samples import make_pool
from tests.helpers.geometry import greedy_k_center


def test_the_radius_of_a_pool_is_that_of_its_clusters_by_brute_force():
    X, y = load_iris(return_X_y=True)
    X = X[y < 2]
    y = y[y < 2]  # setosa and versicolor: k-means finds the two species
    pool = make_pool(X, n_classes=2)
    points = pool_points(pool)
    apart = cdist(points.values, points.values)
    other = np.where(y[:, None] != y[None, :], apart, np.inf).min(axis=1)
    got = np.sqrt(pool_pure_radius(pool, 0.95))
    assert got == pytest.approx(np.sort(other)[5])
    # all trajectories of a block share it, whatever they drew
    assert pool_pure_radius(make_pool(X, n_classes=2, shared=FeatureCache()), 0.95) == pytest.approx(got**2)


@pytest.fixture(scope="module")
def cancer():
    return scale(load_breast_cancer(return_X_y=True)[0])[:300]


def rng(seed=0):
    return np.random.default_rng(seed)


def rows(*positions):
    return np.array(positions, dtype=np.intp)


def opened(X, *covered, held_out=()):
    """A pool whose rows were bought so far, and which shares nothing yet."""
    pool = Pool(X, 2, budget=100)
    pool.close(rows(*covered, *held_out))
    pool.held_out = rows(*held_out)
    return pool


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("pairs", [True, False])
def test_distances_to_covered_rows_are_kept_up_to_date_as_brute_force_has_them(form, pairs, cancer, monkeypatch):
    monkeypatch.setattr(pooled, "PAIRED_ROWS", 2_048 if pairs else 0)
    pool = opened(form(cancer), 3, 8, held_out=(40, 41))
    unit = np.sqrt(pooled.pool_points(pool).norms / (cancer**2).sum(axis=1)) if form is sparse.csr_array else None
    apart = cdist(cancer, cancer)
    for bought in ([], [100, 5], [7], [], range(200, 230)):
        pool.close(np.array(bought, dtype=np.intp))
        covered = pooled.covered_rows(pool)
        found = np.sqrt(pooled.covered_distances(pool).squared)
        scale = unit[0] if unit is not None else found.max() / apart[:, covered].min(axis=1).max()
        np.testing.assert_allclose(found, scale * apart[:, covered].min(axis=1), atol=1e-7)
    taken = opened(form(cancer), 3)  # another trajectory keeps its own
    assert (np.sqrt(pooled.covered_distances(taken).squared) > 0).sum() == len(cancer) - 1


@pytest.mark.parametrize("pairs", [True, False])
def test_the_farthest_candidates_are_the_greedy_k_center_loop_by_loop(pairs, cancer, monkeypatch):
    monkeypatch.setattr(pooled, "PAIRED_ROWS", 2_048 if pairs else 0)
    pool, bought = opened(cancer, 5, 17), [5, 17]
    for _ in range(4):
        picks = pooled.farthest_candidates(pool, 15, rng())
        assert picks.tolist() == greedy_k_center(cancer, bought, 15)
        pool.close(picks)
        bought += picks.tolist()


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_what_a_selection_measured_is_measured_once(form, cancer, monkeypatch):
    monkeypatch.setattr(pooled, "PAIRED_ROWS", 0)
    pool = opened(form(cancer), 5, 17)
    picks = pooled.farthest_candidates(pool, 15, rng())
    pool.close(picks)
    measured = []
    nearest = pooled.squared_to_nearest
    monkeypatch.setattr(pooled, "squared_to_nearest", lambda *given: measured.append(len(given[1])) or nearest(*given))
    found = pooled.covered_distances(pool).squared
    assert measured == []
    np.testing.assert_allclose(found, pooled.covered_distances(opened(form(cancer), 5, 17, *picks)).squared, atol=1e-12)


@pytest.mark.parametrize("pairs", [True, False])
def test_rows_that_were_picked_and_not_bought_do_not_count(pairs, cancer, monkeypatch):
    monkeypatch.setattr(pooled, "PAIRED_ROWS", 2_048 if pairs else 0)
    pool = opened(cancer, 5, 17)
    for bought, beside in ((slice(0, 4), ()), (slice(0, 15), (3, 4))):  # fewer than were picked, and more
        picks = pooled.farthest_candidates(pool, 15, rng())
        pool.close(np.array([*picks[bought], *beside], dtype=np.intp))
        expected = pooled.covered_distances(opened(cancer, *pooled.covered_rows(pool))).squared
        np.testing.assert_allclose(pooled.covered_distances(pool).squared, expected, atol=1e-12)


def test_the_farthest_candidates_are_neither_bought_nor_held_out(cancer):
    pool = opened(cancer, 5, held_out=range(6, 290))
    assert sorted(pooled.farthest_candidates(pool, 99, rng())) == [*range(5), *range(290, 300)]


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_clusters_of_a_pool_depend_on_its_features_and_their_number_alone(form, monkeypatch):
    X = form(load_wine().data)
    pool, other = opened(X, 1, 2), opened(X, 5)
    eight = pooled.pool_clusters(pool, 8)
    pooled.pool_clusters(other, 30)
    assert pooled.pool_clusters(other, 8).tolist() == eight.tolist()
    assert len(set(eight)) == 8
    monkeypatch.setattr(pooled, "kmeans_from", None)
    assert pooled.pool_clusters(pool, 8) is eight
