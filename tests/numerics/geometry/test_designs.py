"""D-optimal designs and leverage scores against brute force and their formulas."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale

from altune.numerics.geometry.designs import d_optimal_points, leverage_scores, unit_mean_square
from altune.numerics.geometry.distances import make_points


def points_of(X):
    return make_points(np.asarray(X, dtype=float))


@pytest.fixture(scope="module")
def wine():
    return scale(load_wine().data)


def test_d_optimal_is_greedy_in_log_det_by_brute_force(wine):
    points = unit_mean_square(points_of(wine))
    np.testing.assert_allclose(points.values, wine, atol=1e-12)  # standardised features stay as they are
    ridge, bought = 0.7, [3, 90]
    picked = d_optimal_points(points, points.take(np.array(bought)), 20, ridge, np.random.default_rng(0))
    chosen = list(bought)
    for pick in picked:
        base = ridge * np.eye(13) + wine[chosen].T @ wine[chosen]
        gains = np.log1p(np.einsum("ij,jk,ik->i", wine, np.linalg.inv(base), wine))
        gains[[row for row in chosen if row not in bought]] = -np.inf
        assert gains[pick] == pytest.approx(gains.max())
        grown = np.linalg.slogdet(base + np.outer(wine[pick], wine[pick]))[1] - np.linalg.slogdet(base)[1]
        assert gains[pick] == pytest.approx(grown)
        chosen.append(int(pick))


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_leverage_is_its_formula_whichever_side_is_inverted(form, monkeypatch):
    chance = np.random.default_rng(0)
    for shape in ((40, 7), (7, 40)):
        X = chance.normal(size=shape)
        points = make_points(form(X), centre=False)
        values = points.values.toarray() if sparse.issparse(points.values) else points.values
        want = np.diagonal(values @ np.linalg.inv(values.T @ values + 0.3 * np.eye(shape[1])) @ values.T)
        np.testing.assert_allclose(leverage_scores(points, 0.3, chance), want)
    monkeypatch.setattr(
        "altune.numerics.geometry.designs.MOST_COLUMNS", 30
    )  # 40 features, 40 rows: against a sample of 30
    points = points_of(chance.normal(size=(40, 40)))
    estimated = leverage_scores(points, 0.3, chance)
    assert (estimated > 0).all()
