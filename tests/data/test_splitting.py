"""Splits by group and by time, and the columns they are read from."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from altune import Dataset, load_dataset
from altune.core.errors import AltuneWarning, DataError
from altune.data import Reading, encode_pool
from altune.data.blocks import Block, BlockRole, make_blocks, read_splits
from altune.data.split_words import split_advice, split_words

RNG = np.random.default_rng(0)
N = 600
FRAME = pd.DataFrame(
    {
        "a": RNG.normal(size=N),
        "b": RNG.normal(size=N),
        "patient": np.sort(RNG.integers(0, 90, N)),
        "when": pd.date_range("2024-01-01", periods=N, freq="6h"),
    }
).sample(frac=1.0, random_state=0)
LABELS = RNG.choice(["no", "yes", "rare"], N, p=[0.6, 0.3, 0.1])
GROUPED = Dataset(FRAME.drop(columns="when"), LABELS, groups="patient")
TIMED = Dataset(FRAME.drop(columns="patient"), LABELS, time="when")


def blocks(data: Dataset) -> list[Block]:
    return [block for role in get_args(BlockRole) for block in make_blocks(data, role, 3, seed=1)]


def shares(data: Dataset, rows: np.ndarray) -> np.ndarray:
    return np.bincount(data.y[rows], minlength=data.n_classes) / len(rows)


def test_the_columns_are_no_features() -> None:
    assert GROUPED.feature_names == TIMED.feature_names == ("a", "b")
    assert GROUPED.groups is not None
    assert TIMED.time is not None
    assert (GROUPED.groups.name, TIMED.time.name) == ("patient", "when")


def test_no_group_is_on_both_sides_and_shares_are_kept() -> None:
    assert GROUPED.groups is not None
    codes = GROUPED.groups.codes
    for block in blocks(GROUPED):
        assert not np.intersect1d(codes[block.pool], codes[block.test]).size
        assert len(block.test) / N == pytest.approx(0.2, abs=0.01)
        assert shares(GROUPED, block.test) == pytest.approx(GROUPED.class_counts / N, abs=0.03)
    search, report = (make_blocks(GROUPED, role, 1, seed=1)[0] for role in ("search", "report"))
    held_back = codes[report.test]
    for rows in (search.pool, search.test):
        assert not np.intersect1d(codes[rows], held_back).size, "groups held back are in no search block"


def test_blocks_of_groups_differ_and_are_drawn_again() -> None:
    first, again = (make_blocks(GROUPED, "search", 3, seed=1) for _ in range(2))
    assert [block.digest() for block in first] == [block.digest() for block in again]
    assert len({block.digest() for block in first}) == 3


def test_tests_are_later_than_pools() -> None:
    assert TIMED.time is not None
    values = TIMED.time.values
    held_back = set(np.argsort(values)[-N // 5 :])
    for block in blocks(TIMED):
        assert values[block.pool].max() < values[block.test].min()
        assert block.shares_test
        if block.role in ("report", "replay"):
            assert set(block.test) == held_back
        else:
            assert not held_back & {*block.pool, *block.test}
            assert len(block.test) == round(0.25 * 0.8 * N)
    search = make_blocks(TIMED, "search", 2, seed=1)
    report = make_blocks(TIMED, "report", 1, seed=1)[0]
    assert len(search[0].pool) == len(report.pool)
    assert set(search[0].pool) != set(search[1].pool)


def test_rows_of_one_time_stay_together() -> None:
    years = RNG.choice([2019, 2020, 2021, 2022, 2023], N)
    data = Dataset(FRAME[["a", "b"]], LABELS, time=years)
    for block in blocks(data):
        assert not np.intersect1d(years[block.pool], years[block.test]).size


@pytest.mark.parametrize(
    "times",
    [
        pd.date_range("2024-01-01", periods=N, freq="D"),
        pd.date_range("2024-01-01", periods=N, freq="D", tz="Europe/Berlin"),
        pd.date_range("2024-01-01", periods=N, freq="D").strftime("%d/%m/%Y"),
        pd.date_range("2024-01-01", periods=N, freq="h").strftime("%Y-%m-%d %H:%M"),
        [datetime.date(2024, 1, 1) + datetime.timedelta(days=day) for day in range(N)],
        pd.timedelta_range("1h", periods=N, freq="h"),
        pd.period_range("1990-01", periods=N, freq="M"),
        [str(number) for number in range(N)],
        [f" {day:%Y-%m-%d}" for day in pd.date_range("2000-01-01", periods=N)],
        np.arange(N),
        np.linspace(0.0, 1.0, N),
    ],
    ids=[
        "instants",
        "zone",
        "day first",
        "text",
        "date",
        "duration",
        "period",
        "numbers as text",
        "blanks",
        "whole",
        "float",
    ],
)
def test_times_of_every_kind_are_ordered(times: Any) -> None:
    data = Dataset(FRAME[["a", "b"]], LABELS, time=times)
    assert data.time is not None
    assert np.array_equal(np.argsort(data.time.values, kind="stable"), np.arange(N))


def test_large_numbers_are_different_groups() -> None:
    ids = (10**17 + np.arange(N) // 5).astype(np.int64)
    data = Dataset(FRAME[["a", "b"]].assign(id=ids), LABELS, groups="id")
    assert data.groups is not None
    assert len(data.groups.names) == N // 5


NAMES = ["007", "7", "07", "1.0", "1", " 1", "1,0", "NA", "None", "a", "A ", "1e2"]


@pytest.mark.parametrize("suffix", ["csv", "tsv.gz", "jsonl", "parquet", "xlsx"])
@pytest.mark.parametrize("options", [{}, {"missing": ["7", "NA"]}, {"decimal": ".", "drop": "b"}], ids=str)
def test_names_of_groups_are_the_texts_of_the_file(tmp_path: Path, suffix: str, options: dict[str, Any]) -> None:
    ids = [NAMES[row % len(NAMES)] for row in range(48)]
    frame = pd.DataFrame({"id": ids, "a": range(48), "b": range(48), "y": ["no", "yes"] * 24})
    path = tmp_path / f"mine.{suffix}"
    if suffix == "parquet":  # where it is named, a column that pandas stored as an index is read as well
        frame.set_index("id").to_parquet(path)
    elif suffix == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif suffix == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="," if suffix == "csv" else "\t")
    groups = Dataset.from_file(path, groups="id", **options).groups
    assert groups is not None
    assert [groups.names[code] for code in groups.codes] == ids


def test_groups_that_differ_by_spelling_are_pointed_out() -> None:
    odd = Dataset(FRAME[["a", "b"]], LABELS, groups=["ann", "Ann ", *(f"p{row // 9}" for row in range(N - 2))])
    assert any("the groups 'ann' (1 row) and 'Ann ' (1 row) differ by" in line for line in odd.remarks)
    assert any("counted as 2 groups" in line for line in odd.remarks)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"groups": [7, "7"] * (N // 2)}, "has 7 and '7', which are written alike"),
        ({"groups": "patients"}, "did you mean 'patient'"),
        ({"time": "wen"}, "did you mean 'when'"),
        ({"groups": "patient", "time": "when"}, "not possible together"),
        ({"groups": ["x"] * N}, "in every row"),
        ({"groups": 5}, "give one group for each row, or the name of a column"),
        ({"time": np.zeros((3, 2))}, "give one time for each row, or the name of a column"),
        ({"groups": ["x"] * 5}, "600 rows and the groups are 5"),
        ({"groups": [None, *range(N - 1)]}, "row 0 .* has no group"),
        ({"groups": [[1, 2]] * N}, "several values in a row"),
        ({"time": ["soon"] * N}, "neither a number nor a date"),
        ({"time": [*pd.date_range("2024-01-01", periods=N - 1), pd.NaT]}, "row 599 .* has no time"),
    ],
)
def test_wrong_columns_are_refused_in_one_line(given: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words) as refused:
        Dataset(FRAME, LABELS, **given)
    assert "\n" not in str(refused.value)


def test_too_few_groups_or_times_say_how_many_are_needed() -> None:
    for groups, words in (
        (np.arange(N) % 4, "has 4 groups; 10 or more are needed"),
        (np.where(LABELS == "rare", 0, 1 + np.arange(N) % 30), "'rare' occurs in 1 of 31 groups; 3 or more"),
    ):
        with pytest.raises(DataError, match=words):
            make_blocks(Dataset(FRAME[["a", "b"]], LABELS, groups=groups), "search", 1, seed=0)
    with pytest.raises(DataError, match=r"2 different values.*three or more"):
        make_blocks(Dataset(FRAME[["a", "b"]], LABELS, time=np.arange(N) % 2), "search", 1, seed=0)
    with pytest.raises(DataError, match=r"all .* have the class 'no'"):
        make_blocks(Dataset(FRAME[["a", "b"]], np.sort(LABELS)[::1], time=np.arange(N)), "search", 1, seed=0)


def test_a_group_with_most_rows_is_in_every_pool_and_pointed_out() -> None:
    groups = np.where(np.arange(N) < 360, "big", [f"g{row % 40}" for row in range(N)])
    data = Dataset(FRAME[["a", "b"]], LABELS, groups=groups)
    for block in blocks(data):
        assert not np.intersect1d(block.test, np.arange(360)).size
        assert len(block.test) > 20
    assert "'big' of 'groups' has 60%" in split_advice(data, make_blocks(data, "report", 1, seed=0)[0])[0]


def test_few_groups_are_pointed_out() -> None:
    data = Dataset(FRAME[["a", "b"]], LABELS, groups=np.arange(N) % 12)
    [line] = split_advice(data, make_blocks(data, "report", 1, seed=0)[0])
    assert "of 12 groups" in line
    assert "25 groups or more" in line


def test_a_class_that_comes_late_is_pointed_out() -> None:
    labels = np.where(np.arange(N) > 500, "new", RNG.choice(["no", "yes"], N))
    data = Dataset(FRAME[["a", "b"]], labels, time=np.arange(N))
    [line] = split_advice(data, make_blocks(data, "report", 1, seed=0)[0])
    assert "class 'new' occur" in line


def test_the_words_of_a_split_count_groups_and_name_dates() -> None:
    for data, words in ((GROUPED, "90 groups by patient"), (TIMED, "held back")):
        search, report = (make_blocks(data, role, 1, seed=0)[0] for role in ("search", "report"))
        assert words in split_words(data, search, report)


def test_explicit_splits_may_not_tear_groups_apart() -> None:
    with pytest.raises(DataError, match="is in both pool and test"):
        read_splits(GROUPED, [{"pool": list(range(0, N, 2)), "test": list(range(1, N, 2))}])
    with pytest.raises(DataError, match="explicit splits take the place of the time"):
        read_splits(TIMED, [{"pool": [0, 1], "test": [2, 3]}])


def test_fingerprints_tell_groups_and_times_apart() -> None:
    plain = Dataset(FRAME[["a", "b"]], LABELS)
    more = [
        plain.with_columns(groups=np.arange(N) % 20),
        plain.with_columns(groups=np.arange(N) % 21),
        plain.with_columns(time=np.arange(N)),
    ]
    assert len({data.fingerprint for data in (plain, *more)}) == 4
    assert plain.with_columns() is plain


def test_files_and_built_in_data_take_columns(tmp_path: Any) -> None:
    FRAME.assign(label=LABELS).to_csv(tmp_path / "rows.csv", index=False)
    read = load_dataset(tmp_path / "rows.csv", groups="patient")
    assert read.groups is not None
    assert len(read.groups.names) == 90
    assert load_dataset(tmp_path / "rows.csv", time="when").time is not None
    iris = load_dataset("iris", groups="petal width (cm)")
    assert iris.groups is not None
    assert iris.n_features == 3


@pytest.mark.parametrize("by_name", [True, False])
def test_rows_without_a_label_are_left_out_of_groups_and_times(by_name: bool) -> None:
    labels = LABELS.astype(object)
    labels[[3, 8]] = None
    kept = np.delete(np.arange(N), [3, 8])
    for column, keyword in (("patient", "groups"), ("when", "time")):
        values = FRAME[column].astype(object)
        values.iloc[3] = None
        X, given = FRAME[["a", "b"]], {keyword: column if by_name else values}
        with pytest.warns(AltuneWarning, match="2 of 600 rows have no label"):
            data = Dataset(X.assign(**{column: values}) if by_name else X, labels, skip_unlabelled=True, **given)
        alone = Dataset(X.iloc[kept], LABELS[kept], **{keyword: FRAME[column].iloc[kept]})
        assert data.fingerprint == alone.fingerprint
        values.iloc[5] = None
        with pytest.raises(DataError, match=r"row 5 .* is empty in 1 of 598 rows"), pytest.warns(AltuneWarning):
            Dataset(X, labels, skip_unlabelled=True, **{keyword: values})


def test_columns_that_are_no_features_are_not_dropped() -> None:
    for options in ({"group": "a"}, {"time": "a"}, {"target": "a"}):
        with pytest.raises(DataError, match=f"the {next(iter(options))} column 'a' cannot be dropped"):
            Reading(drop="a", **options)
    table = FRAME.assign(label=LABELS)
    assert Dataset.from_frame(table, groups="patient", drop="when").feature_names == ("a", "b")
    with pytest.raises(DataError, match="its rows not split; leave out the group column 'patient'"):
        encode_pool(table, group="patient")


def test_groups_in_arrow_and_masked_values() -> None:
    arrow = pa.Table.from_pandas(FRAME[["a", "b", "patient"]], preserve_index=False)
    wanted = Dataset(FRAME[["a", "b"]], LABELS, groups=FRAME["patient"]).fingerprint
    assert Dataset(arrow, LABELS, groups="patient").fingerprint == wanted
    assert Dataset(arrow.select(["a", "b"]), LABELS, groups=arrow["patient"]).fingerprint == wanted
    masked = np.ma.masked_array(FRAME[["a", "b", "patient"]].to_numpy(), mask=False)
    masked[4, 2] = np.ma.masked
    with pytest.raises(DataError, match=r"row 4 .* has no group"):
        Dataset(masked, LABELS, feature_names=["a", "b", "patient"], groups="patient")
