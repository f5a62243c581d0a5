"""Files are read as their writer meant them, a broken one is told by its place, and nothing in one runs."""

import gzip
import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.datasets import dump_svmlight_file, load_wine

from altune.core.errors import DataError
from altune.data import Dataset, load_dataset
from altune.data.files import data_name
from altune.data.readers import find_target

WINE = load_wine(as_frame=True)
TABLE = WINE.data.assign(label=np.array(["low", "mid", "high"])[WINE.target])


def write(path, text):
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(path, target=None):
    with pytest.raises(DataError) as caught:
        Dataset.from_file(path, target)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


def as_csv(path):
    TABLE.to_csv(path, index=False)


def as_tsv(path):
    TABLE.to_csv(path, index=False, sep="\t")


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("wine.csv", as_csv),
        ("wine.csv.gz", as_csv),
        ("wine.CSV", as_csv),
        ("wine.tsv", as_tsv),
        ("wine.tsv.gz", as_tsv),
        ("wine.parquet", lambda path: TABLE.to_parquet(path)),
    ],
)
def test_a_table_reads_back_the_same_from_every_format(tmp_path, name, save):
    save(tmp_path / name)
    data = load_dataset(tmp_path / name)
    assert data.name == "wine"
    assert data.feature_names == tuple(WINE.data.columns)
    assert data.classes == ("high", "low", "mid")
    assert data.fingerprint == Dataset(WINE.data, TABLE["label"]).fingerprint


@pytest.mark.parametrize("name", ["wine.svmlight", "wine.libsvm", "wine.svmlight.gz"])
def test_svmlight_reads_back_as_sparse_with_integer_labels(tmp_path, name):
    path = tmp_path / name
    plain = tmp_path / "plain"
    dump_svmlight_file(WINE.data.to_numpy(), WINE.target.to_numpy(), str(plain), zero_based=False)
    path.write_bytes(gzip.compress(plain.read_bytes()) if name.endswith("gz") else plain.read_bytes())
    data = Dataset.from_file(path)
    assert (data.kind, data.classes) == ("sparse", (0, 1, 2))
    assert np.allclose(data.X.toarray(), WINE.data)


def test_npz_reads_dense_arrays_and_the_parts_of_a_csr_matrix(tmp_path):
    X, y = WINE.data.to_numpy(), TABLE["label"].to_numpy(dtype=str)
    np.savez(tmp_path / "dense.npz", X=X, y=y)
    matrix = sp.csr_matrix(X)
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "shape": matrix.shape}
    np.savez_compressed(tmp_path / "sparse.npz", y=y, format=b"csr", **parts)
    assert np.array_equal(Dataset.from_file(tmp_path / "dense.npz").X, X)
    sparse = Dataset.from_file(tmp_path / "sparse.npz")
    assert sparse.kind == "sparse"
    assert np.array_equal(sparse.X.toarray(), X)
    parts["indices"] = parts["indices"] + 100
    np.savez(tmp_path / "column.npz", y=y, format=b"csc\xff", **parts)
    assert "the sparse format is b'csc\\xff'; save X.tocsr()" in refused(tmp_path / "column.npz")
    np.savez(tmp_path / "torn.npz", y=y, **parts)
    assert "do not fit together" in refused(tmp_path / "torn.npz")


def test_npz_without_the_arrays_names_those_it_found(tmp_path):
    np.savez(tmp_path / "other.npz", features=np.eye(3), labels=np.arange(3))
    assert "present: features, labels" in refused(tmp_path / "other.npz")
    with (tmp_path / "single.npz").open("wb") as file:
        np.save(file, np.eye(3))
    assert "a single array; save X and y" in refused(tmp_path / "single.npz")


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('the file ran code')",))


def test_nothing_in_a_file_is_executed(tmp_path):
    np.savez(tmp_path / "objects.npz", X=np.array([[Bomb()], [Bomb()]], dtype=object), y=np.arange(2))
    assert "may run code" in refused(tmp_path / "objects.npz")
    bomb = pickle.dumps(Bomb())
    assert "may run code" in refused(write(tmp_path / "pickled.npz", bomb))
    assert "may run code" in refused(write(tmp_path / "model.pkl", bomb))
    for name in ("a.csv", "a.parquet", "a.svmlight"):
        refused(write(tmp_path / name, bomb))


def test_labels_keep_their_type_and_text_stays_text(tmp_path):
    path = write(tmp_path / "a.csv", "zip,when,y\n01,2024-01-05,1\n02,2024-02-06,2\nx3,2024-03-07,1\n")
    data = Dataset.from_file(path)
    assert data.classes == (1, 2)
    assert data.X["zip"].tolist() == ["01", "02", "x3"]
    assert data.X["when"].tolist()[0] == "2024-01-05"
    flags = Dataset.from_file(write(tmp_path / "b.csv", "x,y\n1,True\n2,False\n"))
    assert flags.classes == (False, True)
    assert all(type(name) is bool for name in flags.classes)


def test_from_csv_takes_another_separator_a_target_and_a_byte_order_mark(tmp_path):
    path = write(tmp_path / "mine.txt", "\ufeffkind;x\na;1,5\nb;2,5\n")
    data = Dataset.from_csv(path, target="kind", sep=";", name="own")
    assert (data.name, data.classes, data.feature_names) == ("own", ("a", "b"), ("x",))


