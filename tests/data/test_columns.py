"""Every kind of column and of label that pandas, numpy, Arrow and polars have is read, or refused by its name."""

import datetime as dt
import decimal
import fractions
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from altune.core.errors import AltuneWarning, DataError
from altune.data import Dataset
from altune.data.encoding import encode_described

ROWS = 40
LABELS = ["x", "y"] * (ROWS // 2)


def made(values):
    return Dataset(pd.DataFrame({"z": np.arange(float(ROWS)), "a": values}), LABELS)


def arrow(values, kind):
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(values, type=kind)])))


def repeated(*values):
    return list(values) * (ROWS // len(values))


HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
ZONE = dt.timezone(HOUR)


@pytest.mark.parametrize(
    ("values", "numbers"),
    [
        (pd.array(repeated(1, None), dtype="Int64"), [1, np.nan]),
        (pd.array(repeated(1.5, None), dtype="Float64"), [1.5, np.nan]),
        (pd.array(repeated(True, None), dtype="boolean"), [1, np.nan]),
        (pd.Series(repeated(True, None), dtype=object), [1, np.nan]),
        (pd.Series(repeated(1, pd.NA), dtype=object), [1, np.nan]),
        (pd.arrays.SparseArray(repeated(0, 1.5)), [0, 1.5]),
        (arrow(repeated(1, None), pa.int8()), [1, np.nan]),
        (arrow(repeated(True, None), pa.bool_()), [1, np.nan]),
        (arrow(repeated(decimal.Decimal("1.5"), None), pa.decimal128(9, 2)), [1.5, np.nan]),
        (repeated(decimal.Decimal("1.5"), 2), [1.5, 2]),
        (repeated(decimal.Decimal(3), 2.5), [3, 2.5]),
        (repeated(fractions.Fraction(1, 4), 2), [0.25, 2]),
        (repeated(2**70, 1), [2.0**70, 1]),
        (np.arange(ROWS, dtype=np.float16), [0, 1]),
        (np.arange(ROWS, dtype=np.longdouble), [0, 1]),
        # durations and times of the day are seconds
        (pd.to_timedelta(range(ROWS), unit="h"), [0, 3600]),
        (pd.Series(repeated(HOUR, None), dtype=object), [3600, np.nan]),
        (repeated(np.timedelta64(2, "m"), np.timedelta64(1, "s")), [120, 1]),
        (arrow(repeated(HOUR, None), pa.duration("ms")), [3600, np.nan]),
        (repeated(dt.time(1, 2, 3), dt.time(0)), [3723, 0]),
        (arrow(repeated(dt.time(1, 2), None), pa.time32("s")), [3720, np.nan]),
        (arrow(pa.array(repeated(1_000_000_001, None), pa.int64()).cast(pa.time64("ns")), None), [1.000000001, np.nan]),
        (repeated("01:30", "23:59"), [5400, 86340]),
        (repeated("1:00:00.5", "0:00:01"), [3600.5, 1]),
        (repeated("1 days 02:00:00", "-1 days +23:00:00"), [93600, -3600]),
        (repeated("1 day, 2:00:00", "3 days"), [93600, 259200]),
        (repeated("P1DT2H", "PT5M"), [93600, 300]),
    ],
)
def test_what_is_a_number_in_some_way_becomes_one(values, numbers):
    data = made(values)
    assert data.kind == "dense"
    assert np.array_equal(data.X[:2, 1], np.array(numbers, dtype=float), equal_nan=True)


@pytest.mark.parametrize(
    ("values", "first"),
    [
        (pd.date_range("2020-01-01", periods=ROWS, freq="h"), "2020-01-01"),
        (pd.date_range("2020-01-01", periods=ROWS, freq="h", tz="Europe/Berlin"), "2019-12-31T23"),
        (pd.period_range("2020-03", periods=ROWS, freq="M"), "2020-03-01"),
        (list(pd.period_range("2020Q2", periods=ROWS, freq="Q")), "2020-04-01"),
        (repeated(dt.date(1, 1, 1), dt.date(9999, 12, 31)), "0001-01-01"),
        (repeated(dt.date(2020, 1, 1), dt.datetime(2021, 1, 1, 5)), "2020-01-01"),
        (repeated(dt.datetime(2020, 1, 1, tzinfo=ZONE), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)), "2019-12-31T23"),
        (arrow(repeated(dt.datetime(2020, 1, 1), None), pa.timestamp("us", "America/New_York")), "2020-01-01"),
        (arrow(repeated(dt.date(2020, 1, 1), None), pa.date32()), "2020-01-01"),
        (np.array(repeated("9999-01-01", "1500-01-01"), dtype="M8[s]"), "9999-01-01"),
    ],
)
def test_points_in_time_stay_what_they_are_and_become_numbers_by_one_rule(values, first):
    data = made(values)
    column = data.X["a"]
    moments = column.dt.tz_convert("UTC").dt.tz_localize(None) if column.dt.tz is not None else column
    assert moments[0].to_numpy() == np.datetime64(first)
    encoded = encode_described(data, range(30), range(30, ROWS))
    assert np.isfinite(encoded.pool).all()
    (described,) = [each for each in encoded.encoding.listed if each.name == "a"]
    assert described.kind == "date"
    assert "total seconds" in described.becomes


