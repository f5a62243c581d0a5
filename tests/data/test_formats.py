"""JSON lines, Parquet, Feather and Excel files are read as they are, or refused by place."""

import datetime as dt
import decimal
import gzip
import sys

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from altune.core.errors import AltuneWarning, DataError, MissingExtraError
from altune.data import Dataset, encode_pool
from tests.helpers.data_files import refused

LABEL = ["x", "y", "x", "y"]


def written(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def sheet(path, *rows, more=()):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, others in more:
        page = book.create_sheet(name)
        for row in others:
            page.append(row)
    book.save(path)
    return path


def test_json_lines_are_read_with_the_types_that_they_have(tmp_path):
    text = '{"a":1,"label":"NA"}\n\n{"a":2.5,"label":"7","b":null}\n{"label":7,"b":"z"}\n'
    for name, content in (
        ("a.jsonl", text),
        ("a.ndjson", "\ufeff" + text),
        ("a.jsonl.gz", gzip.compress(text.encode())),
    ):
        data = Dataset.from_file(written(tmp_path / name, content))
        assert (data.name, data.classes) == ("a", (7, "7", "NA"))
        assert np.array_equal(data.X["a"], [1, 2.5, np.nan], equal_nan=True)
        assert data.X["b"].isna().tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a":1,"label":"x"}\n[1]\n', "line 2 holds a list; each line is one object"),
        ('[{"a":1,"label":"x"}]', "line 1 holds a list"),
        ('{"a":1,"label":"x"}\n\n{"a":\n', "line 3 is no JSON"),
        ('{"a":1,"a":2,"label":"x"}\n', "line 1 has the key 'a' twice"),
        ("[" * 100_000, "line 1 is nested too deep"),
        ('{"a":' + "9" * 5000 + ',"label":"x"}', "line 1 is no JSON"),
        ('{"a":{"b":1},"label":"x"}\n{"a":2,"label":"y"}\n', "column 'a' holds a dict in row 0"),
        ('{"a":1e999,"label":"x"}\n{"a":2,"label":"y"}\n', "column 'a' has inf in row 0"),
        ('{"a":1,"label":true}\n{"a":2,"label":1}\n', "the labels 1 and True are equal"),
        (b'{"a":"\xe9","label":"x"}\n', "line 1: byte 0xe9 is not UTF-8"),
        ('{"a":"\0","label":"x"}\n', "line 1 has a NUL character"),
        ("\n\n", "has no column"),
        ("{}\n{}\n", "has no column"),
    ],
)
def test_a_broken_line_of_json_is_refused_with_its_number(tmp_path, text, said):
    assert said in refused(written(tmp_path / "a.jsonl", text))


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
@pytest.mark.parametrize(
    ("values", "first"),
    [
        (pa.array(["p", None, "q", "p"]).dictionary_encode(), "p"),
        (pa.array(["p", None, "q", "p"], pa.large_string()), "p"),
        (pa.array(["p", None, "q", "p"], pa.string_view()), "p"),
        (pa.array([decimal.Decimal("1.5")] * 4, pa.decimal128(20, 3)), 1.5),
        (pa.array([decimal.Decimal("1.5")] * 4, pa.decimal256(60, 3)), 1.5),
        (pa.array([dt.time(1, 2)] * 4, pa.time32("ms")), 3720.0),
        (pa.array([1, 2, 3, None], pa.time64("ns")), 1e-9),
        (pa.array([dt.timedelta(1)] * 4, pa.duration("us")), 86400.0),
        (pa.array([dt.date(2020, 1, 1)] * 4, pa.date64()), pd.Timestamp("2020-01-01")),
        (pa.array([0] * 4, pa.timestamp("s", "+02:00")), pd.Timestamp("1970-01-01", tz="UTC")),
        (pa.array([2**64 - 1, 1, 2, None], pa.uint64()), 2.0**64),
        (pa.array(np.ones(4, dtype=np.float16)), 1.0),
        (pa.array(pd.period_range("2020", periods=4, freq="Q")), pd.Timestamp("2020-01-01")),
        (pa.array(pd.arrays.IntervalArray.from_breaks(range(5))), "(0, 1]"),
    ],
)
def test_every_type_of_arrow_that_is_a_value_is_read(tmp_path, suffix, values, first):
    file = tmp_path / f"a.{suffix}"
    table = pa.table({"a": values, "b": ["one", "two", "one", "two"], "label": LABEL})
    pq.write_table(table, file) if suffix == "parquet" else feather.write_feather(table, file)
    assert Dataset.from_file(file).X["a"][0] == first


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (pa.array([[1], [2], None, [3]]), "holds a ndarray in row 0"),
        (pa.array([{"b": 1}] * 4), "holds a dict in row 0"),
        (pa.array([[("k", 1)]] * 4, pa.map_(pa.string(), pa.int64())), "holds a list in row 0"),
        (pa.array([b"1"] * 4, pa.binary()), "holds a bytes in row 0"),
        (pa.array([b"12"] * 4, pa.binary(2)), "holds a bytes in row 0"),
        (pa.array([None] * 4, pa.null()), "has no value in any row"),
        (pa.array([1] * 4, pa.timestamp("us", "Mars/Base")), "cannot be read"),
    ],
)
def test_a_type_of_arrow_that_is_no_value_is_refused_and_can_be_dropped(tmp_path, values, said):
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": values, "b": [1.0, 2.0, 3.0, 4.0], "label": LABEL}), file)
    message = refused(file)
    assert "column 'a'" in message
    assert said in message
    assert "--drop" in message
    if said != "cannot be read":
        assert Dataset.from_file(file, drop="a").feature_names == ("b",)


