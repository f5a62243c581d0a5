"""A damaged or odd file of each kind is refused in one line that names it, or read as an independent reader does."""

import bz2
import gzip
import io
import lzma
import os
import socket
import struct
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from altune.core.errors import AltuneWarning, DataError
from altune.data import Dataset
from tests.helpers.data_files import refused

TEXT = b"a,b,label\n" + b"".join(b"%d,%d.5,%s\n" % (i, i % 7, b"xy"[i % 2 :][:1]) for i in range(2000))
GZIP = gzip.compress(TEXT, mtime=0)
X, Y = np.arange(20.0).reshape(10, 2), np.array([0, 1] * 5)
CSR = {"data": np.ones(3), "indices": np.array([0, 1, 2]), "indptr": np.array([0, 1, 2, 3])}
CSR |= {"shape": np.array([3, 3]), "y": np.array([0, 1, 0])}
LABEL = pa.array(["x", "y"] * 2)


def written(path, content):
    path.write_bytes(content)
    return path


def npy(array):
    if isinstance(array, bytes):
        return array
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def head(text, body=b""):
    """Return an array of which the header is written by hand."""
    raw = text.encode()
    raw += b" " * (64 - (len(raw) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(raw)) + raw + body


def npz(packing=zipfile.ZIP_DEFLATED, **arrays):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packing) as archive:
        for name, array in arrays.items():
            archive.writestr(f"{name}.npy", npy(array))
    return stream.getvalue()


def patched(content, local, central, value):
    """Return a zip file with one byte of each header of its members changed."""
    content = bytearray(content)
    for mark, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        place = -1
        while (place := content.find(mark, place + 1)) >= 0:
            content[place + offset] = value
    return bytes(content)


def twice():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("X.npy", npy(X))
        archive.writestr("y.npy", npy(Y))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("X.npy", npy(X + 1))
    return stream.getvalue()


def arrow(columns, *, packed=False, **options):
    stream = io.BytesIO()
    write = feather.write_feather if packed else pq.write_table
    write(pa.table({"a": [1, 2, 3, 4], **columns, "label": LABEL}), stream, **options)
    return stream.getvalue()


def sheet(edit=lambda xml: xml):
    """Return an Excel file with two rows, whose sheet is edited."""
    book, stream, edited = openpyxl.Workbook(), io.BytesIO(), io.BytesIO()
    for row in (["a", "label"], [1, "x"], [2.5, "y"]):
        book.active.append(row)
    book.save(stream)
    with zipfile.ZipFile(stream) as before, zipfile.ZipFile(edited, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            after.writestr(name, edit(content) if name == "xl/worksheets/sheet1.xml" else content)
    return edited.getvalue()


@pytest.mark.parametrize("length", range(1, 21))
def test_a_gzip_file_that_ends_too_early_is_refused_at_every_length(tmp_path, length):
    assert "a damaged gzip file" in refused(written(tmp_path / "a.csv.gz", GZIP[: len(GZIP) * length // 21]))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (GZIP[:-8] + bytes(4) + GZIP[-4:], "a damaged gzip file (CRC"),
        (GZIP[:-4] + b"\0\0\0\1", "a damaged gzip file (Incorrect length"),
        (GZIP[:200] + bytes([GZIP[200] ^ 255]) + GZIP[201:], "a damaged gzip file"),
        (GZIP + b"garbage", "a damaged gzip file"),
        (TEXT, "a damaged gzip file"),
        (gzip.compress(b""), "is empty"),
    ],
    ids=["checksum", "length", "flipped", "garbage", "plain", "empty"],
)
def test_a_damaged_gzip_file_is_refused(tmp_path, content, said):
    assert said in refused(written(tmp_path / "a.csv.gz", content))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv.gz", gzip.compress(TEXT[:5000]) + gzip.compress(TEXT[5000:])),
        ("a.csv.gz", GZIP + bytes(100)),
        ("a.csv", b"\xef\xbb\xbf" + TEXT),
        ("a.csv", TEXT.decode().encode("utf-16")),
        ("a.csv", TEXT.decode().encode("utf-32")),
        ("a.csv", TEXT.replace(b"\n", b"\r")),
        ("a.csv", TEXT.replace(b"\n", b"\r\n")),
        ("a.csv", TEXT.replace(b"x\n", b"x\n\n", 50)),
    ],
    ids=["members", "zeros", "utf-8 mark", "utf-16", "utf-32", "cr", "crlf", "blank lines"],
)
def test_text_in_every_form_is_what_pandas_reads(tmp_path, name, content):
    data = Dataset.from_file(written(tmp_path / name, content))
    table = pd.read_csv(io.BytesIO(TEXT))
    assert np.array_equal(data.X, table[["a", "b"]])
    assert [data.classes[code] for code in data.y] == table["label"].tolist()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", GZIP, "begins like a gzip file, not like .csv; its name should end in .gz"),
        ("a.csv", lzma.compress(TEXT), "begins like a xz file"),
        ("a.csv", bz2.compress(TEXT), "begins like a bzip2 file"),
        ("a.jsonl", npz(X=X), "begins like a zip file"),
        ("a.csv", arrow({}), "its name should end in .parquet"),
        ("a.parquet", arrow({}, packed=True), "its name should end in .feather"),
        ("a.npz", npy(X), "it holds a single array; save X and y with numpy.savez(file, X=X, y=y)"),
        ("a.npy", npy(X), "holds a single array; save X and y"),
        ("a.csv", TEXT[:5000] + b"\0" + TEXT[5000:], "has a NUL character"),
        ("a.csv", TEXT + b'1,"2,x', "line 2002 opens a quotation mark that is not closed"),
        ("a.csv", b"a,label\n" + b"9" * 400 + b",x\n1,y\n", "has a number that is too large for a float"),
        ("a.csv", b"a,label\n1e999,x\n1,y\n", "column 'a' has inf in row 0"),
    ],
)
def test_a_file_of_another_kind_and_odd_text_are_refused(tmp_path, name, content, said):
    assert said in refused(written(tmp_path / name, content))


