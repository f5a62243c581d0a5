"""The map of a pool, and where bought rows are on it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

import altune
from altune.analysis.loops.pool_map import BACKGROUND_ROWS, pool_map
from altune.core.errors import MissingExtraError, RequestError
from altune.recipes.recipe import Recipe
from tests.helpers.examined import examined


def test_map_places_every_row_bought_where_it_lies():
    plain, _, prepared = examined(Recipe())
    found = pool_map(prepared, plain, ["a", "b", "c"])
    pool = prepared.block.pool
    assert len(found.x) == len(pool) == found.pool_rows
    assert found.picked_row == tuple(plain.rows.tolist())
    for row, x, y, code in zip(found.picked_row, found.picked_x, found.picked_y, found.picked_code, strict=True):
        place = int(np.flatnonzero(pool == row)[0])
        assert (x, y, code) == (found.x[place], found.y[place], found.code[place])
    assert found.picked_loop == tuple(np.repeat(np.arange(len(plain)), plain.loop_rows).tolist())
    centred = prepared.X_pool - prepared.X_pool.mean(axis=0)
    shares = np.linalg.svd(centred, compute_uv=False) ** 2
    assert found.explained == pytest.approx(shares[:2] / shares.sum(), abs=1e-3)


def test_map_of_a_sparse_pool_and_of_one_feature():
    from scipy import sparse

    X, y = load_digits(return_X_y=True)
    kept = y < 3
    data = altune.Dataset(sparse.csr_matrix(X[kept]), y[kept], name="sparse")
    found = altune.examine("random_sampling", data, budget=30, loops=3, n_blocks=1, rules={})
    assert found.pool_map.explained[0] > 0
    thin = altune.Dataset(X[kept][:, 20:21], y[kept], name="thin")
    assert altune.examine("random_sampling", thin, budget=30, loops=3, n_blocks=1, rules={}).pool_map is None


def test_map_shows_a_sample_of_a_large_pool(monkeypatch):
    monkeypatch.setattr("altune.analysis.loops.pool_map.BACKGROUND_ROWS", 30)
    assert BACKGROUND_ROWS > 30
    plain, _, prepared = examined(Recipe())
    found = pool_map(prepared, plain, ["a", "b", "c"])
    assert (len(found.x), found.pool_rows) == (30, 90)
    assert len(found.picked_x) == len(plain.rows)
    assert pool_map(prepared, plain, ["a", "b", "c"]) == found, "the same again"


def test_a_missing_extra_and_an_unknown_projection_are_refused_before_anything_is_played(monkeypatch):
    monkeypatch.setattr("altune.analysis.loops.pool_map.find_spec", lambda name: None)
    monkeypatch.setattr("altune.workflows.examine.Player", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'altune\[umap\]'"):
        altune.examine("vanilla", "iris", projection="umap")
    with pytest.raises(RequestError, match="no projection 'tsne' of the pool; use pca or umap"):
        altune.examine("vanilla", "iris", projection="tsne")
