"""Encoding is fitted on the features of the pool rows: neither test rows nor labels can move it."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from altune.core.errors import DataError, RequestError
from altune.data import Dataset, encode, load_dataset

POOL, TEST = np.arange(0, 200), np.arange(200, 300)


def table(n_rows=300, seed=0):
    """Numbers with gaps, few and many categories, text, dates as text and as instants."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=n_rows)
    numbers[rng.random(n_rows) < 0.1] = np.nan
    words = np.array(["soft", "loud", "warm", "cold", "old", "new", "thin", "thick"])
    return pd.DataFrame(
        {
            "size": numbers,
            "stamp": 1.6e9 + rng.integers(0, 100, size=n_rows).astype(float),
            "colour": rng.choice(["red", "green", "blue"], size=n_rows),
            "grade": pd.Categorical(rng.choice(["1", "2", "3"], size=n_rows)),
            "text": [" ".join(rng.choice(words, size=4)) for _ in range(n_rows)],
            "day": pd.Series(pd.date_range("2024-01-01", periods=n_rows)).dt.strftime("%Y-%m-%d"),
            "when": pd.date_range("2024-01-01", periods=n_rows, freq="h"),
        }
    )


def labels(n_rows=300):
    return np.arange(n_rows) % 2


def other_test_rows(frame):
    """Return the frame with everything about its test rows changed, to values the pool never has."""
    changed = frame.copy()
    changed["grade"] = changed["grade"].cat.add_categories(["0", "9"])
    changed.loc[TEST, "size"] = 1e6
    changed.loc[TEST, "colour"] = "unheard of"
    changed.loc[TEST, "grade"] = "0"
    changed.loc[TEST, "text"] = [f"entirely different {i}" for i in TEST]
    changed.loc[TEST, "day"] = "no date"
    changed.loc[TEST, "when"] = pd.NaT
    return changed


@pytest.mark.parametrize("kind", ["table", "dense", "gaps", "sparse"])
@pytest.mark.parametrize("scaling", ["auto", "standard", "none"])
def test_changing_the_test_rows_changes_no_bit_of_the_pool(kind, scaling):
    frame = table()
    numbers = np.random.default_rng(1).normal(size=(300, 5))
    if kind == "gaps":
        numbers[::7, 2] = np.nan
    changed = numbers.copy()
    changed[TEST] = 1e3
    changed[TEST[0], 0] = np.nan if kind != "sparse" else 5.0
    before, after = {
        "table": (frame, other_test_rows(frame)),
        "sparse": (sp.csr_matrix(numbers), sp.csr_matrix(changed)),
    }.get(kind, (numbers, changed))
    first, _ = encode(Dataset(before, labels()), POOL, TEST, scaling=scaling)
    second, test = encode(Dataset(after, labels()), POOL, TEST, scaling=scaling)
    if kind == "sparse":
        first, second, test = first.toarray(), second.toarray(), test.toarray()
    assert first.tobytes() == second.tobytes()
    assert np.isfinite(test).all()


def test_labels_are_never_used_and_the_same_call_gives_the_same_bits():
    frame = table()
    first = encode(Dataset(frame, labels()), POOL, TEST)
    second = encode(Dataset(frame, labels()[::-1]), POOL, TEST)
    assert [part.tobytes() for part in first] == [part.tobytes() for part in second]


def test_dense_features_get_the_pools_mean_and_variance():
    data = load_dataset("wine")
    pool, test = encode(data, np.arange(0, 178, 2), np.arange(1, 178, 2))
    raw = data.X[::2]
    assert np.allclose(pool.mean(axis=0), 0.0)
    assert np.allclose(pool.std(axis=0), 1.0)
    assert np.allclose(test, (data.X[1::2] - raw.mean(axis=0)) / raw.std(axis=0))
    assert pool.dtype == np.float64
    assert pool.flags.c_contiguous
    assert pool.flags.writeable


