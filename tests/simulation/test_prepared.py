"""Blocks as they are prepared for playing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from altune.core.errors import RequestError
from altune.data import Dataset
from altune.data.blocks import explicit_block
from altune.simulation.prepared import prepare_block


def iris() -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris")


def test_first_rows_are_found_in_any_order_of_the_pool():
    data = iris()
    pool = np.random.default_rng(3).permutation(120)
    prepared = prepare_block(data, explicit_block(data, pool, np.arange(120, 150), [11, 5, 90]), 0)
    assert pool[prepared.first_rows].tolist() == [11, 5, 90]
    assert prepare_block(data, explicit_block(data, pool, [140]), 0).first_rows is None


def test_raw_rows_of_the_pool_are_at_hand():
    frame = pd.DataFrame({"text": [f"row {row}" for row in range(60)], "size": np.arange(60.0)})
    data = Dataset(frame, ["a", "b"] * 30, name="texts")
    pool = np.array([7, 3, *range(20, 50)])
    prepared = prepare_block(data, explicit_block(data, pool, [0, 1]), 0)
    inputs, test = prepared.inputs(takes_raw=True)
    assert prepared.raw().frame is data.raw  # not a copy
    assert inputs.frame["text"].tolist() == [f"row {row}" for row in pool]
    assert inputs[np.array([1, 0])].frame["text"].tolist() == ["row 3", "row 7"]
    assert np.array_equal(inputs[5:].encoded, prepared.X_pool[5:])
    assert test.frame["size"].tolist() == [0.0, 1.0]
    assert prepared.inputs(takes_raw=False)[0] is prepared.X_pool
    without = prepare_block(iris(), explicit_block(iris(), pool, [0, 1]), 0)
    with pytest.raises(RequestError, match="no raw rows"):
        without.inputs(takes_raw=True)
