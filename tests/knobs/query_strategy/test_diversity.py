"""Strategies that cover the pool or visit its clusters, and parity with scikit-activeml."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.preprocessing import scale

from tests.helpers.queries import linear_pool, select


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return linear_pool(scale(X), y, np.random.default_rng(1).permutation(569)[:20])


def test_kcenter_starts_from_every_bought_row_but_not_from_held_out_ones():
    X = np.array([[0.0], [1.0], [10.0], [24.0], [5.0], [30.0]])
    pool = linear_pool(X, [0, 1, 0, 1, 0, 1], [0, 1])
    pool.close(np.array([5]))
    assert select("kcenter", pool, 3).tolist() == [2, 3, 4]  # row 5 was bought, then dropped by an audit
    pool.held_out = np.array([5])
    assert select("kcenter", pool, 3).tolist() == [3, 2, 4]


def test_kcenter_picks_what_scikit_activeml_picks(cancer):
    skactiveml = pytest.importorskip("skactiveml.pool")
    y = np.full(cancer.n_rows, np.nan)
    y[cancer.labelled] = cancer.labels
    picks = skactiveml.CoreSet(random_state=0).query(cancer.X, y, batch_size=25)
    assert select("kcenter", cancer, 25).tolist() == list(picks)


def test_typiclust_first_visits_clusters_without_labels():
    X, y = load_wine(return_X_y=True)
    X = scale(X)
    pool = linear_pool(X, y, np.flatnonzero(y == 0)[:10])
    rows = select("typiclust", pool, 6)
    assert (y[rows] != 0).mean() > 0.8


def test_typiclust_picks_what_scikit_activeml_picks():
    skactiveml = pytest.importorskip("skactiveml.pool")
    chance = np.random.default_rng(0)
    sizes, centres = (60, 50, 90, 80), np.array([[0, 0], [90, 0], [0, 90], [90, 90]])
    X = np.concatenate([chance.normal(size=(n, 2)) + c for n, c in zip(sizes, centres, strict=True)])
    y = np.repeat(np.arange(4), sizes)
    pool = linear_pool(X, y, [0, 70])
    given = np.full(len(X), np.nan)
    given[pool.labelled] = pool.labels
    theirs = skactiveml.TypiClust(random_state=0, k=20, cluster_algo_dict={"random_state": 0, "n_init": 10})
    picks = theirs.query(X, given, batch_size=2)
    assert y[picks].tolist() == [2, 3]
    assert select("typiclust", pool, 2).tolist() == picks.tolist()
