"""Typicality, and the rows that TypiClust picks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.preprocessing import scale

from altune.numerics.geometry.clustering import kmeans
from altune.numerics.geometry.distances import make_points, squared_distances
from altune.numerics.geometry.typicality import typical_rows, typicality, typicality_of_pairs


@pytest.fixture(scope="module")
def cancer():
    return scale(load_breast_cancer(return_X_y=True)[0])[:300]


def rng(seed=0):
    return np.random.default_rng(seed)


def test_typicality_by_hand():
    points = make_points(np.array([[0.0, 0.0], [0.3, 0.4], [0.0, 0.5], [0.9, 0.0]]))
    a, b = np.hypot(0.3, 0.1), np.hypot(0.6, 0.4)
    want = [1 / 0.5, 2 / (0.5 + a), 2 / (0.5 + a), 2 / (0.9 + b)]
    np.testing.assert_allclose(typicality(points, 2), want)
    np.testing.assert_allclose(typicality(points, 99)[0], 3 / (0.5 + 0.5 + 0.9))


def test_typicality_stays_finite_among_duplicates():
    assert typicality(make_points(np.ones((3, 2))), 2).tolist() == [1e12] * 3
    assert typicality(make_points(np.ones((1, 2))), 2).tolist() == [1]


def groups(*sizes):
    """Far clusters of normal rows, and the cluster of each row."""
    X = np.concatenate([rng(i).normal(size=(n, 2)) + 1000 * i * (i + 1) for i, n in enumerate(sizes)])
    return X, np.repeat(np.arange(len(sizes)), sizes)


def typiclust(X, n_labelled, size, n_clusters):
    """The picks among all rows but the first few, by k-means of so many clusters."""
    points = make_points(X)
    order = np.arange(len(X))
    clusters = kmeans(points, n_clusters, rng(3)).labels

    def within(members, n_neighbours):
        return typicality(points.take(members), n_neighbours)

    return typical_rows(clusters, order[:n_labelled], order[n_labelled:], size, rng(), within)


def test_typiclust_visits_large_clusters_first_and_takes_their_most_typical_row():
    X, group = groups(10, 30, 20)
    picks = typiclust(X, 0, 3, 3)
    assert group[picks].tolist() == [1, 2, 0]
    for pick in picks:
        members = np.flatnonzero(group == group[pick])
        apart = np.sort(cdist(X[members], X[members]), axis=1)[:, 1 : 1 + min(20, len(members) // 2)]
        assert pick == members[apart.mean(axis=1).argmin()]


def test_typiclust_prefers_clusters_with_few_labels_and_leaves_small_ones_for_the_end():
    X, group = groups(40, 12, 4, 9)
    order = np.concatenate([[0, 40], np.setdiff1d(np.arange(len(X)), [0, 40])])  # one label in groups 0, 1
    picks = order[typiclust(X[order], 2, 2, 4)]
    # four clusters; group 2 is too small, so after group 3 the largest with one label follows
    assert group[picks].tolist() == [3, 0]


def test_typiclust_goes_round_and_round_and_ends_with_the_small_clusters():
    X, group = groups(9, 7, 3)
    assert group[typiclust(X, 0, 3, 3)].tolist() == [0, 1, 0]
    assert sorted(typiclust(X, 0, 10**6, 3)) == list(range(19))


def test_typiclust_picks_no_labelled_row_and_nothing_of_nothing():
    X = load_wine().data
    assert typiclust(X, 170, 100, 178).min() >= 170
    assert len(typiclust(X, 178, 5, 178)) == 0


@pytest.mark.parametrize("n_neighbours", [1, 7, 99])
def test_typicality_of_pairs_is_that_of_the_points(cancer, n_neighbours):
    points = make_points(cancer[:60])
    found = typicality_of_pairs(squared_distances(points, points), n_neighbours)
    np.testing.assert_allclose(found, typicality(points, n_neighbours), rtol=1e-12)
    assert typicality_of_pairs(np.zeros((1, 1)), n_neighbours).tolist() == [1]