def test_column_names_like_the_first_bytes_of_other_files_are_names(tmp_path):
    assert Dataset.from_file(written(tmp_path / "a.csv", b"PAR1,label\n1,x\n2,y\n")).feature_names == ("PAR1",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (npz(X=np.array([[1, "a"]], dtype=object), y=Y), "the array X holds Python objects, which may run code"),
        (npz(X=X, y=np.array(list("ab" * 5), dtype=object)), "the array y holds Python objects"),
        (npz(X=b"\x80\x04\x95K\x01.", y=Y), "EOF: reading magic string"),
        (npz(X=b"NOTNUMPY" * 20, y=Y), "the magic string is not correct"),
        (npz(X=b"\x93NUMPY\x09\x00" + npy(X)[8:], y=Y), "the array X has the format (9, 0)"),
        (npz(X=b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31), y=Y), "has a header of 2147483648 bytes"),
        (npz(X=head("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 10)}"), y=Y), "and 0 are there"),
        (npz(X=head(f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({10**30},)}}"), y=Y), "and 0 are there"),
        (npz(X=head("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 2)}"), y=Y), "not a readable npz"),
        (npz(X=head("{'descr': '<f8', "), y=Y), "not a readable npz"),
        (npz(X=head("-" * 9000 + "1"), y=Y), "header of the array X is nested too deep"),
        (npz(X=npy(X)[:-8], y=Y), "needs 160 bytes, and 152 are there"),
        (npz(X=X, y=head("{'descr': '<U500000000', 'fortran_order': False, 'shape': (10,)}")), "and 0 are there"),
        (npz(X=X), "arrays X and y (or data"),
        (npz(), "present: none"),
        (npz(X=np.float64(3), y=Y), "X has the shape ()"),
        (npz(X=np.zeros(10, dtype=[("a", "f8")]), y=Y), "X has the shape (10,)"),
        (npz(X=X.astype(complex), y=Y), "complex numbers"),
        (npz(X=np.zeros((10, 2), "M8[D]"), y=Y), "datetime64[D] values"),
        (npz(X=X, y=np.array([0, np.nan] * 5)), "has no label"),
        (npz(X=X, y=np.array([""] * 10, dtype="U0")), "has no label"),
        (npz(X=X, y=Y[:3]), "X has 10 rows and y has 3 labels"),
        (patched(npz(X=X, y=Y), 6, 8, 1), "the array X is encrypted"),
        (patched(npz(X=X, y=Y), 8, 10, 99), "compression method is not supported"),
        (patched(npz(X=X, y=Y), 99, 6, 200), "zip file version 20.0"),
        (patched(npz(X=X, y=Y), 18, 20, 1), "not a readable npz"),
        (npz(X=X, y=Y)[:-10], "not a zip file"),
        (b"junk" + npz(X=X, y=Y), "not a readable npz"),
        (twice, "the array X occurs twice"),
        (npz(**{**CSR, "shape": np.array([np.inf, 3])}), "do not fit together"),
        (npz(**{**CSR, "indices": np.array([0, -1, 2])}), "do not fit together"),
        (npz(**{**CSR, "indptr": np.array([0, 5, 2, 3])}), "do not fit together"),
        (npz(**{**CSR, "data": np.array(["a", "b", "c"])}), "do not fit together"),
    ],
)
def test_a_damaged_npz_file_is_refused(tmp_path, content, said):
    assert said in refused(written(tmp_path / "a.npz", content() if callable(content) else content))


