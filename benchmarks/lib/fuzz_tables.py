"""Tables of each format for fuzz.py: valid ones, odd ones, and changed ones."""

from __future__ import annotations

import datetime
import decimal
import functools
import gzip
import io
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from lib.fuzz_mutations import ODD_TEXTS, as_json, mutated_bytes, mutated_gzip, mutated_lines, mutated_zip

ROWS = 12
Chance = random.Random


@functools.cache
def frame() -> Any:
    """Return a small table with a column of each usual kind."""
    import pandas as pd

    return pd.DataFrame(
        {
            "size": [0.5 * row if row % 5 else None for row in range(ROWS)],
            "colour": [("red", "blue", "green, dark")[row % 3] for row in range(ROWS)],
            "note": [f'say "{row}" and more of it' for row in range(ROWS)],
            "when": [f"2024-01-{row + 1:02}" for row in range(ROWS)],
            "label": [("a", "b")[row % 2] for row in range(ROWS)],
        }
    )


@functools.cache
def csv_file() -> bytes:
    """Return the small table, ten times, as a file of comma-separated values."""
    import pandas as pd

    return pd.concat([frame()] * 10).to_csv(index=False).encode()


@functools.cache
def plain_files() -> dict[str, bytes]:
    """Return a valid file of each format."""
    table = frame()
    excel, archive = io.BytesIO(), io.BytesIO()
    table.to_excel(excel, index=False)
    np.savez(archive, X=np.arange(24.0).reshape(12, 2), y=np.arange(12) % 2)
    text = table.to_csv(index=False).encode()
    lines = table.to_json(orient="records", lines=True).encode()
    sparse = b"".join(b"%d 1:%d.5 4:2\n" % (row % 2, row) for row in range(ROWS))
    return {
        "csv": text,
        "tsv": table.to_csv(index=False, sep="\t").encode(),
        "jsonl": lines,
        "xlsx": excel.getvalue(),
        "npz": archive.getvalue(),
        "svmlight": sparse,
        "csv.gz": gzip.compress(text),
        "jsonl.gz": gzip.compress(lines),
        "svmlight.gz": gzip.compress(sparse),
    }


def odd_arrow(chance: Chance, feather: bool) -> bytes:
    """Return a Parquet or Feather file of one to four columns of any kind, and perhaps labels."""
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet as pq

    rows = chance.choice((0, 1, 2, ROWS, ROWS, ROWS, 60))
    columns: dict[str, Any] = {}
    for _ in range(chance.choice((1, 2, 4))):
        name = chance.choice(
            ("size", "colour", "when", "y", "", "label", "__index_level_0__", chance.choice(ODD_TEXTS))
        )
        values, kind = chance.choice(_arrow_kinds())
        listed = [None if chance.random() < 0.1 else chance.choice(values) for _ in range(rows)]
        columns[name.replace("\ud800", "")] = pa.array(listed, kind)
    if chance.random() < 0.8:
        columns["label"] = pa.array([chance.choice("ab") for _ in range(rows)])
    table = pa.table(columns)
    if chance.random() < 0.1:
        table = table.replace_schema_metadata({"pandas": chance.choice(("{}", "[]", '{"index_columns": [1]}', "x"))})
    stream = io.BytesIO()
    with_compression = chance.choice(("zstd", "uncompressed" if feather else "none"))
    if feather:
        pyarrow.feather.write_feather(table, stream, compression=with_compression)
    else:
        pq.write_table(table, stream, compression=with_compression, row_group_size=chance.choice((None, 5)))
    content = stream.getvalue()
    return mutated_bytes(content, chance) if chance.random() < 0.5 else content


