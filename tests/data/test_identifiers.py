"""Columns that only name the rows are pointed out; measurements, dates and free text are not."""

import uuid

import numpy as np
import pandas as pd
import pytest

from altune.data import Dataset, list_datasets, load_dataset

N = 200
rng = np.random.default_rng(0)
WORDS = np.array(["the", "a", "cat", "dog", "sat", "ran", "on", "under", "mat", "tree", "big", "small"])
RISING = np.cumsum(rng.integers(1, 4, N))


def identifiers(column: object, name: str = "column") -> list[str]:
    """Return the identifiers of a table with this column and another one."""
    frame = pd.DataFrame({name: column, "other": rng.normal(size=len(column))})
    return list(Dataset(frame, np.arange(len(frame)) % 2).identifiers)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("row", np.arange(N)),
        ("row", rng.permutation(N) + 5001),
        ("kept", RISING),
        ("kept", rng.permutation(RISING)),
        ("PassengerId", rng.choice(10**9, N, replace=False)),
        ("customer_id", [f"{value:05d}" for value in rng.choice(10**5, N, replace=False)]),
        ("unit", [str(uuid.UUID(int=int(value))) for value in rng.integers(2**62, size=N)]),
        ("unit", [f"BER-{value:05d}" for value in rng.choice(10**5, N, replace=False)]),
        ("unit", [f"{value:016x}" for value in rng.integers(2**62, size=N)]),
        ("contact", [f"anna.{value}@example.org" for value in range(N)]),
        ("Name", [f"Mr. Owen {'ABCDEFGHIJ'[value // 20]}. {'x' * (value % 20 + 2)}" for value in range(N)]),
        ("user_id", ["".join(letters) for letters in rng.choice(list("abcdefgh"), (N, 12))]),
    ],
)
def test_identifiers(name, column):
    assert identifiers(column, name) == [name]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("income", rng.choice(10**6, N, replace=False)),
        ("age", rng.integers(18, 90, N)),
        ("length", rng.normal(size=N)),
        ("grid", np.arange(N) / 10),
        ("reading_id", rng.normal(size=N)),
        ("year", 1800 + np.arange(N)),
        ("day", pd.date_range("2024-01-01", periods=N).strftime("%Y-%m-%d")),
        ("when", pd.date_range("2024-01-01", periods=N, freq="h")),
        ("start", [f"{value % 24:02d}:{value % 60:02d}:{value // 24:02d}" for value in range(N)]),
        ("weight", [f"{value:.3f}" for value in rng.normal(size=N)]),
        ("text", [" ".join(rng.choice(WORDS, 12)) for _ in range(N)]),
        ("text", [f"call {value} now to win {value * 7} pounds" for value in range(N)]),
        ("text", [f"{'日本語の文章です'[: value % 7 + 1]}{chr(0x4E00 + value)}" for value in range(N)]),
        ("url", [f"https://example.org/page/{value}?x=12" for value in range(N)]),
        ("smiles", [f"CC(=O)OC1=CC=CC=C1C(=O)N{value}" for value in range(N)]),
        ("name", [" ".join(rng.choice(WORDS, 12)) for _ in range(N)]),
        ("city", rng.choice([f"town{value}" for value in range(60)], N)),
        ("code", [None] * 150 + [f"A{value:04d}" for value in range(50)]),
        ("row", np.where(np.arange(N) == 7, np.nan, np.arange(N))),
    ],
)
def test_no_identifiers(name, column):
    assert identifiers(column, name) == []


def test_few_rows_say_nothing():
    assert identifiers(np.arange(19)) == []
    assert identifiers([f"A-{value:03d}" for value in range(19)]) == []
    assert identifiers(np.arange(20)) == ["column"]
    assert identifiers([f"A-{value:03d}" for value in range(20)]) == ["column"]


def test_the_only_column_is_never_one():
    frame = pd.DataFrame({"id": [f"A-{value:05d}" for value in range(N)]})
    assert Dataset(frame, np.arange(N) % 2).identifiers == {}
    assert Dataset(np.arange(N).reshape(-1, 1), np.arange(N) % 2).identifiers == {}


def test_columns_of_numbers_alone_and_arrays_are_checked():
    numbers = np.column_stack([rng.normal(size=N), np.arange(N)])
    assert Dataset(numbers, np.arange(N) % 2).identifiers == {"1": "whole numbers without a repetition, 0 to 199"}
    frame = pd.DataFrame(numbers, columns=["size", "row"])
    assert Dataset(frame, np.arange(N) % 2).kind == "dense"
    assert list(Dataset(frame, np.arange(N) % 2).identifiers) == ["row"]


@pytest.mark.parametrize("name", [info.name for info in list_datasets() if info.extra is None])
def test_no_built_in_data_set_has_one(name):
    assert load_dataset(name).identifiers == {}