def test_an_index_of_pandas_is_no_feature_but_may_be_the_label(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "label": LABEL})
    wanted = Dataset.from_frame(frame).fingerprint
    file = tmp_path / "a.parquet"
    for stored in (
        frame,
        frame.set_axis([3, 1, 0, 2]),
        frame.set_index("label"),
        frame.set_index(pd.Index(LABEL, name="n")),
    ):
        stored.to_parquet(file)
        assert Dataset.from_file(file).fingerprint == wanted
    for metadata in (b"{no json", b"[1]", b'{"index_columns": 5}'):
        table = pa.table({"a": frame["a"], "label": LABEL}).replace_schema_metadata({b"pandas": metadata})
        pq.write_table(table, file)
        assert Dataset.from_file(file).fingerprint == wanted


def test_labels_of_any_type_of_arrow(tmp_path):
    file = tmp_path / "a.parquet"
    for labels, classes in (
        (pa.array(LABEL).dictionary_encode(), ("x", "y")),
        (pa.array([True, False] * 2), (False, True)),
        (pa.array([dt.date(2020, 1, 1), dt.date(2021, 1, 1)] * 2), ("2020-01-01", "2021-01-01")),
        (pa.array([b"x", b"y"] * 2), ("x", "y")),
        (pa.array([2**64 - 1, 2**64 - 2] * 2, pa.uint64()), (2**64 - 2, 2**64 - 1)),
    ):
        pq.write_table(pa.table({"a": [1, 2, 3, 4], "label": labels}), file)
        assert Dataset.from_file(file).classes == classes
    pq.write_table(pa.table({"a": [1, 2, 3, 4], "label": [["x"], ["y"]] * 2}), file)
    assert "which is not a plain value" in refused(file)


def test_odd_tables_of_arrow_are_refused_or_mended_by_an_option(tmp_path):
    file = tmp_path / "a.parquet"
    twice = pa.table(
        [pa.array([1, 2]), pa.array([3, 4]), pa.array([5, 6]), pa.array(["x", "y"])], ["a", "a", "b", "label"]
    )
    pq.write_table(twice, file)
    assert "'a' occurs twice" in refused(file)
    assert Dataset.from_file(file, drop="a").feature_names == ("b",)
    pq.write_table(pa.table({"a": pa.array([], pa.int64()), "label": pa.array([], pa.string())}), file)
    assert "no rows" in refused(file)
    pq.write_table(pa.table({}), file)
    assert "has no column" in refused(file)
    assert "not a readable Feather file" in refused(written(tmp_path / "a.feather", "no"))


def test_a_sheet_of_excel_is_read_with_the_types_of_its_cells(tmp_path):
    rows = [
        ["a", "when", "at", "label", None],
        [1, dt.datetime(2020, 1, 1), dt.time(1, 2), "NA", None],
        [None] * 5,
        [2.5, dt.datetime(2021, 1, 1), dt.time(0), "007", None],
        ["#N/A", dt.datetime(2022, 1, 1), dt.time(0), 7, None],
    ]
    data = Dataset.from_file(sheet(tmp_path / "a.xlsx", *rows))
    assert data.classes == (7, "007", "NA")
    assert np.array_equal(data.X["a"], [1, 2.5, np.nan], equal_nan=True)
    assert data.X["when"][0] == pd.Timestamp("2020-01-01")
    assert data.X["at"].tolist() == [3720.0, 0.0, 0.0]


def test_another_sheet_is_read_by_its_name(tmp_path):
    file = sheet(tmp_path / "a.xlsx", ["a"], more=[("two", [["a", "label"], ["1,5", "p"], ["-", "q"], [2, "q"]])])
    data = Dataset.from_file(file, sheet="two", decimal=",", missing="-")
    assert np.array_equal(data.X[:, 0], [1.5, np.nan, 2], equal_nan=True)
    assert "no sheet 'tow'; did you mean 'two'?" in refused(file, sheet="tow")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "the sheet is empty"),
        ([["a", "label"]], "no rows"),
        ([["a", None, "label"], [1, 2, "x"], [2, 3, "y"]], "column 2 has values but no name"),
        ([["a", "a", "label"], [1, 2, "x"], [2, 3, "y"]], "'a' occurs twice"),
        ([["a", "label"], [1, "x"], [2, None], [3, "y"]], "row 1 (counted from 0) has no label"),
    ],
)
def test_an_odd_sheet_is_refused(tmp_path, rows, said):
    assert said in refused(sheet(tmp_path / "a.xlsx", *rows))


def test_a_damaged_excel_file_is_refused(tmp_path):
    assert "not a readable Excel file" in refused(written(tmp_path / "a.xlsx", "PK\x03\x04 and no more"))


def test_without_openpyxl_the_extra_is_named(tmp_path, monkeypatch):
    file = sheet(tmp_path / "a.xlsx", ["a", "label"], [1, "x"], [2, "y"])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'altune\[excel\]'"):
        Dataset.from_file(file)


def test_a_pool_without_labels_is_read_by_the_same_options(tmp_path):
    file = written(tmp_path / "a.csv", "id;a\n7;1,0\n8;3,0\n")
    assert encode_pool(file, sep=";", decimal=",", drop="id").tolist() == [[-1.0], [1.0]]
    with pytest.raises(DataError, match="rows in memory are not read from a file"):
        encode_pool([[1.0], [3.0]], sep=";")


def test_rows_without_a_label_are_left_out_of_a_parquet_file(tmp_path):
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1, 2, 3, 4], "label": ["NA", None, "", "y"]}), file)
    with pytest.warns(AltuneWarning, match="2 of 4 rows have no label"):
        data = Dataset.from_file(file, skip_unlabelled=True)
    assert (data.classes, data.X[:, 0].tolist()) == (("NA", "y"), [1.0, 4.0])