@functools.cache
def _arrow_kinds() -> tuple[tuple[list[Any], Any], ...]:
    import pyarrow as pa

    when = datetime.datetime(2024, 1, 1, 12)
    return (
        ([1, 2, -5], pa.int64()),
        ([0, 255], pa.uint8()),
        ([2**63, 2**64 - 1], pa.uint64()),
        ([0.5, float("nan"), float("inf"), 1e308], pa.float64()),
        ([0.5, 7.0], pa.float32()),
        ([np.float16(1.5)], pa.float16()),
        ([True, False], pa.bool_()),
        (["red", "blue", "", "\x1b[31m"], pa.string()),
        (["red", "blue"], pa.large_string()),
        (["red", "blue"], pa.dictionary(pa.int8(), pa.string())),
        ([1, 2], pa.dictionary(pa.int8(), pa.int64())),
        ([b"red", b"\xff"], pa.binary()),
        ([b"redd"], pa.binary(4)),
        ([decimal.Decimal("1.50"), decimal.Decimal("-2.25")], pa.decimal128(10, 2)),
        ([decimal.Decimal(10) ** 60], pa.decimal256(76, 2)),
        ([when], pa.timestamp("ns")),
        ([when, datetime.datetime(9999, 1, 1)], pa.timestamp("s", "Europe/Berlin")),
        ([when.date(), datetime.date(1, 1, 1)], pa.date32()),
        ([when.time()], pa.time64("us")),
        ([datetime.timedelta(days=2)], pa.duration("ms")),
        ([[1, 2], []], pa.list_(pa.int64())),
        ([[1.0, 2.0]], pa.list_(pa.float32(), 2)),
        ([{"a": 1, "b": "x"}], pa.struct([("a", pa.int64()), ("b", pa.string())])),
        ([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
        ([None], pa.null()),
    )


def odd_arrays(chance: Chance) -> bytes:
    """Return an NPZ file of arrays of any type and shape."""
    arrays: dict[str, Any] = {}
    rows = chance.choice((0, 1, ROWS, ROWS, ROWS, 40))
    makers: tuple[Callable[[], Any], ...] = (
        lambda: np.arange(rows * 3.0).reshape(rows, 3),
        lambda: np.arange(rows),
        lambda: np.arange(rows * 4).reshape(rows, 2, 2),
        lambda: np.float32(3.0),
        lambda: np.array([chance.choice(("a", "b", "", "\x1b[1m")) for _ in range(rows)] or [""]),
        lambda: np.array([b"a", b"\xff"] * (rows // 2)),
        lambda: np.zeros(rows, dtype=[("a", "f8"), ("b", "i4")]),
        lambda: np.zeros((rows, 2), dtype=complex),
        lambda: np.array(["2024-01-01", "NaT"] * (rows // 2), dtype="datetime64[D]"),
        lambda: np.array([1, 2] * (rows // 2), dtype="timedelta64[s]"),
        lambda: np.array([chance.choice((np.nan, np.inf, 1.0, 1e308)) for _ in range(rows)]),
        lambda: np.array([True, False] * (rows // 2)),
        lambda: np.array([None, "a"] * (rows // 2), dtype=object),
        lambda: np.arange(rows, dtype=chance.choice((">i2", "u8", "f2", "g"))),
        lambda: np.asfortranarray(np.ones((rows, 3))),
        lambda: np.array([0, 2**63], dtype="u8"),
        lambda: np.array([3, 4]),
        lambda: np.array("csr"),
    )
    for name in ("X", "y", *chance.sample(("data", "indices", "indptr", "shape", "format", "z"), 2)):
        if chance.random() < 0.85:
            arrays[name] = chance.choice(makers)()
    if chance.random() < 0.4:
        arrays["y"] = np.arange(rows) % 2
    if chance.random() < 0.2:
        arrays.pop("X", None)
        arrays |= {"data": np.ones(rows), "indices": np.zeros(rows, int), "indptr": np.arange(rows + 1)}
        arrays["shape"] = np.array(
            chance.choice(((rows, 1), (rows, 10**9), (-1, 2), (10**12, 2), (rows,), (2**63 - 1, 1)))
        )
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    content = stream.getvalue()
    return mutated_zip(content, chance) if chance.random() < 0.4 else content


def odd_lines(chance: Chance) -> bytes:
    """Return lines of JSON with values of any kind."""
    from lib.fuzz_mutations import odd_value

    names = ["size", "label", chance.choice(ODD_TEXTS), "note"]
    lines = []
    for row in range(chance.choice((1, ROWS, ROWS))):
        record: Any = {name: row if chance.random() < 0.7 else odd_value(chance) for name in names}
        record["label"] = chance.choice("ab") if chance.random() < 0.95 else odd_value(chance)
        lines.append(as_json(record if chance.random() < 0.98 else odd_value(chance)))
    return b"\n".join(lines)


def odd_text(chance: Chance, between: str) -> bytes:
    """Return delimited text of odd fields, in some encoding."""
    width = chance.choice((1, 2, 3, 5))
    rows = [[*(f"c{column}" for column in range(width - 1)), "label"]]
    for row in range(chance.choice((0, 1, ROWS, ROWS, 40))):
        rows.append([*(_field(chance, row) for _ in range(width - 1)), chance.choice("ab")])
    if chance.random() < 0.2:
        chance.choice(rows).append("more")
    ends = chance.choice(("\n", "\n", "\r\n", "\r", "\n\n"))
    text = ends.join(between.join(row) for row in rows)
    return text.encode(chance.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-32")), "replace")


def _field(chance: Chance, row: int) -> str:
    if chance.random() < 0.7:
        return str(row / 2)
    odd = chance.choice((*ODD_TEXTS, "1.234,5", "€5", "12%", "NA", "?", "1e400", "9" * 400, "00012", "2024-13-01"))
    return f'"{odd}"' if chance.random() < 0.4 else odd


_OPTIONS: dict[str, tuple[Any, ...]] = {
    "target": ("label", "colour", "size", "no", ""),
    "sep": (";", "tab", ",,", "", "\n", "|"),
    "encoding": ("latin-1", "utf-16", "no", "rot13", "utf-8"),
    "decimal": (",", ".", "x"),
    "missing": (("?",), ("",), ("a", "b")),
    "sheet": ("Sheet1", "no"),
    "drop": (("size",), ("label",), ("no",), ("size", "colour", "note", "when")),
    "skip_unlabelled": (True,),
    "min_class": (1, 2, 100, 0, -1),
    "groups": ("colour", "size", "duplicates", "no", "label"),
    "time": ("when", "size", "note", "no"),
}
_CHANGES: dict[str, Callable[[bytes, Chance], bytes]] = {
    **{"xlsx": mutated_zip, "npz": mutated_zip},
    **dict.fromkeys(("csv.gz", "jsonl.gz", "svmlight.gz"), mutated_gzip),
}
_ODD: dict[str, Callable[[Chance], bytes]] = {
    "csv": lambda chance: odd_text(chance, ","),
    "tsv": lambda chance: odd_text(chance, "\t"),
    "jsonl": odd_lines,
    "npz": odd_arrays,
    "parquet": lambda chance: odd_arrow(chance, False),
    "feather": lambda chance: odd_arrow(chance, True),
    "csv.gz": lambda chance: gzip.compress(odd_text(chance, ","), 1),
    "jsonl.gz": lambda chance: gzip.compress(odd_lines(chance), 1),
}
FORMATS = ("csv", "tsv", "jsonl", "parquet", "feather", "xlsx", "npz", "svmlight", "csv.gz", "jsonl.gz", "svmlight.gz")


def make_table(suffix: str, case: Callable[..., Any], chance: Chance) -> Any:
    """Return a file of a format and, in one case of four, options of reading it."""
    plain = plain_files()
    if suffix not in plain or (suffix in _ODD and chance.random() < 0.4):
        content = _ODD[suffix](chance)
    elif suffix in _CHANGES:
        content = _CHANGES[suffix](plain[suffix], chance)
    else:
        change = mutated_bytes if chance.random() < 0.5 else mutated_lines
        content = change(plain[suffix], chance)
    named = chance.sample(list(_OPTIONS), 2) if chance.random() < 0.25 else []
    options = {name: chance.choice(_OPTIONS[name]) for name in named}
    return case({f"data.{suffix}": content}, options=options)


def play_table(case: Any) -> None:
    """Read a table; what was read has as many labels as rows, in classes that all occur."""
    from altune.data import load_dataset

    (name,) = case.files
    data = load_dataset(name, **case.options)
    assert data.X.shape[0] == data.n_rows == len(data.y), "rows and labels differ"
    assert sorted(set(data.y.tolist())) == list(range(data.n_classes)), "codes that are no classes"
    assert len(data.classes) == data.n_classes >= 2, "fewer than two classes"
    for shown in (data.fingerprint, repr(data), data.remarks):
        assert shown is not None
