"""Central points and medoids of clusters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.preprocessing import scale

from altune.numerics.geometry.clustering import central_points, kmeans, medoids, nearest_to_centres
from altune.numerics.geometry.distances import make_points


@pytest.fixture(scope="module")
def cancer():
    return scale(load_breast_cancer(return_X_y=True)[0])[:300]


def rng(seed=0):
    return np.random.default_rng(seed)


def test_central_points_are_those_nearest_to_the_centres(cancer):
    points = make_points(cancer)
    centres = kmeans(points, 12, rng(1)).centres
    picks = nearest_to_centres(points, centres, rng())
    apart = cdist(centres, points.values)
    np.testing.assert_allclose(apart[np.arange(12), picks], apart.min(axis=1), atol=1e-7)


def test_a_row_stands_for_one_centre_only():
    points = make_points(np.array([[0.0], [0.4], [1.0]]))
    centres = points.values[[0, 0, 0]]
    assert nearest_to_centres(points, centres, rng()).tolist() == [0, 1, 2]


@pytest.mark.parametrize("pick", [central_points, medoids])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_cluster_representatives_are_distinct_on_duplicates(pick, form):
    points = make_points(form(np.repeat([[0.0, 1.0], [4.0, 0.0]], 10, axis=0)))
    assert len(set(pick(points, 7, rng()))) == 7
    assert sorted(pick(points, 50, rng())) == list(range(20))


def test_more_rows_than_a_full_pass_can_take_are_clustered_too():
    X = np.concatenate([rng(1).normal(size=(3000, 3)) + shift for shift in (0, 50, 100)])
    labels = kmeans(make_points(X), 3, rng(2)).labels
    assert [len(set(part)) for part in np.split(labels, 3)] == [1, 1, 1]


def test_medoids_have_the_smallest_sum_of_distances_in_their_cluster():
    X, y = load_iris(return_X_y=True)
    X = X[y != 1]  # two clusters far apart
    apart = cdist(X, X)
    want = {int(part[apart[np.ix_(part, part)].sum(axis=1).argmin()]) for part in np.split(np.arange(100), 2)}
    assert set(medoids(make_points(X), 2, rng()).tolist()) == want


def test_medoids_are_better_than_the_points_nearest_to_k_means_centres(cancer):
    points, apart = make_points(cancer), cdist(cancer, cancer)
    gain = [
        apart[:, central_points(points, 15, rng(seed))].min(axis=1).sum()
        - apart[:, medoids(points, 15, rng(seed))].min(axis=1).sum()
        for seed in range(5)
    ]
    assert min(gain) >= 0
    assert max(gain) > 1
