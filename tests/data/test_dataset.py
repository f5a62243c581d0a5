"""A data set says what it holds, never changes, and refuses what cannot be used with a line that helps."""

import datetime
import decimal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from altune.core.errors import DataError
from altune.data import Dataset
from altune.data.memory import available_memory, require_memory

IRIS = load_iris()


def iris(**changed):
    given = {"X": IRIS.data, "y": IRIS.target, **changed}
    return Dataset(given.pop("X"), given.pop("y"), **given)


def mixed_frame(n_rows=30):
    colours = ["red", "green", None, "blue", "red", "green"]
    return pd.DataFrame(
        {
            "size": np.arange(n_rows, dtype=float),
            "colour": [colours[i % 6] for i in range(n_rows)],
            "seen": pd.date_range("2024-01-01", periods=n_rows, freq="D"),
        }
    )


def test_labels_become_codes_and_plain_sorted_classes():
    data = iris(y=np.array(IRIS.target_names)[IRIS.target])
    assert data.classes == ("setosa", "versicolor", "virginica")
    assert all(type(name) is str for name in data.classes)
    assert data.y.dtype == np.intp
    assert np.array_equal(data.y, IRIS.target)
    assert data.class_counts.tolist() == [50, 50, 50]


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array([1.0, -1.0, 1.0]), (-1, 1)),
        (np.array([10, 9, 10], dtype=np.uint8), (9, 10)),
        ([True, False, True], (False, True)),
        (pd.Series(["b", "a", "b"], dtype="category"), ("a", "b")),
        (["x", 2, "x"], (2, "x")),
        (np.array([b"q", b"p", b"q"]), ("p", "q")),
        (pd.Series(pd.to_datetime(["2024-02-01", "2024-01-01", "2024-02-01"])), ("2024-01-01 00:00:00",)),
    ],
)
def test_classes_are_plain_scalars_whatever_the_labels_came_as(labels, classes):
    data = Dataset([[0.0], [1.0], [2.0]], labels)
    assert data.classes[: len(classes)] == classes
    assert [type(name) for name in data.classes[: len(classes)]] == [type(name) for name in classes]
    assert data.y.tolist() == [1, 0, 1]


def test_given_classes_keep_their_order_and_may_lack_rows():
    data = Dataset([[0.0], [1.0]], ["a", "b"], classes=["c", "b", "a"])
    assert data.classes == ("c", "b", "a")
    assert data.y.tolist() == [2, 1]
    assert data.class_counts.tolist() == [0, 1, 1]
    data.require_rows_per_class(1)


def test_a_data_set_cannot_be_changed_through_what_it_was_made_from():
    X, y = IRIS.data.copy(), IRIS.target.copy()
    data = iris(X=X, y=y)
    before = data.fingerprint
    X[:], y[:] = 0.0, 0
    assert iris(X=data.X, y=data.y).fingerprint == before
    with pytest.raises(ValueError, match="read-only"):
        data.X[0, 0] = 1.0
    with pytest.raises(AttributeError, match="immutable"):
        data.name = "other"
    frame = mixed_frame()
    table = Dataset(frame, ["a", "b"] * 15)
    frame.loc[0, "colour"] = "changed"
    assert table.X.loc[0, "colour"] == "red"


def test_numbers_are_float64_in_c_order_and_a_numeric_frame_is_dense():
    data = iris(X=np.asfortranarray(IRIS.data.astype(np.float32)))
    assert data.X.dtype == np.float64
    assert data.X.flags.c_contiguous
    frame = pd.DataFrame(IRIS.data, columns=list("abcd"), index=range(500, 650))
    frame["e"] = pd.array([1, None, 3] * 50, dtype="Int64")
    frame["f"] = [decimal.Decimal("0.5"), None] * 75
    frame["g"] = [True, False] * 75
    dense = iris(X=frame)
    assert (dense.kind, dense.feature_names) == ("dense", tuple("abcdefg"))
    assert np.isnan(dense.X[1, 4])
    assert dense.X[0, 4:].tolist() == [1.0, 0.5, 1.0]