@pytest.mark.parametrize(
    "arrays",
    [
        {"X": np.asfortranarray(X)},
        {"X": X.astype(">f8"), "y": Y.astype(">i4")},
        {"X": X.astype("f2")},
        {"X": X.astype("g")},
        {"z": np.array([None], dtype=object), "w": b"junk"},
        {"X": head("{'descr': '<f8', 'fortran_order': False, 'shape': (10, 2)}", X.tobytes() + bytes(80))},
    ],
    ids=["fortran", "big-endian", "half", "long", "other arrays", "bytes after the end"],
)
def test_an_odd_npz_file_is_read_as_numpy_reads_it(tmp_path, arrays):
    path = written(tmp_path / "a.npz", npz(zipfile.ZIP_BZIP2, **{"X": X, "y": Y, **arrays}))
    data = Dataset.from_file(path)
    with np.load(path) as archive:
        assert np.array_equal(data.X, archive["X"].astype(float))
        assert np.array_equal(data.y, archive["y"])


def test_a_sparse_matrix_keeps_its_values_and_loses_millions_of_empty_columns(tmp_path):
    data = Dataset.from_file(written(tmp_path / "a.npz", npz(**{**CSR, "data": np.array([1, 2, 3], "f2")})))
    assert data.X.toarray().tolist() == [[1, 0, 0], [0, 2, 0], [0, 0, 3]]
    wide = npz(**{**CSR, "indices": np.array([0, 1, 49_999_999]), "shape": np.array([3, 50_000_000])})
    with pytest.warns(AltuneWarning, match="49999997 of 50000000 columns are 0 in all rows and are left out"):
        assert Dataset.from_file(written(tmp_path / "b.npz", wide)).X.toarray().tolist() == np.eye(3).tolist()
    rows = b"".join(b"%d 1:%d 50000000:1\n" % (row % 2, row + 1) for row in range(4))
    with pytest.warns(AltuneWarning, match="are left out"):
        data = Dataset.from_file(written(tmp_path / "c.svmlight", rows))
    assert data.X.toarray().tolist() == [[1, 1], [2, 1], [3, 1], [4, 1]]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"1 1:2 2:3\r0 1:1\r1 2:1\r", [[2, 3], [1, 0], [0, 1]]),
        (b"\xef\xbb\xbf1 1:2\r\n0 1:3 # text\r\n", [[2], [3]]),
        (b"1 qid:3 1:2\n0 qid:4 1:1\n", [[2], [1]]),
    ],
)
def test_svmlight_text_is_read_whatever_its_lines_end_in(tmp_path, content, rows):
    assert Dataset.from_file(written(tmp_path / "a.svmlight", content)).X.toarray().tolist() == rows


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"1 99999999999:1\n0 1:1\n", "line 1: index 99999999999 is larger than 2147483647"),
        (b"1 -1:1\n0 1:1\n", "index -1 follows -1"),
        (b"1 1:1e999\n0 1:1\n", "has inf in row 0"),
        (b"1 1:nan\n0 1:1\n", "has nan in row 0"),
        (b"1 1:2\0\n0 1:3\n", "line 1: '1:2\\x00' is not an index:value pair"),
        (b"1,2 1:2\n0 1:3\n", "the label '1,2' is not a number"),
        (b"9" * 400 + b" 1:1\n0 1:1\n", "is not exact in this kind of file"),
        (bytes(range(256)), "line 1"),
    ],
)
def test_damaged_svmlight_text_is_refused_with_the_line(tmp_path, content, said):
    assert said in refused(written(tmp_path / "a.svmlight", content))


