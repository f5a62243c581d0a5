"""First samples from clusters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.preprocessing import scale

from tests.helpers.first_samples import sample


@pytest.fixture(scope="module")
def wine():
    return scale(load_wine().data)


def test_kmeans_takes_rows_of_all_clusters_nearest_to_the_centres():
    X, y = load_iris(return_X_y=True)
    rows = sample("kmeans", X, 2)
    centres = KMeans(2, n_init=1, random_state=0).fit(X).cluster_centers_
    assert set(rows.tolist()) == set(cdist(centres, X).argmin(axis=1).tolist())
    assert set(y[rows] == 0) == {True, False}


def test_typiclust_finds_all_digits_sooner_than_chance():
    X, y = load_digits(return_X_y=True)
    X, y = X[:600], y[:600]
    found = {
        name: np.mean([len(set(y[sample(name, X, 10, seed)])) for seed in range(5)]) for name in ("typiclust", "random")
    }
    assert found["typiclust"] > found["random"] + 1


def test_typiclust_picks_what_scikit_activeml_picks(wine):
    pool = pytest.importorskip("skactiveml.pool")
    theirs = pool.TypiClust(random_state=0, k=20, cluster_algo_dict={"n_init": 10, "random_state": 0})
    picks = theirs.query(wine, np.full(len(wine), np.nan), batch_size=3)
    # both find the three cultivars; which cluster is the largest hangs on the start of k-means
    assert sorted(sample("typiclust", wine, 3)) == sorted(picks)
