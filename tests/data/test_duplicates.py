"""Rows that are in the data several times: what is found, and what is not called a copy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from altune import Dataset

RNG = np.random.default_rng(0)
ONCE = RNG.normal(size=(80, 4))
X = ONCE.repeat(3, axis=0)
NOISE = RNG.integers(0, 2, 80).repeat(3)


def line(data: Dataset) -> str:
    [found] = data.remarks
    return found


@pytest.mark.parametrize(
    "features",
    [
        X,
        X + RNG.normal(size=X.shape) * 1e-7,
        X.astype(np.float32),
        np.column_stack([X, np.arange(240.0)]),
        sp.csr_array(X),
        pd.DataFrame(X).assign(
            text=[f"number {row // 3}" for row in range(240)], id=[f"A-{row}" for row in range(240)]
        ),
    ],
    ids=["equal", "nearly", "float32", "identifier", "sparse", "table"],
)
def test_copies_are_pointed_out_with_what_to_do(features: object) -> None:
    if isinstance(features, pd.DataFrame):
        features.columns = features.columns.astype(str)
    words = line(Dataset(features, NOISE))
    assert "240 of 240 rows (100%) are duplicates" in words
    assert "only 80 of them are different" in words
    assert "--group duplicates" in words


def test_a_line_for_each_annotator_is_found_by_the_column_that_differs() -> None:
    frame = pd.DataFrame(X, columns=list("abcd")).assign(annotator=["ann", "bob", "cho"] * 80)
    assert "but for column 'annotator'" in line(Dataset(frame, NOISE))


def test_conflicting_labels_of_equal_rows_are_counted() -> None:
    labels = NOISE.copy()
    labels[:30:3] = 1 - labels[:30:3]
    copies, conflicts = Dataset(X, labels).remarks
    assert copies.startswith("240 of 240 rows")
    assert conflicts.startswith("30 rows have another label than a row that is equal to them")


def test_a_part_of_the_rows_is_enough() -> None:
    features = np.vstack([RNG.normal(size=(900, 4)), RNG.normal(size=(50, 4)).repeat(2, axis=0)])
    labels = RNG.integers(0, 2, 500).repeat(2)
    assert "100 of 1000 rows (10%)" in line(Dataset(features, labels))


def test_rows_that_are_equal_by_nature_are_no_copies() -> None:
    few = pd.DataFrame({name: RNG.choice(list("abc"), 2000) for name in ("colour", "size", "shape")})
    assert Dataset(few, RNG.integers(0, 2, 2000)).remarks == ()
    dependent = RNG.integers(0, 2, 2000)
    half = np.array(["u", "v"])[dependent]
    table = pd.DataFrame({f"c{k}": np.where(RNG.random(2000) < 0.1, "x", half) for k in range(8)})
    assert Dataset(table, RNG.integers(0, 2, 2000)).remarks == ()
    assert Dataset(RNG.normal(size=(500, 6)), RNG.integers(0, 2, 500)).remarks == ()


def test_groups_of_duplicates_hold_equal_rows() -> None:
    data = Dataset(X, NOISE, groups="duplicates")
    assert data.groups is not None
    assert len(data.groups.names) == 80
    assert (data.groups.codes.reshape(80, 3) == data.groups.codes[::3, None]).all()
    assert data.remarks == ()


def test_copies_in_several_groups_are_still_pointed_out() -> None:
    assert "in another group of 'site'" in line(Dataset(X, NOISE, groups=pd.Series(np.arange(240) % 12, name="site")))