@pytest.mark.parametrize(
    "values",
    [
        pd.Categorical(repeated("p", "q")),
        pd.Categorical(repeated(5, 6)),
        pd.Categorical(pd.to_datetime(repeated("2020-01-01", "2021-01-01"))),
        pd.cut(np.arange(ROWS), 2),
        pd.Series(pd.arrays.IntervalArray.from_tuples(repeated((0, 1), (1, 2)))),
        pd.Series(pd.arrays.SparseArray(repeated("p", "q"))),
        pd.array(repeated("p", "q"), dtype="string[python]"),
        arrow(repeated("p", "q"), pa.string()),
        arrow(repeated("p", "q"), pa.large_string()),
        arrow(repeated("p", "q"), pa.string_view()),
        pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(repeated("p", "q")).dictionary_encode()]))),
        repeated(uuid.UUID(int=1), uuid.UUID(int=2)),
        repeated(1, "a"),
        repeated(True, "a"),
    ],
)
def test_two_values_of_any_other_kind_are_a_category(values):
    data = made(values)
    encoded = encode_described(data, range(30), range(30, ROWS))
    (described,) = [each for each in encoded.encoding.listed if each.name == "a"]
    assert (described.kind, described.values, described.gaps) == ("category", 2, 0.0)
    assert encoded.pool.shape == (30, 2)


def test_missing_values_of_text_stay_missing():
    for values in (
        arrow(repeated("p", None), pa.string()),
        pd.array(repeated("p", None), dtype="string"),
        pd.Categorical(repeated("p", None)),
        pd.Series(pd.arrays.IntervalArray.from_tuples(repeated((0, 1), np.nan))),
        repeated(uuid.UUID(int=1), None),
    ):
        assert made(values).X["a"].isna().tolist() == repeated(False, True)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.0] * 39 + [np.inf], "has inf in row 39"),
        ([1.0] * 39 + [-1e200], "has -1e+200 in row 39; rescale it"),
        (np.full(ROWS, np.longdouble("1e4000")), "has inf in row 0"),
        (repeated(decimal.Decimal("Infinity"), decimal.Decimal(1)), "has inf in row 0"),
        ([1] * 39 + [10**400], "too large for a float"),
        ([1j] * ROWS, "holds complex numbers"),
        (pd.Series(repeated(1, 1j), dtype=object), "holds a complex in row 1"),
        (repeated(b"p", b"q"), "holds a bytes in row 0"),
        (arrow(repeated(b"p", b"q"), pa.binary()), "holds a bytes in row 0"),
        (arrow([[1]] * ROWS, pa.list_(pa.int64())), "holds a ndarray in row 0"),
        (arrow([{"b": 1}] * ROWS, pa.struct([("b", pa.int64())])), "holds a dict in row 0"),
        (arrow([None] * ROWS, pa.null()), "has no value in any row"),
        (repeated(pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-01", tz="UTC")), "others without one"),
        (pd.Series(list(np.arange(ROWS).astype("m8[M]")), dtype=object), "durations of no fixed length"),
        (repeated(pd.DateOffset(months=1), pd.DateOffset(days=1)), "holds a DateOffset in row 0"),
    ],
)
def test_what_is_no_value_is_refused_with_its_column(values, said):
    with pytest.raises(DataError) as caught:
        made(values)
    assert "column 'a'" in str(caught.value)
    assert said in str(caught.value)


def test_arrays_that_hold_too_much_are_refused_too():
    for X, said in (
        (np.array([[1.0], [1e160]]), "column 0 has 1e+160 in row 1"),
        (np.array([[1.0], [1j]]), "complex numbers"),
        (np.array([[1.0], [10**400]], dtype=object), "too large"),
    ):
        with pytest.raises(DataError, match=r"X|column") as caught:
            Dataset(X, ["a", "b"])
        assert said in str(caught.value)


