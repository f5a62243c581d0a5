"""First samples where rows are dense: covering balls, facilities and kernel densities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits, load_wine
from sklearn.preprocessing import scale

from altune.core.pool import FeatureCache
from altune.numerics.geometry.distances import make_points
from altune.numerics.geometry.facilities import similarity_graph
from tests.helpers.first_samples import sample


def points_of(X):
    return make_points(np.asarray(X, dtype=float))


@pytest.fixture(scope="module")
def wine():
    return scale(load_wine().data)


def test_probcover_covers_dense_places_first_and_a_bought_row_covers_its_own():
    chance = np.random.default_rng(0)
    X = np.concatenate([chance.normal(size=(n, 2)) * 0.3 + c for n, c in ((40, [0, 0]), (25, [9, 0]), (12, [0, 9]))])
    blob = np.repeat([0, 1, 2], [40, 25, 12])
    assert blob[sample("probcover", X, 3)].tolist() == [0, 1, 2]
    assert blob[sample("probcover", X, 2, bought=[3])].tolist() == [1, 2]
    assert blob[sample("probcover", X, 1, held_out=[3])].tolist() == [0]


@pytest.mark.parametrize("name", ["probcover", "facility_location"])
def test_large_pools_compete_by_a_subpool(name, monkeypatch, wine):
    for module in ("altune.knobs.pool_geometry", "altune.knobs.initial_sample.density"):
        monkeypatch.setattr(f"{module}.LARGE_POOL", 60)
    rows = sample(name, wine, 100, bought=range(5))
    assert len(set(rows.tolist())) == 100
    assert rows.min() >= 5
    first = {int(sample(name, wine, 1, seed)[0]) for seed in range(8)}
    assert len(first) > 1  # other rows compete


def test_facility_location_stands_for_more_rows_than_chance():
    X = load_digits().data[:500] / 16
    similarity = similarity_graph(points_of(X), 30).toarray()
    worth = {
        name: np.mean([similarity[:, sample(name, X, 15, seed)].max(axis=1).sum() for seed in range(3)])
        for name in ("facility_location", "random", "kcenter")
    }
    assert worth["facility_location"] > 1.2 * max(worth["random"], worth["kcenter"])


def test_density_draws_in_proportion_to_the_kernel_density():
    chance = np.random.default_rng(0)
    X = np.concatenate([chance.normal(size=(30, 2)), 6 * chance.normal(size=(10, 2))])
    apart = cdist(X, X, "sqeuclidean")
    width = np.median(np.sort(apart, axis=1)[:, round(np.sqrt(40))])
    density = np.exp(-apart / (2 * width)).mean(axis=1)
    draws = 4000
    shared = FeatureCache()
    for beta in (1.0, 2.0):
        value = {"method": "density", "beta": beta}
        drawn = np.bincount([sample(value, X, 1, seed, shared=shared)[0] for seed in range(draws)], minlength=40)
        wanted = density**beta / (density**beta).sum()
        assert np.abs(drawn / draws - wanted).max() < 4.5 * np.sqrt(0.25 / draws)


def test_density_without_weight_is_uniform_and_similarity_is_another_kind(wine):
    uniform = {"method": "density", "beta": 0.0}
    drawn = np.bincount(np.concatenate([sample(uniform, wine, 50, s) for s in range(400)]), minlength=178)
    expected = 400 * 50 / 178
    assert np.abs(drawn - expected).max() < 5 * np.sqrt(expected)
    kinds = [{"method": "density", "kind": kind, "beta": 5.0} for kind in ("kernel", "similarity")]
    assert sample(kinds[0], wine, 20).tolist() != sample(kinds[1], wine, 20).tolist()
