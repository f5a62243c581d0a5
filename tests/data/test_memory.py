"""What would not fit into memory is refused before it is taken, by a limit that is given or by the free memory."""

import gzip
import io
import json
import shlex
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from altune.core.errors import DataError
from altune.data import Dataset, Reading, as_dataset, encode
from altune.data.memory import as_memory, available_memory
from altune.simulation.environment import make_environment
from altune.simulation.execution.items import WorkItem
from altune.simulation.execution.player import Player
from altune.simulation.play import recipe_with
from tests.helpers.data_files import refused

MEGABYTE = 10**6
LIMIT = "20MB"


def packed(path, head, unit):
    """Write a packed text file of 40 MB whose rest is one text again and again."""
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(head)
        part = unit * (MEGABYTE // len(unit))
        for _ in range(40):
            stream.write(part)


def zeros(path):
    np.savez_compressed(path, X=np.zeros((200_000, 10)), y=np.arange(200_000) % 2)


def columns_of_keys(path):
    lines = (json.dumps({f"k{row}": 1, "label": "xy"[row % 2]}) for row in range(1500))
    path.write_text("\n".join(lines), "utf-8")


def table_of(column):
    return pa.table({"a": column, "label": pa.DictionaryArray.from_arrays(np.zeros(len(column), "i1"), ["x"])})


def repeated(path):
    """A text of 20 kB that is stored once for 4,000 rows."""
    table = table_of(pa.array(["w" * 20_000] * 4000))
    pq.write_table(table, path, compression="zstd")


def prefixes(path):
    """Texts that share their beginning, of which only the rest is stored."""
    encoding = {"a": "DELTA_BYTE_ARRAY"}
    table = table_of(pa.array(["w" * 20_000] * 4000))
    pq.write_table(table, path, compression="zstd", use_dictionary=False, column_encoding=encoding)


def many_rows(path):
    table = table_of(pa.array(np.zeros(500_000)))
    (pq.write_table if path.suffix == ".parquet" else feather.write_feather)(table, path, compression="zstd")


def long_texts(path):
    feather.write_feather(table_of(pa.array(["w" * 20_000] * 4000)), path, compression="zstd")


def nothing(path):
    feather.write_feather(table_of(pa.nulls(2_000_000)), path, compression="zstd")


def sheet(path, name, edit):
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in (["a", "label"], [1, "x"], [2, "y"]):
        book.active.append(row)
    book.save(stream)
    with zipfile.ZipFile(stream) as before, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as after:
        for member in before.namelist():
            after.writestr(member, edit(before.read(member)) if member == name else before.read(member))


def far_cell(path):
    rows = b"".join(b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (row, row) for row in range(4, 104))
    end = rows + b'<row r="104"><c r="XFD104"><v>1</v></c></row></sheetData>'
    sheet(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"</sheetData>", end))


def blanks(path):
    end = b"<row><c><v>" + b" " * 5 * MEGABYTE + b"1</v></c></row></sheetData>"
    sheet(path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"</sheetData>", end))


def styles(path):
    sheet(path, "xl/styles.xml", lambda xml: xml.replace(b"</cellXfs>", b"<xf/>" * 30_000 + b"</cellXfs>"))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("rows.csv.gz", lambda path: packed(path, b"a,b,label\n", b"1,2,x\n3,4,y\n")),
        ("line.csv.gz", lambda path: packed(path, b"a,b,label\n1,2,x\n", b"w")),
        ("quote.csv.gz", lambda path: packed(path, b'a,b,label\n1,2,x\n1,"', b"w")),
        ("head.tsv.gz", lambda path: packed(path, b"", b"w")),
        ("rows.jsonl.gz", lambda path: packed(path, b"", b'{"a":"' + b"w" * 5000 + b'","label":"x"}\n')),
        ("line.jsonl.gz", lambda path: packed(path, b'{"a":"', b"w")),
        ("keys.jsonl", columns_of_keys),
        ("rows.svmlight.gz", lambda path: packed(path, b"", b"1 1:1\n0 1:2\n")),
        ("line.svmlight.gz", lambda path: packed(path, b"1 ", b"1:1 ")),
        ("zeros.npz", zeros),
        ("repeated.parquet", repeated),
        ("prefixes.parquet", prefixes),
        ("rows.parquet", many_rows),
        ("rows.feather", many_rows),
        ("texts.feather", long_texts),
        ("nothing.feather", nothing),
        ("far.xlsx", far_cell),
        ("blanks.xlsx", blanks),
        ("styles.xlsx", styles),
    ],
)
def test_a_small_file_with_much_in_it_is_refused_before_it_is_read(tmp_path, name, write):
    path = tmp_path / name
    write(path)
    assert path.stat().st_size < MEGABYTE
    refused(path, memory="1MB")  # what is imported for the first time counts too
    tracemalloc.start()
    message = refused(path, memory=LIMIT)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "of memory, and the limit is 20.0 MB (--memory)" in message
    assert most < 30 * MEGABYTE


