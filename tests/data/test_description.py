"""The description of an encoding is true of the features that come out."""

import json

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from altune.data import Dataset, load_dataset
from altune.data.description import MOST_LISTED, Encoding
from altune.data.encoding import Encoded, encode_described

POOL, TEST = np.arange(0, 90), np.arange(90, 120)
WORDS = ("soft", "loud", "warm", "cold", "old", "new", "thin", "thick")


def shop(n_rows: int = 120) -> pd.DataFrame:
    """Return a table with a column of each kind, in another order than that of the features."""
    rng = np.random.default_rng(0)
    rows = np.arange(n_rows)
    size = np.where((rows % 10 == 0) | (rows >= 100), np.nan, rng.normal(size=n_rows))  # more gaps in the test rows
    return pd.DataFrame(
        {
            "late": np.where(rows >= 100, 1.0, np.nan),
            "note": [" ".join(rng.choice(WORDS, 5)) + f" {row}" for row in range(n_rows)],
            "number": np.arange(100, 100 + n_rows),
            "colour": rng.choice(["red", "green", "blue"], n_rows),
            "size": size,
            "member": rng.random(n_rows) < 0.5,
            "paid": np.where(rows % 5, rng.choice(["y", "n"], n_rows), None),
            "when": pd.Series(pd.date_range("2024-01-01", periods=n_rows)).dt.strftime("%Y-%m-%d"),
            "weight": [f"{value:.2f}" for value in rng.normal(size=n_rows)],
            "version": np.full(n_rows, 3.0),
            "fax": np.where(np.isin(rows, (3, 40)), 7.5, np.nan),
        }
    )


def described(X: object, **given: object) -> Encoded:
    return encode_described(Dataset(X, np.arange(X.shape[0]) % 2), POOL, TEST, **given)


@pytest.mark.parametrize("text_features", ["lsa", 7, "tfidf"])
def test_every_column_has_the_features_that_it_became(text_features):
    frame = shop()
    pool, test, encoding = described(frame, text_features=text_features)
    assert encoding.features == pool.shape[1] == test.shape[1] == sum(column.features for column in encoding.listed)
    assert (encoding.rows, encoding.columns) == (90, 11)
    assert encoding.sparse == sp.issparse(pool) == (text_features == "tfidf")
    for column in encoding.listed:
        others = [name for name in frame.columns if name != column.name]
        without = described(frame[others], text_features=text_features).pool
        assert pool.shape[1] - without.shape[1] == column.features, column.name


def test_kinds_values_gaps_and_remarks_are_those_of_the_pool():
    listed = {column.name: column for column in described(shop()).encoding.listed}
    assert list(listed) == list(shop().columns)
    assert {name: (column.kind, column.features) for name, column in listed.items()} == {
        "late": ("empty", 0),
        "note": ("text", 30),
        "number": ("number", 1),
        "colour": ("category", 3),
        "size": ("number", 2),
        "member": ("yes/no", 1),
        "paid": ("category", 3),
        "when": ("date", 4),
        "weight": ("number", 1),
        "version": ("number", 1),
        "fax": ("number", 2),
    }
    assert listed["note"].values == 90
    assert listed["colour"].values == 3
    assert listed["size"].gaps == pytest.approx(0.1)
    assert listed["size"].becomes == "as it is, gaps marked"
    assert listed["weight"].becomes == "read as numbers"
    assert listed["late"].becomes == "left out"
    assert listed["when"].becomes == "year, month, day, total seconds"
    assert {name: column.remarks for name, column in listed.items() if column.remarks} == {
        "number": ["identifier?"],
        "version": ["constant"],
        "fax": ["nearly empty"],
    }


def test_what_a_column_of_text_became_is_named_with_its_width():
    lsa, few, words = (described(shop(), text_features=how).encoding.listed[1] for how in ("lsa", 7, "tfidf"))
    assert (lsa.becomes, lsa.features) == ("LSA of its characters", 30)
    assert (few.becomes, few.features) == ("LSA of its characters", 7)
    assert words.becomes == "TF-IDF of its words"
    assert words.features == len(WORDS) + 80  # the numbers 10 to 89 are words of two characters or more