def test_quoted_fields_may_hold_separators_and_line_breaks(tmp_path):
    path = write(tmp_path / "q.csv", 'note,label\n"a, b\nc",x\nplain,y\n')
    assert Dataset.from_file(path).X["note"].tolist() == ["a, b\nc", "plain"]


def test_the_target_is_found_by_its_usual_names_or_asked_for():
    assert find_target(["a", "Target"], None, "f") == "Target"
    assert find_target(["label", "class"], "class", "f") == "class"
    for columns, target, said in [
        (["a", "b"], None, "no column is named target or label; give --target COLUMN"),
        (["label", "class"], None, "several columns could be the target (label, class)"),
        (["species", "b"], "specis", "did you mean 'species'? columns: species, b"),
        ([f"c{i}" for i in range(500)], "zzz", "(500 in total)"),
    ]:
        with pytest.raises(DataError) as caught:
            find_target(columns, target, "f")
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("long.csv", "a,b,label\n1,2,x\n1,2,3,y\n", "line 3 has 4 fields, but line 1 names 3"),
        ("short.csv", "a,b,label\n1,2,x\n1,y\n1,2,x\n", "line 3 has 2 fields, but line 1 names 3"),
        ("wide.csv", "a,label\n1,2,x\n1,2,y\n", "line 2 has 3 fields, but line 1 names 2 columns"),
        ("latin.csv", "a,label\n1,x\n2,caf\xe9\n".encode("latin-1"), "line 3: byte 0xe9"),
        ("utf16.csv", "a,label\n1,\u0142\n".encode("utf-16-le"), "NUL character"),
        ("empty.csv", "", "is empty"),
        ("blank.csv", "\n\n", "is empty"),
        ("header.csv", "a,label\n", "no rows"),
        ("only.csv", "label\nx\ny\n", "only the target column 'label'"),
        ("twice.csv", "a,a,label\n1,2,x\n3,4,y\n", "'a' occurs twice"),
        ("index.csv", ",a,label\n0,1,x\n1,2,y\n", "column 1 has no name"),
        ("semicolons.csv", "a;label\n1;x\n2;y\n", "contains ';'"),
        ("gap.csv", "a,label\n1,x\n2,\n3,y\n", "row 1 (counted from 0) has no label"),
        ("gone.csv", "a,b,label\n,1,x\n,2,y\n", "column 'a' has no value"),
        ("quote.csv", 'a,label\n1,"x\n2,y\n', "not a readable table"),
        ("torn.parquet", "PAR1 and no more", "not a readable Parquet"),
        ("torn.csv.gz", gzip.compress(b"a,label\n" + b"1,x\n2,y\n" * 999, mtime=0)[:-20], "torn"),
        ("plain.csv.gz", "a,label\n1,x\n", "a damaged gzip file"),
        ("torn.npz", "PK\x03\x04 and no more", "not a readable npz"),
        ("word.svmlight", "1 1:0.5\n0 1:x\n", "line 2: '1:x' is not an index:value pair"),
        ("label.svmlight", "1 1:0.5\nspam 1:1\n", "line 2: the label 'spam' is not a number"),
        ("order.svmlight", "1 1:0.5\n\n0 3:1 2:1\n", "line 3: index 2 follows 3"),
        ("torn.svmlight.gz", gzip.compress(b"1 1:0.5\n" * 99, mtime=0)[:-9], "torn"),
        ("none.svmlight", "# nothing\n", "no rows"),
        ("name.csv", '"a\nb",c\n1,2\n', r"one of: 'a\nb', c"),
        ("name2.csv", "x" * 500 + ",c\n1,2\n", f"one of: '{'x' * 60}', c"),
        ("digits.csv", "a,label\n" + "9" * 400 + ",x\n1,y\n", "column 'a' has a number that is too large"),
        ("table.xls", "x", "accepted: .csv, .tsv, .jsonl, .ndjson, .parquet, .feather, .xlsx, .npz, .svmlight"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(tmp_path, name, content, said):
    assert said in refused(write(tmp_path / name, content))


def test_a_cut_off_parquet_file_is_refused(tmp_path):
    TABLE.to_parquet(tmp_path / "whole.parquet")
    cut = (tmp_path / "whole.parquet").read_bytes()[:-100]
    assert "truncated" in refused(write(tmp_path / "cut.parquet", cut))


def test_a_missing_file_a_folder_and_a_useless_target_are_refused(tmp_path):
    as_csv(tmp_path / "wine.csv")
    assert "similar: wine.csv" in refused(tmp_path / "wines.csv")
    (tmp_path / "folder.csv").mkdir()
    assert "is a directory" in refused(tmp_path / "folder.csv")
    write(tmp_path / "a.svmlight", "1 1:1\n0 1:2\n")
    assert "leave out the target column" in refused(tmp_path / "a.svmlight", target="label")
    assert "no target column 'lable'; did you mean 'label'?" in refused(tmp_path / "wine.csv", target="lable")


def test_a_file_of_numbers_to_regress_on_is_refused_by_name(tmp_path):
    frame = pd.DataFrame({"x": np.arange(100), "y": np.random.default_rng(0).normal(size=100)})
    frame.to_csv(tmp_path / "prices.csv", index=False)
    assert "looks like regression" in refused(tmp_path / "prices.csv")


def test_a_file_names_its_data_without_suffixes():
    assert [data_name(name) for name in ("/a/b.csv.gz", "c.v2.parquet", "d.txt")] == ["b", "c.v2", "d"]