def test_a_frame_with_text_dates_or_categories_stays_a_table_with_a_fresh_index():
    frame = mixed_frame().set_index(np.arange(100, 130))
    frame["day"] = [datetime.date(2024, 1, 1)] * 30
    frame["kind"] = pd.Categorical(["a", "b", "c"] * 10)
    frame["took"] = pd.to_timedelta(np.arange(30), unit="min")
    data = Dataset(frame, ["a", "b"] * 15)
    assert data.kind == "table"
    assert data.X.index.tolist() == list(range(30))
    assert data.X["size"].dtype == np.float64
    assert data.X["took"].iloc[2] == 120.0
    assert pd.api.types.is_datetime64_any_dtype(data.X["day"])


def test_sparse_features_of_any_format_become_canonical_csr():
    dense = np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 3.0]])
    for make in (sp.csc_matrix, sp.coo_array, sp.lil_matrix):
        data = Dataset(make(dense), ["a", "b"])
        assert data.kind == "sparse"
        assert data.X.format == "csr"
        assert data.X.indices.dtype == np.int32
        assert np.array_equal(data.X.toarray(), dense)


def test_the_fingerprint_depends_on_content_and_on_nothing_else():
    data = iris()
    assert iris(name="another").fingerprint == data.fingerprint
    assert iris(X=IRIS.data.astype(">f8"), y=list(IRIS.target)).fingerprint == data.fingerprint
    moved = IRIS.data.copy()
    moved[0, 0] = np.nextafter(moved[0, 0], 9)
    flipped = IRIS.target.copy()
    flipped[0] = 1
    others = [
        iris(X=moved),
        iris(y=flipped),
        iris(y=IRIS.target.astype(str)),
        iris(classes=[2, 1, 0]),
        iris(feature_names=IRIS.feature_names),
        iris(X=IRIS.data[:, ::-1]),
        iris(X=sp.csr_matrix(IRIS.data)),
    ]
    assert len({data.fingerprint, *(other.fingerprint for other in others)}) == 8


def test_the_fingerprint_of_a_table_sees_every_kind_of_column():
    labels = ["a", "b"] * 15
    base = mixed_frame()
    changed = []
    for column, value in (("size", -5.0), ("colour", "yellow"), ("seen", pd.Timestamp("1999-01-01"))):
        frame = base.copy()
        frame.loc[3, column] = value
        changed.append(Dataset(frame, labels).fingerprint)
    renamed = Dataset(base.rename(columns={"size": "length"}), labels).fingerprint
    assert len({Dataset(base, labels).fingerprint, *changed, renamed}) == 5
    assert Dataset(base.astype({"colour": object}), labels).fingerprint == Dataset(base, labels).fingerprint