def test_the_data_set_itself_is_left_as_it_was():
    data = load_dataset("iris")
    before = data.X.copy()
    encode(data, np.arange(100), np.arange(100, 150))
    assert np.array_equal(data.X, before)
    plain, _ = encode(data, [3, 1], [0], scaling="none")
    assert np.array_equal(plain, before[[3, 1]])


def test_gaps_get_the_pools_median_and_a_column_that_marks_them():
    X = np.array([[1.0, 5.0], [np.nan, 6.0], [3.0, 7.0], [100.0, np.nan]])
    data = Dataset(X, list("abab"))
    pool, test = encode(data, [0, 1, 2], [3], scaling="none")
    assert pool.tolist() == [[1.0, 5.0, 0.0], [2.0, 6.0, 1.0], [3.0, 7.0, 0.0]]
    assert test.tolist() == [[100.0, 6.0, 0.0]]
    pool, test = encode(data, [0, 2], [1, 3], scaling="none")  # no gap in the pool: nothing to mark
    assert pool.tolist() == [[1.0, 5.0], [3.0, 7.0]]
    assert test.tolist() == [[2.0, 6.0], [100.0, 6.0]]


def test_a_column_without_a_value_in_the_pool_is_left_out():
    data = Dataset([[1.0, np.nan], [2.0, np.nan], [3.0, 9.0]], list("aba"))
    pool, test = encode(data, [0, 1], [2], scaling="none")
    assert (pool.tolist(), test.tolist()) == ([[1.0], [2.0]], [[3.0]])
    with pytest.raises(DataError, match="no column has a value"):
        encode(Dataset([[np.nan], [np.nan], [3.0]], list("aba")), [0, 1], [2])


def test_constant_columns_stay_finite():
    data = Dataset(np.column_stack([np.ones(10), np.arange(10.0)]), labels(10))
    for scaling in ("auto", "standard", "none"):
        pool, test = encode(data, np.arange(6), np.arange(6, 10), scaling=scaling)
        assert np.isfinite(pool).all()
        assert np.isfinite(test).all()


def test_sparse_features_stay_sparse_and_zeros_stay_zeros():
    X = sp.random_array((40, 30), density=0.2, rng=np.random.default_rng(0), format="csr") * 8.0
    data = Dataset(X, labels(40))
    rows, others = np.arange(30), np.arange(30, 40)
    for scaling in ("auto", "standard", "none"):
        pool, test = encode(data, rows, others, scaling=scaling)
        assert (pool.format, pool.dtype, test.format) == ("csr", np.float64, "csr")
        assert pool.nnz == data.X[rows].nnz
    assert np.abs(encode(data, rows, others)[0]).max() == 1.0
    assert np.array_equal(data.X.toarray(), X.toarray())


def test_tables_become_numbers_and_numeric_columns_keep_their_precision():
    data = Dataset(table(), labels())
    pool, test = encode(data, POOL, TEST, scaling="none")
    assert pool.shape[1] == test.shape[1] > 40
    assert np.array_equal(pool[:, 1], data.X["stamp"].to_numpy()[POOL])
    assert len(np.unique(pool[:, 1])) > 50  # 1.6e9 + 0…99 would be one or two values in float32
    assert np.isfinite(pool).all()
    assert np.isfinite(test).all()


@pytest.mark.parametrize(
    "column",
    [
        ["x"] * 300,
        [f"{i}" for i in range(300)],
        [f"row {i % 45}" for i in range(300)],
        [None] * 200 + ["late"] * 100,
        ["early"] * 200 + [None] * 100,
        ["?", "a", "b"] * 100,
        ["a", 1, 2.5, None, True] * 60,
        ["  "] * 150 + ["é", "日本"] * 75,
    ],
    ids=["constant", "digits", "text", "late", "early", "marks", "mixed", "unicode"],
)
def test_odd_columns_become_finite_numbers_without_a_warning(column):
    frame = pd.DataFrame({"odd": pd.Series(column, dtype=object), "n": np.arange(300.0)})
    data = Dataset(frame, labels())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pool, test = encode(data, POOL, TEST)
    assert pool.shape[1] == test.shape[1]
    assert np.isfinite(pool).all()
    assert np.isfinite(test).all()


