"""The table of a data set as the user gave it."""

from __future__ import annotations

import datetime
import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from altune.core.errors import AltuneWarning
from altune.data import Dataset

COLUMNS = {
    "int64": pd.Series([1, 2, 3, 4]),
    "int8": pd.Series([1, 2, 3, 4], dtype="int8"),
    "uint64 beyond float64": pd.Series([2**63 + 1, 2, 3, 4], dtype="uint64"),
    "int64 beyond float64": pd.Series([2**53 + 1, 2, 3, -4]),
    "float32": pd.Series([1.5, np.nan, 3.0, 4.0], dtype="float32"),
    "bool": pd.Series([True, False, True, True]),
    "Int64 with gaps": pd.Series([1, None, 3, 4], dtype="Int64"),
    "boolean with gaps": pd.Series([True, None, False, True], dtype="boolean"),
    "arrow": pd.Series([1, None, 3, 4], dtype="int64[pyarrow]"),
    "time of Arrow": pd.Series([1, None, 3, 4], dtype=pd.ArrowDtype(pa.time32("s"))),
    "sparse": pd.Series(pd.arrays.SparseArray([0.0, 0.0, 1.0, 2.0])),
    "decimals": pd.Series([Decimal("1.10"), Decimal(2), None, Decimal(4)]),
    "numbers as objects": pd.Series([1, 2.5, True, None], dtype=object),
    "dates as objects": pd.Series([datetime.date(2020, 1, day) for day in (1, 2, 3, 4)]),
    "durations": pd.to_timedelta(pd.Series([1, 2, 3, 4]), unit="h"),
    "periods": pd.Series(pd.period_range("2020-01", periods=4, freq="M")),
    "datetimes": pd.date_range("2020-01-01", periods=4, tz="Europe/Rome").to_series(index=range(4)),
    "text": pd.Series(["a", None, "c", "d"]),
    "ordered": pd.Series(pd.Categorical(["a", "b", None, "a"], categories=["c", "b", "a"], ordered=True)),
    "numeric categories": pd.Series(pd.Categorical([3, 1, 3, 1])),
}


@pytest.mark.parametrize("others", [[], ["text"]], ids=["numbers alone", "beside text"])
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_comes_back_as_it_was_given(kind: str, others: list[str]):
    frame = pd.DataFrame(
        {"x": [1.0, 2.0, np.nan, 4.0], kind: COLUMNS[kind], **{name: COLUMNS[name] for name in others}}
    )
    frame.index = pd.Index([9, 3, 3, 7])
    data = Dataset(frame, ["a", "b", "a", "b"])
    pd.testing.assert_frame_equal(data.raw, frame.reset_index(drop=True))
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(data)).raw, frame.reset_index(drop=True))
    rows = np.array([3, 0])
    pd.testing.assert_frame_equal(data.of_rows(rows).raw, frame.iloc[rows].reset_index(drop=True))


def test_a_part_keeps_everything():
    frame = pd.DataFrame(
        {
            "empty in the part": [1.0, np.nan, np.nan, np.nan, 5.0],
            "text in row 0": ["a", 2, 3, 4, 5],
            "day": ["2024-01-05", "2024-01-04", "2024-01-03", "2024-01-02", "2024-01-01"],
            "patient": ["007", "7", "007", "8", "9"],
        }
    )
    labels, rows = ["yes", "no", "no", "yes", "no"], np.array([3, 1, 2])
    whole = Dataset(frame, labels, name="mine", classes=["yes", "no", "other"])
    for given in ({"groups": "patient"}, {"time": "day"}):
        data = whole.with_columns(**given)
        part = data.of_rows(rows)
        assert (part.name, part.classes, part.kind) == ("mine", data.classes, "table")
        assert part.feature_names == data.feature_names
        assert part.y.tolist() == [0, 1, 1]
        assert not part.y.flags.writeable
        pd.testing.assert_frame_equal(part.X, data.X.iloc[rows].reset_index(drop=True))
        pd.testing.assert_frame_equal(part.raw, data.raw.iloc[rows].reset_index(drop=True))
    groups = whole.with_columns(groups="patient").of_rows(rows).groups
    assert [groups.names[code] for code in groups.codes] == ["8", "7", "007"]
    assert part.time.words(part.time.values[0]) == "2024-01-02"