def test_what_fits_is_read_and_the_limit_is_kept_with_the_data(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b,label\n" + "1,u,x\n2,v,y\n" * 30, "utf-8")
    data = Dataset.from_file(path, memory=LIMIT)
    assert data.memory == 20 * MEGABYTE
    assert data.fingerprint == Dataset.from_file(path).fingerprint
    assert as_dataset(data, Reading(memory="1GB")).memory == 10**9
    assert as_dataset("iris", Reading(memory="1GB")).memory == 10**9
    assert Reading(memory="1GB").stored == {"target": None}
    rows = np.arange(60_000)
    table = pd.DataFrame({"size": rows * 0.5, "colour": np.array(["red", "blue"])[rows % 2]})
    with pytest.raises(DataError, match="the table as numbers, 60001 rows"):
        encode(as_dataset(Dataset(table, rows % 2), Reading(memory="1MB")), rows, rows[:1])


@pytest.mark.parametrize("value", ["4", "x", "1e9", "-4GB", "0GB", 10, True, 1.5, "4 PB", "9" * 400])
def test_a_limit_that_is_no_size_is_refused(value):
    with pytest.raises(DataError, match="such as 4GB, 500MB or 2GiB, not"):
        Reading(memory=value)


def test_sizes_in_words_are_bytes():
    sizes = {"4GB": 4 * 10**9, "500m": 500 * 10**6, "2 GiB": 2 << 30, "1.5T": 1500 * 10**9, 10**6: 10**6}
    assert {given: as_memory(given) for given in sizes} == sizes


def test_the_free_memory_is_that_of_the_system_or_of_the_innermost_group(tmp_path):
    process, groups = tmp_path / "proc/self", tmp_path / "sys/fs/cgroup"
    process.mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 8000 kB\n", "utf-8")
    assert available_memory(tmp_path) == 8000 * 1024
    (process / "cgroup").write_text("0::/a/b\n", "utf-8")
    for name, limit in (("a", "5000"), ("a/b", "max")):
        (groups / name).mkdir(parents=True)
        (groups / name / "memory.max").write_text(limit, "utf-8")
        (groups / name / "memory.current").write_text("3000", "utf-8")
        (groups / name / "memory.stat").write_text("anon 5\ninactive_file 1000\nactive_file 200\n", "utf-8")
    assert available_memory(tmp_path) == 5000 - 3000 + 1200
    (process / "cgroup").write_text("9:memory:/c\n3:cpu:/d\n", "utf-8")
    (groups / "memory/c").mkdir(parents=True)
    (groups / "memory/c/memory.limit_in_bytes").write_text("4000", "utf-8")
    (groups / "memory/c/memory.usage_in_bytes").write_text("3000", "utf-8")
    (groups / "memory/c/memory.stat").write_text("inactive_file 1\n", "utf-8")
    assert available_memory(tmp_path) == 1001


def test_a_limit_of_the_process_counts():
    code = "from altune.data.memory import available_memory; print(available_memory())"
    command = f"ulimit -v 3000000; exec {shlex.quote(sys.executable)} -c {shlex.quote(code)}"
    free = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout
    assert int(free) < 3000000 * 1024


def test_simulations_that_cannot_fit_are_refused_with_the_number_of_processes_that_fit():
    rows = 5000
    data = Dataset(np.arange(rows, dtype=float).reshape(-1, 1), np.arange(rows) % 100, name="many")
    environment = make_environment(data, budget=200, memory="15MB")
    items = [WorkItem(recipe_with("margin"), block, environment) for block in environment.blocks("search", 4)]
    with Player(jobs=4) as player, pytest.raises(DataError) as caught:
        player.play(items)
    assert str(caught.value) == (
        "many: playing in 4 processes, with probabilities of 100 classes for 3000 pool rows, needs about 22.4 MB of "
        "memory, and the limit is 15.0 MB (--memory); give --jobs 2 (n_jobs=2)"
    )