def test_no_test_rows_are_fine_and_no_pool_rows_are_not():
    for X in (table(), np.eye(300), sp.eye_array(300, format="csr")):
        data = Dataset(X, labels())
        pool, test = encode(data, POOL, [])
        assert test.shape == (0, pool.shape[1])
        with pytest.raises(DataError, match="no pool rows"):
            encode(data, [], TEST)


def test_words_become_rows_of_length_three_beside_the_scaled_numbers():
    frame = pd.DataFrame({"note": ["red apple", "green apple", "red car", "x"] * 75, "size": np.arange(300.0)})
    frame["note"] += [f" w{row}" for row in range(300)]
    data = Dataset(frame, labels())
    assert data.texts == ("note",)
    pool, test = encode(data, POOL, TEST, text_features="tfidf")
    assert (pool.format, pool.dtype, test.format) == ("csr", np.float64, "csr")
    assert pool.shape == (200, 1 + 4 + 200)  # red, green, apple, car and the word of each row; "x" is no word
    dense, words = pool.toarray()[:, 0], pool.toarray()[:, 1:]
    assert np.allclose([dense.mean(), dense.std()], [0.0, 1.0])
    assert np.allclose(np.linalg.norm(words, axis=1), 3.0)
    assert np.allclose(test.toarray()[:, 0], (np.arange(200, 300) - 99.5) / np.arange(200.0).std())
    unknown = test.toarray()[:, 1:]
    assert (unknown[:, 4:] == 0).sum() == unknown[:, 4:].size  # words of test rows alone are not known
    assert np.count_nonzero(unknown[3]) == 0


def test_characters_of_scripts_without_spaces_are_words():
    frame = pd.DataFrame({"note": [f"{chr(0x4E00 + row % 50)}{chr(0x4E64 + row % 7)}" for row in range(300)]})
    pool, _ = encode(Dataset(frame, labels()), POOL, TEST, text_features="tfidf")
    assert pool.shape[1] == 57


def test_text_without_words_and_columns_without_values_leave_the_rest():
    frame = pd.DataFrame({"note": [f"{chr(33 + row % 15)}{chr(33 + row // 15)}" for row in range(300)]})
    frame = frame[~frame["note"].str.contains(r"\w")].reset_index(drop=True)
    rows = np.arange(len(frame))
    with pytest.raises(DataError, match="no column has a value"):
        encode(Dataset(frame, rows % 2), rows[:150], rows[150:], text_features="tfidf")
    frame["late"] = np.where(rows < 150, np.nan, 1.0)
    frame["words"] = [f"word{row}" for row in rows]
    pool, test = encode(Dataset(frame, rows % 2), rows[:150], rows[150:], text_features="tfidf")
    assert (pool.shape[1], test.shape[1]) == (150, 150)


def test_lsa_has_30_features_and_a_number_has_that_many():
    data = Dataset(table()[["text"]], labels())
    usual, thirty, ten = (encode(data, POOL, TEST, text_features=how)[0] for how in ("lsa", 30, 10))
    assert usual.tobytes() == thirty.tobytes()
    assert (usual.shape[1], ten.shape[1]) == (30, 10)


def test_text_features_change_nothing_without_text():
    for X in (table()[["size", "colour", "day", "when"]], np.eye(300), sp.eye_array(300, format="csr")):
        first, second = (encode(Dataset(X, labels()), POOL, TEST, text_features=how)[0] for how in ("lsa", "tfidf"))
        assert sp.issparse(first) == sp.issparse(second)
        assert abs(first - second).max() == 0


def test_an_unknown_scaling_is_refused():
    with pytest.raises(RequestError, match="did you mean 'standard'"):
        encode(load_dataset("iris"), [0], [1], scaling="standart")


def test_a_table_too_wide_for_memory_is_refused(monkeypatch):
    data = Dataset(table(), labels())
    monkeypatch.setattr("altune.data.memory.available_memory", lambda: 10_000)
    with pytest.raises(DataError, match="the table as numbers, 300 rows"):
        encode(data, POOL, TEST)