def test_a_part_of_numbers_cannot_be_written_to():
    part = Dataset(np.eye(3), ["a", "b", "a"], feature_names=["x", "y", "z"]).of_rows(np.array([2, 1]))
    assert (part.feature_names, part.X.tolist()) == (("x", "y", "z"), [[0, 0, 1], [0, 1, 0]])
    assert not part.X.flags.writeable


def test_names_may_be_anything():
    frame = pd.DataFrame({1: [1, 2], ("a", "b"): ["x", "y"]})
    assert list(Dataset(frame, ["a", "b"]).raw.columns) == [1, ("a", "b")]


def test_what_has_no_table():
    X = np.eye(3)
    assert Dataset(X, ["a", "b", "a"]).raw is None
    named = Dataset(X, ["a", "b", "a"], feature_names=["x", "y", "z"])
    assert list(named.raw.columns) == ["x", "y", "z"]


def test_a_table_of_float64_takes_no_memory():
    data = Dataset(pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]}), ["a", "b"])
    assert np.shares_memory(data.raw.to_numpy(), data.X)


def test_a_table_that_the_user_changes_later_stays():
    frame = pd.DataFrame({"x": [1, 2], "when": pd.to_timedelta([1, 2], unit="h")})
    data = Dataset(frame, ["a", "b"])
    frame.loc[0, "when"] = pd.Timedelta(0)
    frame.loc[0, "x"] = 9
    assert data.raw["when"].iloc[0] == pd.Timedelta(hours=1)
    assert data.raw["x"].tolist() == [1, 2]


def test_types_tell_raw_tables_apart_and_leave_the_fingerprint():
    frame = pd.DataFrame({"x": [1, 2, 3], "c": pd.Categorical(["a", "b", "a"])})
    data = Dataset(frame, ["a", "b", "a"])
    floats = Dataset(frame.astype({"x": float}), ["a", "b", "a"])
    ordered = Dataset(frame.assign(c=pd.Categorical(["a", "b", "a"], categories=["b", "a"])), ["a", "b", "a"])
    assert data.fingerprint == floats.fingerprint == ordered.fingerprint
    assert len({data.raw_fingerprint, floats.raw_fingerprint, ordered.raw_fingerprint}) == 3
    assert Dataset(frame.copy(), ["a", "b", "a"]).raw_fingerprint == data.raw_fingerprint


def test_columns_of_text_are_found():
    texts = [f"good thing number {row}" for row in range(60)]
    y = ["a", "b"] * 30
    cities = ["rome", "oslo", "bern"] * 20
    assert Dataset(pd.DataFrame({"text": texts, "city": cities, "x": range(60)}), y).raw_table.texts == ("text",)
    codes = [f"KD-{1000 + row}" for row in range(60)]
    assert Dataset(pd.DataFrame({"text": texts, "code": codes}), y).raw_table.texts == ("text",)
    assert Dataset(pd.DataFrame({"city": cities, "x": range(60)}), y).raw_table.texts == ("city",)
    assert Dataset(pd.DataFrame({"x": range(60)}), y).raw_table.texts == ()


def test_rows_that_are_left_out_and_columns_that_are_no_features_are_not_in_the_table():
    frame = pd.DataFrame({"who": list("aabbccdd"), "when": range(8), "size": np.arange(8, dtype="int8"), "name": "x"})
    labels = ["yes", None, "no", "yes", "no", "rare", "no", "yes"]
    with pytest.warns(AltuneWarning):
        data = Dataset(frame, labels, groups="who", skip_unlabelled=True, min_class=2)
    kept = frame.drop(columns="who").iloc[[0, 2, 3, 4, 6, 7]].reset_index(drop=True)
    pd.testing.assert_frame_equal(data.raw, kept)


def test_groups_or_a_time_that_are_added_leave_the_types():
    frame = pd.DataFrame({"when": range(4), "size": np.array([3, 1, 3, 1], dtype="int8")})
    added, given = Dataset(frame, list("abab")).with_columns(time="when"), Dataset(frame, list("abab"), time="when")
    pd.testing.assert_frame_equal(added.raw, frame[["size"]])
    assert added.raw_fingerprint == given.raw_fingerprint