def test_masked_numbers_are_missing():
    X = np.ma.masked_array([[1, 2], [3, 4], [5, 6]], mask=[[0, 1], [0, 0], [1, 0]])
    data = Dataset(X, ["a", "b", "a"])
    assert np.array_equal(data.X, [[1, np.nan], [3, 4], [np.nan, 6]], equal_nan=True)
    assert Dataset(np.ma.masked_array(X.data, mask=False), ["a", "b", "a"]).X.tolist() == X.data.tolist()
    with pytest.raises(DataError, match="column 0 has no value"):
        Dataset(np.ma.masked_array([[1], [2]], mask=True), ["a", "b"])


@pytest.mark.parametrize(
    "labels",
    [
        np.ma.masked_array(["x", "y", "z", "y"], mask=[0, 0, 1, 0]),
        np.ma.masked_array([1, 2, 3, 2], mask=[0, 0, 1, 0]),
        ["x", "y", None, "y"],
        ["x", "y", "", "y"],
        np.array(["x", "y", "", "y"]),
        [1.0, 2.0, float("nan"), 2.0],
        pd.array([1, 2, None, 2], dtype="Int64"),
        pd.array([True, False, None, False], dtype="boolean"),
        pd.Categorical(["x", "y", None, "y"]),
        pd.Series(["x", "y", pd.NA, "y"]),
        pa.array(["x", "y", None, "y"]),
        pa.chunked_array([["x", "y"], [None, "y"]]),
    ],
)
def test_a_label_that_is_missing_in_any_way_is_refused_or_left_out(labels):
    X = np.arange(4.0).reshape(-1, 1)
    with pytest.raises(DataError, match=r"row 2 \(counted from 0\) has no label \(1 of 4"):
        Dataset(X, labels)
    with pytest.warns(AltuneWarning, match="1 of 4 rows have no label"):
        data = Dataset(X, labels, skip_unlabelled=True)
    assert (data.n_rows, data.n_classes) == (3, 2)
    assert data.X[:, 0].tolist() == [0.0, 1.0, 3.0]


def test_whole_numbers_beside_missing_labels_are_exact():
    labels = pa.array([2**53 + 1, 2**53, None, 2**53])
    with pytest.warns(AltuneWarning):
        data = Dataset(np.eye(4), labels, skip_unlabelled=True)
    assert data.classes == (2**53, 2**53 + 1)


def test_rows_of_a_table_are_left_out_with_their_labels():
    frame = pd.DataFrame({"a": ["p", "q", "r"], "label": ["x", None, "y"]}, index=[7, 8, 9])
    with pytest.warns(AltuneWarning):
        data = Dataset.from_frame(frame, skip_unlabelled=True)
    assert data.X["a"].tolist() == ["p", "r"]
    assert data.X.index.tolist() == [0, 1]


def test_tables_of_arrow_and_polars_are_those_of_pandas():
    frame = pd.DataFrame({"a": [1, 2, 3, 4], "c": ["p", "q", None, "p"], "label": ["x", "y", "x", "y"]})
    wanted = Dataset.from_frame(frame).fingerprint
    table = pa.Table.from_pandas(frame)
    assert Dataset.from_frame(table).fingerprint == wanted
    assert Dataset(table.drop(["label"]), table["label"]).fingerprint == wanted
    assert Dataset.from_frame(table.to_batches()[0]).fingerprint == wanted
    polars = pytest.importorskip("polars")
    of_polars = polars.DataFrame({name: frame[name].tolist() for name in ("a", "label")}).with_columns(
        polars.Series("c", ["p", "q", None, "p"])
    )[["a", "c", "label"]]
    assert Dataset.from_frame(of_polars).fingerprint == wanted
    assert Dataset(of_polars.drop("label"), of_polars["label"]).fingerprint == wanted
    with pytest.raises(DataError, match="give its collect"):
        Dataset.from_frame(of_polars.lazy())
    with pytest.raises(DataError, match="column 'a' holds a ndarray in row 0"):
        Dataset(polars.DataFrame({"a": [[1], [2]]}), ["x", "y"])


def test_a_frame_takes_options_of_tables_only():
    frame = pd.DataFrame({"a": [1, 2], "label": ["x", "y"]})
    with pytest.raises(DataError, match="a table in memory is not read from a file; leave out sep"):
        Dataset.from_frame(frame, sep=";")
    with pytest.raises(DataError, match="a table is needed, not a list"):
        Dataset.from_frame([[1, 2]])
