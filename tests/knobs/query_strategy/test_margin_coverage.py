"""margin_cover: its picks against the formula worked row by row."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from altune.core.metadata import Metadata
from altune.core.pool import Pool
from altune.core.types import TrainingSet
from altune.knobs import pool_coverage
from altune.knobs.query_strategy.margin_coverage import MarginCover
from altune.models import as_model
from altune.numerics.geometry.coverage import CoverageGains, coverage_by, neighbour_graph
from altune.numerics.geometry.distances import make_points


def make_pool(n_rows: int = 60, *, sparse_features: bool = False, n_labelled: int = 6, held_out: int = 0) -> Pool:
    rng = np.random.default_rng(5)
    y = np.arange(n_rows) % 3
    X = rng.normal(size=(n_rows, 4)) + 2.0 * y[:, None]
    pool = Pool(sparse.csr_array(X) if sparse_features else X, 3, budget=40)
    labelled = np.sort(rng.choice(n_rows, n_labelled + held_out, replace=False))
    pool.close(labelled)
    pool.held_out = labelled[:held_out]
    labelled = labelled[held_out:]
    pool.set_labels(labelled, y[labelled])
    pool.labels_bought = n_labelled
    model = as_model("logistic_regression").fit(TrainingSet(pool.X[labelled], y[labelled], 3), 0)
    pool.model, pool.metadata = model, Metadata(pool.X, pool.candidates, model)
    return pool


def picks_by_formula(pool: Pool, size: int, cover: float, batch_cover: float, k: int = 20) -> list[int]:
    """The formula of the method's documentation, with loops over rows and no update of anything."""
    X = np.asarray(pool.X.todense()) if sparse.issparse(pool.X) else pool.X
    n = len(X)
    distance = np.sqrt(((X[:, None, :] - X[None, :, :]) ** 2).sum(axis=2))
    np.fill_diagonal(distance, np.inf)
    near = np.argsort(distance, axis=1)[:, :k]
    sigma = np.median(np.sort(distance, axis=1)[:, 9])
    s = np.exp(-((distance / sigma) ** 2))
    u = np.zeros(n)
    u[pool.candidates] = 1 - pool.known().margin

    def degree(chosen: list[int], j: int) -> float:
        if j in chosen:
            return 1.0
        return max((s[c, j] for c in chosen if j in near[c] or c in near[j]), default=0.0)

    def gains(chosen: list[int], weights: np.ndarray, exempt: set[int]) -> np.ndarray:
        c = [1.0 if j in exempt else degree(chosen, j) for j in range(n)]
        return np.array(
            [
                weights[i] * (1 - c[i]) + sum(weights[j] * max(0.0, s[i, j] - c[j]) for j in near[i])
                for i in pool.candidates
            ]
        )

    bought = [row for row in range(n) if row not in pool.candidates and row not in pool.held_out]
    exempt = set(pool.held_out.tolist())
    start = gains(bought, np.ones(n), exempt), gains([], u, set())
    fixed = u[pool.candidates]
    picked: list[int] = []
    for _ in range(size):
        now = gains(bought + picked, np.ones(n), exempt), gains(picked, u, set())
        score = np.clip((fixed - fixed.mean()) / fixed.std(), -6, 6)
        for weight, then, values in zip((cover, batch_cover), start, now, strict=True):
            score = score + weight * np.clip((values - then.mean()) / then.std(), -6, 6)
        score[np.isin(pool.candidates, picked)] = -np.inf
        picked.append(int(pool.candidates[np.argmax(score)]))
    return picked


@pytest.mark.parametrize(("cover", "batch_cover"), [(1.0, 0.5), (2.0, 0.0), (0.0, 1.0), (0.3, 0.7)])
def test_picks_follow_the_formula(cover: float, batch_cover: float) -> None:
    pool = make_pool()
    strategy = MarginCover(cover=cover, batch_cover=batch_cover)
    picked = strategy.select(pool, 12, np.random.default_rng(0))
    assert picked.tolist() == picks_by_formula(pool, 12, cover, batch_cover)


