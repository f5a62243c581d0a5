"""BAIT: information of rows, its factors, and the trace, by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.preprocessing import scale

from altune.knobs.query_strategy.bait import (
    InformationBatch,
    information_factors,
    leading_directions,
    softmax_information,
)
from tests.helpers.queries import make_pool, select


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return make_pool(scale(X)[:500], y[:500], np.random.default_rng(0).permutation(500)[:40], 10)


def full_information(p, g):
    return np.kron(np.diag(p) - np.outer(p, p), np.outer(g, g))


def test_information_of_rows_and_its_factors():
    rng = np.random.default_rng(0)
    p, g = rng.dirichlet([1, 1, 1, 1], 6), rng.normal(size=(6, 3))
    want = sum(full_information(*row) for row in zip(p, g, strict=True))
    np.testing.assert_allclose(softmax_information(p, g), want, atol=1e-12)
    factors = information_factors(p, 4)
    np.testing.assert_allclose(
        factors.transpose(0, 2, 1) @ factors, [np.diag(q) - np.outer(q, q) for q in p], atol=1e-12
    )
    two = information_factors(p, 2)
    top = np.sort(p, axis=1)[:, :-3:-1]
    np.testing.assert_allclose(np.trace(two @ two.transpose(0, 2, 1), axis1=1, axis2=2),
                               (top * (1 - 2 * top + (p**2).sum(axis=1, keepdims=True))).sum(axis=1))  # fmt: skip


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    p, g = rng.dirichlet([1, 1, 1], 25), rng.normal(size=(25, 2))
    start = softmax_information(p[:4], g[:4]) / 9
    wanted = softmax_information(p, g) / 25
    return p, g, start, wanted, InformationBatch(p, g, start, wanted, ridge=0.1, weight=1 / 9)


def brute_trace(batch, rows):
    p, g, start, wanted, _ = batch
    A = 0.1 * np.eye(6) + start + sum((full_information(p[r], g[r]) / 9 for r in rows), np.zeros((6, 6)))
    return np.trace(np.linalg.solve(A, wanted))


def test_bait_knows_by_how_much_each_row_lowers_the_trace(batch):
    ours = batch[-1]
    held = []
    for change, sign in ((3, 1), (17, 1), (8, 1), (17, -1), (20, 1)):
        before = brute_trace(batch, held)
        assert np.trace(ours.inverse @ batch[3]) == pytest.approx(before)
        falls = [before - brute_trace(batch, [*held, row]) for row in range(25)]
        np.testing.assert_allclose(ours.decreases(), falls, atol=1e-9)
        if held:
            out = [before - brute_trace(batch, [r for r in held if r != row]) for row in held]
            np.testing.assert_allclose(ours.decreases(-1.0, np.array(held)), out, atol=1e-9)
        ours.change(change, float(sign))
        held = [*held, change] if sign > 0 else [row for row in held if row != change]


def test_bait_adds_twice_as_many_and_takes_the_surplus_out(batch):
    held = []
    for _ in range(8):
        left = [row for row in range(25) if row not in held]
        held.append(min(left, key=lambda row: brute_trace(batch, [*held, row])))
    while len(held) > 4:
        held.remove(min(held, key=lambda row: brute_trace(batch, [r for r in held if r != row])))
    assert batch[-1].pick(4, np.random.default_rng(0)).tolist() == held


def test_bait_of_a_pool_lowers_the_trace_more_than_margin_or_chance():
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)[:, :6]
    pool = make_pool(X, y, np.random.default_rng(1).permutation(569)[:20])
    p, g = pool.known().probabilities, np.column_stack([X[pool.candidates], np.ones(549)])
    known = softmax_information(
        pool.model.class_scores(X[pool.labelled]), np.column_stack([X[pool.labelled], np.ones(20)])
    )
    wanted = softmax_information(p, g) / 549

    def trace(rows):
        where = np.searchsorted(pool.candidates, rows)
        A = 0.01 * np.eye(14) + (known + softmax_information(p[where], g[where])) / 30
        return np.trace(np.linalg.solve(A, wanted))

    chance = np.mean([trace(select("random", pool, 10, seed)) for seed in range(10)])
    assert trace(select("bait", pool, 10)) < 0.9 * min(chance, trace(select("margin", pool, 10)))


def test_leading_directions_keep_what_they_can():
    X = np.random.default_rng(0).normal(size=(60, 5)) * [9, 5, 1, 1, 1]
    whole = leading_directions(X, 5, np.random.default_rng(0))
    assert whole.shape == (60, 6)
    assert (whole[:, -1] == 1).all()
    assert (whole[:, :-1] ** 2).mean() == pytest.approx(1.0)
    two = leading_directions(sparse.csr_array(X), 2, np.random.default_rng(0))
    assert two.shape == (60, 3)
    shares = np.linalg.lstsq(two, X[:, :2], rcond=None)[1] / (X[:, :2] ** 2).sum(axis=0)
    assert shares.max() < 0.05


def test_bait_bounds_its_parameters_and_its_candidates(digits):
    value = {"method": "bait", "parameters": 40, "subpool": 60}
    assert len(set(select(value, digits, 8).tolist())) == 8
    assert len(select(value, digits, 100)) == 100
