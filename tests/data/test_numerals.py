"""Numbers that came as text are pointed out with the option that reads them, and the option reads them."""

import numpy as np
import pandas as pd
import pytest

from altune.data import Dataset
from altune.data.numerals import number_of


def column(texts):
    return pd.DataFrame({"z": np.arange(60.0), "a": texts})


LABELS = ["x", "y"] * 30


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("1.5", 1.5, None),
        ("1,5", None, 1.5),
        ("1,500", 1500.0, 1.5),
        ("0,500", None, 0.5),
        ("1,234,567.25", 1234567.25, None),
        ("1.234.567,25", None, 1234567.25),
        ("1 234,5", None, 1234.5),
        ("1\u202f234", 1234.0, 1234.0),
        ("1'234.5", 1234.5, None),
        ("-12 %", -12.0, -12.0),
        ("− 3", -3.0, -3.0),
        ("$1,000.50", 1000.5, None),
        ("-$5", -5.0, -5.0),
        ("12,50 €", None, 12.5),
        ("1e3", 1000.0, 1000.0),
        ("12.03.2020", None, None),
        ("1-5", None, None),
        ("--5", None, None),
        ("", None, None),
        ("A12", None, None),
        ("1,23,4", None, None),
    ],
)
def test_a_number_is_read_strictly(text, point, comma):
    assert (number_of(text, "."), number_of(text, ",")) == (point, comma)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([f"{row},5" for row in range(60)], "--decimal , reads it as numbers (a decimal comma)"),
        ([f"{row}.500,25" for row in range(1, 61)], "--decimal , reads it as numbers"),
        ([f"{row},500" for row in range(1, 61)], "--decimal , reads it as 1.5 (a decimal comma), --decimal . as 1500"),
        ([f"{row},500.25" for row in range(1, 61)], "--decimal . reads it as numbers"),
        ([f"{row} 500" for row in range(1, 61)], "--decimal . reads it as numbers"),
        ([f"{row} %" for row in range(60)], "--decimal . reads it as numbers"),
        ([f"${row}.50" for row in range(60)], "--decimal . reads it as numbers"),
        ([f"{row},50 €" for row in range(60)], "--decimal , reads it as numbers"),
        ([f"{row}.5" if row % 9 else "n.a." for row in range(60)], "because of 'n.a.'; --missing n.a. reads it"),
        ([f"{row}.5" if row % 9 else "-" for row in range(60)], "--missing=- reads it as numbers"),
        ([f"{row},5" if row % 9 else "no value" for row in range(60)], "--decimal , --missing 'no value' reads it"),
    ],
)
def test_a_column_of_numbers_that_came_as_text_is_pointed_out(texts, said):
    (line,) = Dataset(column(texts), LABELS).numbers_as_text.values()
    assert line.startswith("column 'a' holds numbers but came as text")
    assert said in line


@pytest.mark.parametrize(
    "texts",
    [
        [f"{row}.5" for row in range(60)],
        [f"{row}.5" if row % 9 else "?" for row in range(60)],  # the encoding takes it for a missing value
        [f"2020-01-{1 + row % 28:02d}" for row in range(60)],
        [f"{1 + row % 28:02d}.03.2020" for row in range(60)],
        [f"10.0.0.{row}" for row in range(60)],
        [f"order {row}, 5 pieces" for row in range(60)],
        [f"A{row}" for row in range(60)],
        [f"{row}-{row + 5}" for row in range(60)],
        ["red", "blue"] * 30,
    ],
)
def test_other_text_is_not_called_numbers(texts):
    assert Dataset(column(texts), LABELS).numbers_as_text == {}


@pytest.mark.parametrize(
    ("texts", "options", "first"),
    [
        (["1,5", "2,5"] * 30, {"decimal": ","}, [1.5, 2.5]),
        (["1.000,5", "?"] * 30, {"decimal": ","}, [1000.5, np.nan]),
        (["$1,000", "3 %"] * 30, {"decimal": "."}, [1000.0, 3.0]),
        (["1,5", "no value"] * 30, {"decimal": ",", "missing": "no value"}, [1.5, np.nan]),
        (["1,5", 2] * 30, {"decimal": ","}, [1.5, 2.0]),
    ],
)
def test_the_options_read_it(texts, options, first):
    frame = column(texts).assign(label=LABELS)
    data = Dataset.from_frame(frame, **options)
    assert data.kind == "dense"
    assert np.array_equal(data.X[:2, 1], first, equal_nan=True)


def test_a_column_that_is_not_all_numbers_stays_text():
    frame = column(["1,5", "two"] * 30).assign(label=LABELS)
    assert Dataset.from_frame(frame, decimal=",").X["a"].tolist()[:2] == ["1,5", "two"]