@pytest.mark.parametrize("neighbours", [2, 7, 100])
def test_the_number_of_neighbours_is_used(neighbours: int) -> None:
    pool = make_pool(40)
    picked = MarginCover(neighbours=neighbours).select(pool, 8, np.random.default_rng(0))
    k = min(neighbours, 39)
    if k < 10:  # sigma then is the distance to the last neighbour
        assert len(set(picked.tolist())) == 8
    else:
        assert picked.tolist() == picks_by_formula(pool, 8, 1.0, 0.5, k)


def test_rows_held_out_neither_cover_nor_need_cover() -> None:
    pool = make_pool(held_out=8)
    assert MarginCover().select(pool, 10, np.random.default_rng(0)).tolist() == picks_by_formula(pool, 10, 1.0, 0.5)


def test_sparse_features_give_the_same_picks_as_dense_ones() -> None:
    picked = [MarginCover().select(make_pool(sparse_features=s), 10, np.random.default_rng(0)) for s in (False, True)]
    assert picked[0].tolist() == picked[1].tolist()


def test_without_weights_it_is_margin() -> None:
    pool = make_pool()
    picked = MarginCover(cover=0.0, batch_cover=0.0).select(pool, 9, np.random.default_rng(0))
    assert picked.tolist() == pool.candidates[np.argsort(pool.known().margin)[:9]].tolist()


def test_gains_are_updated_as_if_computed_anew() -> None:
    from altune.numerics.geometry.coverage import reach_of

    rng = np.random.default_rng(1)
    X = rng.integers(0, 3, size=(80, 3)).astype(float)  # many equal rows
    graph = neighbour_graph(make_points(X), 10)
    weights = rng.uniform(size=80)
    gains = CoverageGains(graph, weights, np.zeros(80))
    chosen: list[int] = []
    for row in rng.permutation(80)[:30].tolist():
        chosen.append(row)
        gains.add(reach_of(graph, row))
        anew = CoverageGains(graph, weights, coverage_by(graph, np.array(chosen)))
        np.testing.assert_allclose(gains.values, anew.values, atol=1e-12)


def test_a_large_pool_is_covered_on_a_part_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_coverage, "GRAPH_POOL", 50)
    monkeypatch.setattr(pool_coverage, "GRAPH_ROWS", 30)
    pool = make_pool(60)
    rows, _, graph = pool_coverage.pool_neighbour_graph(pool, 20)
    coverage = pool_coverage.PoolCoverage(pool, 20)
    assert len(graph) == 30
    assert set(rows[coverage.candidates]) == set(rows) & set(pool.candidates)
    outside = np.setdiff1d(pool.labelled, rows)
    assert len(outside)
    # A labelled row outside of the graph covers its nearest rows in the graph.
    distance = np.sqrt(((pool.X[outside][:, None] - pool.X[rows][None]) ** 2).sum(axis=2))
    assert coverage.covered[np.argmin(distance, axis=1)].min() > 0
    picked = MarginCover().select(pool, 10, np.random.default_rng(0))
    assert set(picked) <= set(rows)
    everything = MarginCover().select(pool, len(pool.candidates), np.random.default_rng(0))
    assert sorted(everything) == pool.candidates.tolist()


def test_equal_rows_are_picked_in_an_order_of_the_query_stream() -> None:
    X = np.zeros((30, 2))
    pool = Pool(X, 2, budget=10)
    pool.close(np.array([0, 1]))
    pool.set_labels(np.array([0, 1]), np.array([0, 1]))
    model = as_model("logistic_regression").fit(TrainingSet(X[:2], np.array([0, 1]), 2), 0)
    pool.model, pool.metadata = model, Metadata(X, pool.candidates, model)
    picks = {tuple(MarginCover().select(pool, 3, np.random.default_rng(seed)).tolist()) for seed in range(10)}
    assert len(picks) > 5


def test_the_graph_is_shared_by_the_trajectories_of_a_block() -> None:
    pool = make_pool()
    MarginCover().select(pool, 3, np.random.default_rng(0))
    again = Pool(pool.X, 3, budget=40, shared=pool.shared)
    assert pool_coverage.pool_neighbour_graph(again, 20) is pool_coverage.pool_neighbour_graph(pool, 20)
