"""Seeds of k-means."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import scale

from altune.numerics.geometry.distances import make_points, squared_distances
from altune.numerics.geometry.seeding import Seeding


@pytest.fixture(scope="module")
def cancer():
    return scale(load_breast_cancer(return_X_y=True)[0])[:300]


def rng(seed=0):
    return np.random.default_rng(seed)


def seeding(X, seed=0):
    points = make_points(X)
    return Seeding(len(points), lambda some: squared_distances(points.take(some), points), rng(seed))


def test_the_first_seeds_do_not_depend_on_how_many_are_asked_for(cancer):
    step, once = seeding(cancer, 7), seeding(cancer, 7).first(60)
    for count in (3, 10, 60, 20):
        assert step.first(count).tolist() == once[:count].tolist()
    assert len(set(once)) == 60


def test_seeds_leave_less_distance_than_random_rows(cancer):
    apart = cdist(cancer, cancer) ** 2
    seeds = [apart[:, seeding(cancer, seed).first(20)].min(axis=1).sum() for seed in range(5)]
    random = [apart[:, rng(seed).permutation(len(cancer))[:20]].min(axis=1).sum() for seed in range(20)]
    assert max(seeds) < min(random)


def test_seeds_of_duplicates_are_distinct_and_end_with_the_rows():
    made = seeding(np.repeat([[0.0, 1.0], [4.0, 0.0]], 5, axis=0))
    first = made.first(2)
    assert {int(first[0]) // 5, int(first[1]) // 5} == {0, 1}
    assert sorted(made.first(99)) == list(range(10))
