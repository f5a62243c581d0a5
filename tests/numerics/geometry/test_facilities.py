"""Facility location: lazy greedy is greedy, and similarity is what it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale

from altune.numerics.geometry.distances import make_points
from altune.numerics.geometry.facilities import locate_facilities, similarity_graph


def points_of(X):
    return make_points(np.asarray(X, dtype=float))


@pytest.fixture(scope="module")
def wine():
    return scale(load_wine().data)


def plain_greedy(similarity, allowed, covered, size):
    best = similarity[:, covered].max(axis=1, initial=0.0)
    picked = []
    for _ in range(size):
        gains = np.maximum(similarity - best[:, None], 0).sum(axis=0)
        gains[np.setdiff1d(np.arange(len(best)), allowed)] = -1
        gains[picked] = -1
        picked.append(int(gains.argmax()))
        best = np.maximum(best, similarity[:, picked[-1]])
    return picked


def test_lazy_greedy_is_greedy(wine):
    graph = similarity_graph(points_of(wine), 8)
    allowed, covered = np.arange(10, 178), np.arange(5)
    lazy = locate_facilities(graph, allowed, covered, 25, np.random.default_rng(0))
    assert lazy.tolist() == plain_greedy(graph.toarray(), allowed, covered, 25)


def test_similarity_is_one_on_oneself_and_falls_with_distance(wine):
    similarity = similarity_graph(points_of(wine), 8).toarray()
    assert (np.diagonal(similarity) == 1).all()
    assert ((similarity > 0).sum(axis=1) == 9).all()
    apart = cdist(wine, wine)
    for row in range(0, 178, 20):
        near = np.argsort(apart[row])[:9]
        assert set(np.flatnonzero(similarity[row])) == set(near.tolist())
        assert (np.diff(similarity[row][near]) <= 0).all()
