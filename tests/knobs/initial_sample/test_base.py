"""First samples: which rows, how many, and on what pools."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale

from altune.core.errors import FormatError
from altune.core.pool import FeatureCache
from altune.core.registry import describe_parameters, find_method, methods, parse_method
from altune.knobs.initial_sample import default_initial_size
from tests.helpers.first_samples import sample

FEATURES_ONLY = ["facility_location", "probcover", "density", "d_optimal", "leverage"]
BY_FEATURES = ["random", "kmeans", "kmeans_pp", "kmedoids", "kcenter", "kennard_stone", "typiclust", *FEATURES_ONLY]


@pytest.fixture(scope="module")
def wine():
    return scale(load_wine().data)


@pytest.mark.parametrize("name", methods("initial_sample"))
def test_a_method_names_its_source_and_describes_its_parameters(name):
    method = find_method("initial_sample", name)
    assert method.source
    assert all(entry["description"] for entry in describe_parameters(method).values())


@pytest.mark.parametrize("name", BY_FEATURES)
def test_a_sample_continued_takes_neither_bought_nor_held_out_rows(name, wine):
    rows = sample(name, wine, 170, bought=range(5), held_out=range(5, 10))
    assert sorted(rows.tolist()) == list(range(10, 178))


def test_features_alone_are_worked_out_once_for_a_block(wine, monkeypatch):
    shared = FeatureCache()
    first = {name: sample(name, wine, 9, 4, shared=shared).tolist() for name in FEATURES_ONLY}
    for module, name in (
        ("density", "log_kernel_density"),
        ("density", "similarity_graph"),
        ("design", "leverage_scores"),
    ):
        monkeypatch.setattr(f"altune.knobs.initial_sample.{module}.{name}", None)
    monkeypatch.setattr("altune.knobs.pool_geometry.kmeans", None)
    monkeypatch.setattr("altune.knobs.pool_geometry.ball_graph_of", None)
    assert {name: sample(name, wine, 9, 4, shared=shared).tolist() for name in FEATURES_ONLY} == first


AWKWARD = {
    "constant": np.ones((30, 4)),
    "zeros": np.zeros((30, 4)),
    "duplicates": np.repeat(np.eye(3), 10, axis=0),
    "one row": np.ones((1, 4)),
    "two rows": np.eye(2),
    "huge": np.random.default_rng(0).normal(size=(30, 4)) * 1e150,
    "largest": np.random.default_rng(0).choice([-1.7e308, 1.7e308], size=(30, 4)),
    "tiny": np.random.default_rng(0).normal(size=(30, 4)) * 1e-160,
    "outlier": np.concatenate([[[1e150, 0.0]], np.random.default_rng(0).normal(size=(30, 2))]),
}


@pytest.mark.parametrize("name", BY_FEATURES)
@pytest.mark.parametrize("awkward", AWKWARD)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
@pytest.mark.filterwarnings("error")
def test_awkward_pools_give_distinct_rows_and_as_many_as_there_are(name, awkward, form):
    X = AWKWARD[awkward]
    for size in (1, 2, 7, 1000):
        rows = sample(name, form(X), size)
        assert len(rows) == min(size, len(X))
        assert len(set(rows.tolist())) == len(rows)
        assert rows.min() >= 0
        assert rows.max() < len(X)


@pytest.mark.parametrize("name", BY_FEATURES)
def test_one_stream_gives_one_sample_and_another_stream_another(name, wine):
    first = sample(name, wine, 10, seed=3).tolist()
    assert sample(name, wine, 10, seed=3).tolist() == first
    # these draw nothing, or start from clusters that all trajectories of a block share
    if name not in ("kennard_stone", "typiclust", "facility_location", "d_optimal"):
        assert any(sample(name, wine, 10, seed=seed).tolist() != first for seed in range(4, 9))


@pytest.mark.parametrize("name", BY_FEATURES)
def test_methods_read_back_from_their_mapping(name):
    method = parse_method("initial_sample", {"method": name, "size": 12})
    written = method.to_dict()
    assert written == {**written, "method": name, "size": 12}
    assert parse_method("initial_sample", written) == method
    with pytest.raises(FormatError, match="size"):
        parse_method("initial_sample", {"method": name, "size": 0})


def test_default_size_is_a_twentieth_of_the_budget_with_a_row_for_each_class():
    assert default_initial_size(200, 10) == 10
    assert default_initial_size(1000, 2) == 50
    assert default_initial_size(100, 26) == 26


def test_a_share_of_the_budget_is_rounded_and_has_a_row_for_each_class():
    share = parse_method("initial_sample", {"method": "kmeans", "share": 0.1})
    assert [share.n_rows(budget, 3) for budget in (10, 30, 104, 106, 1000)] == [3, 3, 10, 11, 100]
    assert parse_method("initial_sample", {"method": "kmeans", "size": 2}).n_rows(1000, 10) == 2


def test_a_share_of_a_twentieth_is_the_default_for_every_budget():
    usual, share = (parse_method("initial_sample", {"method": "random", **more}) for more in ({}, {"share": 0.05}))
    for budget in range(2, 3000):
        assert share.n_rows(budget, 2) == usual.n_rows(budget, 2), budget


@pytest.mark.parametrize("size", [{"size": 9}, {"share": 0.1}, {}])
def test_another_sample_with_the_same_size_keeps_its_method(size):
    sample = parse_method("initial_sample", {"method": "typiclust", **size})
    for given in ({"size": 3}, {"share": 0.5}, {}):
        other = parse_method("initial_sample", {"method": "random", **given})
        assert sample.sized_alike(other) == parse_method("initial_sample", {"method": "random", **size})
