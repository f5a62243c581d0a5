"""Query strategies: awkward pools, ties, and what each says of itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits, load_wine
from sklearn.preprocessing import scale

from altune.core.registry import describe_parameters, find_method, parse_method
from altune.knobs.query_strategy.base import largest
from tests.helpers.queries import FixedScores, linear_pool, make_pool, read, scores, select

OURS = [
    "random",
    "least_confidence",
    "margin",
    "entropy",
    "density_weighted",
    "kcenter",
    "badge",
    "typiclust",
    "mixture",
    "switch",
    "epsilon_mix",
    "bandit",
]
SCORED = ["random", "least_confidence", "margin", "entropy", "density_weighted", "mixture"]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = X[:500] / 16
    return linear_pool(X, y[:500], np.random.default_rng(0).permutation(500)[:40], 10)


def awkward_pools():
    chance = np.random.default_rng(0)
    y = np.arange(30) % 3
    for name, X in {
        "constant": np.ones((30, 4)),
        "zeros": np.zeros((30, 4)),
        "duplicates": np.repeat(np.eye(3), 10, axis=0),
        "huge": chance.normal(size=(30, 4)) * 1e150,
        "tiny": chance.normal(size=(30, 4)) * 1e-160,
    }.items():
        certain = np.eye(3)[chance.integers(3, size=22)]
        for kind, told in {"spread": chance.dirichlet([1, 1, 1], 22), "certain": certain}.items():
            for form in (np.asarray, sparse.csr_matrix):
                label = f"{name}, {kind}, {form.__name__}"
                yield pytest.param(form(X), y, range(8), 3, FixedScores(told), id=label)
    X = chance.normal(size=(30, 4))
    yield pytest.param(X, y, range(29), 3, None, id="one row left")
    yield pytest.param(X, np.zeros(30, int), range(5), 2, None, id="one labelled class")
    yield pytest.param(X, np.arange(30), range(20), 200, None, id="200 classes")


@pytest.mark.parametrize(("X", "y", "labelled", "n_classes", "model"), list(awkward_pools()))
@pytest.mark.filterwarnings("error")
def test_awkward_pools_give_distinct_candidates_and_finite_scores(X, y, labelled, n_classes, model):
    pool = linear_pool(X, y, list(labelled), n_classes, model)
    candidates = pool.candidates.copy()
    for name in OURS:
        for size in (1, 5, 1000):
            rows = select(name, pool, size)
            assert len(rows) == min(size, len(candidates)), name
            assert len(set(rows.tolist())) == len(rows), name
            assert set(rows.tolist()) <= set(candidates.tolist()), name
        if name in SCORED:
            given = scores(name, pool)
            assert given.shape == candidates.shape
            assert np.isfinite(given).all(), name
    assert np.array_equal(pool.candidates, candidates)


@pytest.mark.parametrize("name", OURS)
def test_one_stream_gives_one_choice_and_nothing_is_remembered(name, digits):
    first = select(name, digits, 10, seed=5).tolist()
    assert select(name, digits, 10, seed=5).tolist() == first


@pytest.mark.parametrize("name", OURS)
def test_methods_read_back_from_their_mapping_and_describe_themselves(name):
    method = read(name)
    assert parse_method("query_strategy", method.to_dict()) == method
    cls = find_method("query_strategy", name)
    assert cls.source
    assert all(entry["description"] for entry in describe_parameters(cls).values())


def test_methods_say_whether_they_need_class_scores():
    needing = {name for name in OURS if "class_scores" in read(name).required()}
    assert set(OURS) - needing == {"random", "kcenter", "typiclust"}
    of_chance = {"method": "switch", "first": "kcenter", "then": "random"}
    assert read(of_chance).required() == frozenset()


@pytest.mark.parametrize("name", ["least_confidence", "margin", "entropy", "density_weighted", "kcenter"])
def test_ties_fall_by_chance(name):
    pool = linear_pool(np.ones((12, 2)), np.arange(12) % 2, range(4))
    assert {int(select(name, pool, 1, seed)[0]) for seed in range(100)} == set(range(4, 12))


def test_the_largest_of_many_are_those_of_a_whole_sort_ties_included():
    for seed in range(300):
        chance = np.random.default_rng(seed)
        scores = chance.integers(0, int(chance.integers(1, 30)), int(chance.integers(1, 60))).astype(float)
        for size in (1, 7, 100):
            order = np.random.default_rng(seed).permutation(len(scores))
            want = order[np.argsort(-scores[order], kind="stable")[:size]]
            assert largest(scores, size, np.random.default_rng(seed)).tolist() == want.tolist()


@pytest.mark.parametrize(
    "name",
    [
        "kmeans",
        "probcover",
        "cluster_margin",
        "discriminative",
        "quire",
        "bait",
        "clue",
        "contrastive",
        "dcom",
        "dropquery",
        "falcun",
        "margin_cover",
        "bandit",
    ],
)
def test_methods_describe_themselves_and_leave_out_what_is_held_out(name):
    X, y = load_wine(return_X_y=True)
    pool = make_pool(scale(X), y, range(0, 178, 9), held_out=range(1, 178, 9))
    assert sorted(select(name, pool, 1000).tolist()) == pool.candidates.tolist()
    cls = find_method("query_strategy", name)
    assert cls.source
    assert all(entry["description"] for entry in describe_parameters(cls).values())