@pytest.mark.slow
def test_the_fingerprint_is_the_same_in_another_process_and_is_pinned():
    code = (
        "import numpy as np; from altune.data import Dataset;"
        "print(Dataset(np.arange(6.0).reshape(3, 2), ['a', 'b', 'a']).fingerprint)"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    here = Dataset(np.arange(6.0).reshape(3, 2), ["a", "b", "a"]).fingerprint
    assert here == there == "b89b2e81677f39dbb62c67a434d19694"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_fingerprint_of_sparse_data_ignores_the_order_of_indices_and_stored_zeros(seed):
    rng = np.random.default_rng(seed)
    matrix = sp.random_array((8, 6), density=0.4, rng=rng, format="coo")
    order = rng.permutation(matrix.nnz)
    rows, columns = matrix.coords
    shuffled = sp.coo_array((matrix.data[order], (rows[order], columns[order])), shape=(8, 6)).tocsr()
    shuffled.data = np.append(shuffled.data, 0.0)
    shuffled.indices = np.append(shuffled.indices, 0)
    shuffled.indptr = shuffled.indptr + np.array([0] * 8 + [1], dtype=shuffled.indptr.dtype)
    labels = ["a", "b"] * 4
    assert Dataset(shuffled, labels).fingerprint == Dataset(matrix, labels).fingerprint


def test_the_fingerprint_takes_minus_zero_and_every_nan_for_one_value():
    odd = np.frombuffer(np.uint64(0xFFF8000000000123).tobytes(), dtype=np.float64)[0]
    first = Dataset([[0.0, np.nan], [1.0, 1.0]], ["a", "b"])
    assert Dataset([[-0.0, odd], [1.0, 1.0]], ["a", "b"]).fingerprint == first.fingerprint


def test_repr_tells_name_size_kind_and_the_rarest_class():
    assert repr(iris(y=[0] * 100 + [1] * 50, name="iris")) == (
        "Dataset('iris': 150 rows, 4 features (dense), 2 classes, rarest 1 with 50 rows)"
    )


def refused(*args, **kwargs):
    with pytest.raises(DataError) as caught:
        Dataset(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_unusable_labels_are_refused_with_the_row():
    X = np.zeros((3, 1))
    assert "all 3 rows have the class" in refused(X, ["a", "a", "a"])
    assert "row 1" in refused(X, ["a", None, "b"])
    assert "row 2" in refused(X, np.array([0.0, 1.0, np.nan]))
    assert "3 rows and y has 2" in refused(X, ["a", "b"])
    assert "no rows" in refused(X, [])
    assert "(3, 2)" in refused(X, np.eye(3)[:, :2])
    assert "plain value" in refused(X, [["a"], ["b"], ["c"]])
    assert "row 2 has the label 'c'" in refused(X, ["a", "b", "c"], classes=["a", "b"])
    assert "'a' twice" in refused(X, ["a", "b", "a"], classes=["a", "b", "a"])


def test_numbers_to_regress_on_are_told_from_classes():
    rng = np.random.default_rng(0)
    assert "looks like regression" in refused(np.zeros((200, 1)), rng.normal(size=200))
    halves = Dataset(np.zeros((200, 1)), rng.integers(0, 5, size=200) / 2)
    assert halves.classes == (0, 0.5, 1, 1.5, 2)


def test_unusable_arrays_are_refused_with_the_place():
    y = ["a", "b"]
    assert "'x' in row 1, column 0" in refused(np.array([[1, 2], ["x", 3]], dtype=object), y)
    assert "<U1 values such as '1'" in refused(np.array([["1"], ["2"]]), y)
    assert "row 1: give" in refused([[1.0], [np.inf]], y).replace(";", ":")
    assert "column 'b' has no value" in refused([[1.0, np.nan], [2.0, np.nan]], y, feature_names=["a", "b"])
    assert "different lengths" in refused([[1.0], [2.0, 3.0]], y)
    assert "(2,)" in refused([1.0, 2.0], y)
    assert "(2, 3, 4)" in refused(np.zeros((2, 3, 4)), y)
    assert "empty" in refused(np.zeros((0, 4)), [])
    assert "complex" in refused(np.zeros((2, 1), dtype=complex), y)
    assert "2 feature names for 1 columns" in refused([[1.0], [2.0]], y, feature_names=["a", "b"])
    assert "column 2" in refused(sp.csr_matrix([[0, 0, np.nan], [1, 0, 0]]), y)


def test_unusable_frames_are_refused_with_the_column():
    y = ["a", "b"]
    assert "'age' has no value" in refused(pd.DataFrame({"age": [None, None], "c": ["x", "y"]}), y)
    assert "'age' has inf in row 1" in refused(pd.DataFrame({"age": [1, np.inf], "c": ["x", "y"]}), y)
    assert "'c' occurs twice" in refused(pd.DataFrame([[1, 2], [3, 4]], columns=["c", "c"]), y)
    assert "'c' holds a list in row 1" in refused(pd.DataFrame({"c": ["x", ["y"]]}), y)
    assert "'c' holds complex" in refused(pd.DataFrame({"c": [1j, 2j]}), y)
    assert "column names of its own" in refused(pd.DataFrame({"c": [1, 2]}), y, feature_names=["d"])
    assert "empty" in refused(pd.DataFrame({"c": []}), [])


def test_a_class_too_rare_to_split_is_named_with_its_rows():
    data = iris(y=["common"] * 147 + ["rare"] * 3)
    data.require_rows_per_class(3)
    with pytest.raises(DataError, match=r"'rare' has 3 rows, .* the 5 that"):
        data.require_rows_per_class(5)


def test_more_numbers_than_memory_are_refused_before_they_are_made():
    require_memory(1000, 1000, "X", available=8_000_000)
    with pytest.raises(DataError, match=r"the table, 1000 rows x 1001 columns, needs"):
        require_memory(1000, 1001, "the table", available=8_000_000)
    free = available_memory()
    assert free is None or 10**6 < free < 10**15
    with pytest.raises(DataError, match="GB are free"):
        require_memory(10**9, 10**9, "X")


def test_a_frame_too_wide_for_memory_is_refused(monkeypatch):
    monkeypatch.setattr("altune.data.memory.available_memory", lambda: 1000)
    assert "150 rows x 4 columns" in refused(pd.DataFrame(IRIS.data), IRIS.target)