@pytest.mark.parametrize("name", ["a.parquet", "a.feather", "a.xlsx"])
def test_a_packed_table_that_ends_too_early_is_refused_at_every_length(tmp_path, name):
    content = sheet() if name == "a.xlsx" else arrow({}, packed=name == "a.feather")
    for length in range(1, 20):
        assert "not a readable" in refused(written(tmp_path / name, content[: len(content) * length // 20]))


@pytest.mark.parametrize("packed", [False, True], ids=["parquet", "feather"])
def test_a_byte_that_changed_in_an_arrow_file_gives_one_line_or_values(tmp_path, packed):
    """Neither kind has checksums of everything, so that a changed value can be read; an impossible one is refused."""
    content = arrow({"b": pa.array(["u", "v", None, "w"])}, packed=packed, compression="lz4")
    path = tmp_path / ("a.feather" if packed else "a.parquet")
    for place in range(4, len(content), max(1, len(content) // 60)):
        message = path.name
        try:
            Dataset.from_file(written(path, content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]))
        except DataError as error:
            message = str(error)
        assert path.name in message
        assert "\n" not in message


@pytest.mark.parametrize("packed", [False, True], ids=["parquet", "feather"])
def test_columns_of_arrow_that_are_no_values_are_refused_by_name(tmp_path, packed):
    path = tmp_path / ("a.feather" if packed else "a.parquet")
    for values in (
        pa.array([b"a", b"b", b"c", b"d"]),
        pa.array([b"ab"] * 4, pa.binary(2)),
        pa.array([[1], [2], [], None]),
        pa.array([{"a": 1}] * 4),
        pa.array([[("a", 1)]] * 4, pa.map_(pa.string(), pa.int64())),
        pa.nulls(4),
    ):
        assert "column 'c'" in refused(written(path, arrow({"c": values}, packed=packed)))
        left = Dataset.from_file(path, drop="c")
        assert left.X.tolist() == [[1], [2], [3], [4]]
    assert "no rows" in refused(written(path, arrow({}, packed=packed)[:0] or _no_rows(packed)))


def _no_rows(packed):
    stream = io.BytesIO()
    table = pa.table({"a": [1], "label": ["x"]}).slice(0, 0)
    feather.write_feather(table, stream) if packed else pq.ParquetWriter(stream, table.schema).close()
    return stream.getvalue()


def test_values_of_arrow_are_those_that_arrow_has(tmp_path):
    columns = {
        "decimal": pa.array([1, 2, 3, None], pa.decimal128(10, 2)),
        "coded": pa.array([1.5, 2.5, 1.5, 2.5]).dictionary_encode(),
        "half": pa.array(np.arange(4, dtype="f2")),
        "large": pa.array([2**53, 1, 2, 3], pa.uint64()),
    }
    for packed in (False, True):
        path = written(tmp_path / ("a.feather" if packed else "a.parquet"), arrow(columns, packed=packed))
        data = Dataset.from_file(path)
        for name, values in columns.items():
            column = np.asarray(data.X[name] if data.kind == "table" else data.X[:, data.feature_names.index(name)])
            wanted = [np.nan if value is None else float(value) for value in values.to_pylist()]
            assert np.array_equal(column.astype(float), wanted, equal_nan=True)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda xml: xml.replace(b"<v>2.5</v>", b"<v>" + b"9" * 400 + b"</v>"), "too large for a float"),
        (lambda xml: xml.replace(b"<v>2.5</v>", b"<v>nan</v>"), "not a readable Excel file"),
        (lambda xml: b"junk", "not a readable Excel file"),
        (
            lambda xml: xml.replace(b"</sheetData>", b'<row><c r="D9"><v>1</v></c></row></sheetData>'),
            "column 4 has values",
        ),
    ],
)
def test_a_damaged_sheet_is_refused(tmp_path, edit, said):
    assert said in refused(written(tmp_path / "a.xlsx", sheet(edit)))


@pytest.mark.parametrize("name", ["a.csv", "a.npz", "a.parquet", "a.feather", "a.jsonl", "a.svmlight", "a.xlsx"])
def test_an_empty_file_and_what_is_no_file_are_refused_at_once(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    path = tmp_path / name
    assert "is empty" in refused(written(path, b""))
    path.unlink()
    path.symlink_to(path)
    assert "is a symbolic link that leads to itself" in refused(path)
    path.unlink()
    os.mkfifo(path)
    assert "is a pipe; give a file" in refused(path)
    path.unlink()
    path.mkdir()
    assert "is a directory; give a file" in refused(path)
    path.rmdir()
    path.symlink_to("/dev/zero")
    assert "is a device; give a file" in refused(path)
    path.unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        assert "is a socket; give a file" in refused(path)