def test_the_summary_is_one_line():
    assert described(shop()).encoding.summary == (
        "11 columns become 48 features (1 empty as 0, 1 text as 30, 5 numbers as 7, 2 categories as 6, 1 yes/no, "
        "1 date as 4), scaled to mean 0 and variance 1"
    )
    words = described(shop()[["note"]], text_features="tfidf").encoding
    assert words.summary == "1 column becomes 88 features of a sparse matrix (1 text as 88), words in rows of length 3"
    assert words.remarks == []
    assert described(shop(), scaling="none").encoding.summary.endswith("1 date as 4), not scaled")


def test_arrays_are_one_line_and_name_only_what_is_odd():
    digits = load_dataset("digits")
    encoding = encode_described(digits, np.arange(900), np.arange(900, 1797)).encoding
    assert encoding.summary == "64 columns become 64 features (64 numbers), scaled to mean 0 and variance 1"
    constant = np.flatnonzero(np.ptp(digits.X[:900], axis=0) == 0)
    assert encoding.constant == len(constant) == len(encoding.listed) > 1
    assert encoding.remarks[0].startswith(f"the same in every row of the pool: {len(constant)} columns ('")


def test_gaps_of_an_array_are_marked():
    X = np.random.default_rng(0).normal(size=(120, 3))
    X[::4, 1] = np.nan
    X[:90, 2] = np.nan
    pool, _, encoding = described(X)
    assert encoding.summary.startswith("3 columns become 3 features (2 numbers as 3, 1 empty as 0)")
    assert pool.shape[1] == 3
    assert [(column.name, column.kind) for column in encoding.listed] == [("2", "empty")]


@pytest.mark.parametrize(
    ("scaling", "words"),
    [("auto", "divided by the largest magnitude"), ("standard", "scaled to variance 1"), ("none", "not scaled")],
)
def test_sparse_data_are_one_line(scaling, words):
    X = sp.random_array((120, 40), density=0.2, rng=np.random.default_rng(0), format="csr").tolil()
    X[:90, 5] = 0.0
    encoding = described(X.tocsr(), scaling=scaling).encoding
    assert encoding.summary == f"40 columns become 40 features of a sparse matrix (40 numbers), {words}"
    assert encoding.remarks == ["the same in every row of the pool: 1 column"]


def test_it_reads_back_from_json():
    for X in (shop(), np.eye(120), sp.eye_array(120, format="csr")):
        encoding = described(X).encoding
        assert Encoding.from_dict(json.loads(json.dumps(encoding.to_dict()))) == encoding


def test_of_many_columns_those_with_a_remark_are_listed():
    frame = pd.concat([pd.DataFrame(np.random.default_rng(0).normal(size=(120, 300))).add_prefix("x"), shop()], axis=1)
    encoding = described(frame).encoding
    assert len(encoding.listed) == MOST_LISTED
    assert encoding.columns == 311
    assert encoding.kinds["number"] == (305, 307)
    assert {"number", "version", "fax"} <= {column.name for column in encoding.listed}


def test_describing_fits_the_encoder_once(monkeypatch):
    import skrub

    fits = []
    original = skrub.TableVectorizer.fit_transform

    def counted(self, X, y=None):
        fits.append(len(X))
        return original(self, X, y)

    data = Dataset(shop(), np.arange(120) % 2)
    assert data.texts == ("note",)
    monkeypatch.setattr(skrub.TableVectorizer, "fit_transform", counted)
    encode_described(data, POOL, TEST)
    assert fits == [90]


def test_gaps_of_a_date_are_marked_for_each_of_its_parts():
    dates = pd.Series(pd.date_range("2024-01-01", periods=120)).dt.strftime("%Y-%m-%d")
    frame = pd.DataFrame({"when": dates.where(np.arange(120) % 5 > 0), "n": np.arange(120) / 7})
    pool, _, encoding = described(frame)
    assert (encoding.listed[0].becomes, encoding.listed[0].features) == (
        "year, month, day, total seconds, gaps marked",
        8,
    )
    assert pool.shape[1] == 9
