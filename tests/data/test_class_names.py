"""Class names: numbers in the order of numbers, spellings that are probably the same, labels that are no classes."""

from __future__ import annotations

import unicodedata

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from altune import Dataset
from altune.core.errors import DataError
from altune.data.class_names import several_labels_line


def dataset(labels: object, **more: object) -> Dataset:
    return Dataset(np.arange(len(labels), dtype=float)[:, None], labels, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (["10", "9", "2", "1"], ("1", "2", "9", "10")),
        (["1.5", "-3", "10", "1e1"], ("-3", "1.5", "10", "1e1")),
        ([10, "9", 2], (2, "9", 10)),
        ([10, 9, 2], (2, 9, 10)),
        (["10", "9", "b"], ("10", "9", "b")),
        (["inf", "2", "10"], ("10", "2", "inf")),
    ],
)
def test_classes_that_are_all_numbers_are_ordered_as_numbers(labels: list[object], order: tuple[object, ...]) -> None:
    made = dataset(labels * 3)
    assert made.classes == order
    assert [made.classes[code] for code in made.y] == labels * 3


COMPOSED = unicodedata.normalize("NFC", "café")


@pytest.mark.parametrize(
    ("one", "other", "by", "repair"),
    [
        ("yes", "yes ", "blanks", ".str.strip()"),
        ("yes", "yes\u00a0", "blanks", ".str.strip()"),
        ("very good", "very  good", "blanks", r"\s+"),
        ("yes", "yes\u200b", "invisible", r"\u200b"),
        ("yes", "Yes", "case", ".str.casefold()"),
        (COMPOSED, unicodedata.normalize("NFD", COMPOSED), "Unicode form", ".str.normalize('NFKC')"),
        ("yes", " YES", "blanks and case", ".str.strip().str.casefold()"),
    ],
)
def test_labels_that_differ_by_spelling_are_named_with_counts(one: str, other: str, by: str, repair: str) -> None:
    labels = [one] * 25 + [other] * 5 + ["no"] * 30
    [line] = dataset(labels).remarks
    assert f"differ by {by}" in line
    assert "(25 rows)" in line
    assert "(5 rows)" in line
    assert repair in line
    merged = eval(line.rsplit("in pandas: ", 1)[1].removesuffix(")"), {"labels": pd.Series(labels)})
    assert merged.nunique() == 2
    assert len(dataset(labels).classes) == 3, "nothing is merged without a word"


def test_other_labels_have_no_remark() -> None:
    assert dataset(["yes", "no", "maybe"] * 20).remarks == ()


def test_joined_labels_get_a_hint() -> None:
    assert "'red;blue'" in several_labels_line(["red", "blue", "red;blue"])
    assert "joined by ','" in several_labels_line(["['a', 'b']", "['a']", "['b']"])
    assert "'a|b'" in dataset(["a", "b", "a|b"] * 20).remarks[0]
    assert several_labels_line(["24/7", "9/5"]) == several_labels_line(["rock, hard", "paper"]) == ""


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array([[1, 0, 1], [0, 1, 0], [1, 1, 1]]), "several labels a row"),
        (sp.csr_array([[1, 0], [1, 1]]), "several labels a row"),
        ([["a", "b"], ["a"]], "several labels a row"),
        ([("a", "b"), ("a",)], "several labels a row"),
        ([{"a"}, {"a", "b"}], "several labels a row"),
        ([[1, 0], [0, 1]], "argmax of one-hot"),
        (RNG.normal(size=200), "regression"),
        (RNG.normal(size=15), "regression"),
        (RNG.random(5000).round(3), "regression"),
        ([str(value) for value in RNG.normal(size=200)], "regression"),
        (RNG.permutation(300), "regression"),
        ([f"row {number}" for number in range(100)], "nearly one class for each row"),
        (["only"] * 30, "two classes or more"),
    ],
)
def test_what_altune_is_not_for_is_refused_by_name(labels: object, words: str) -> None:
    with pytest.raises(DataError, match=words) as refused:
        Dataset(np.zeros((labels.shape[0] if hasattr(labels, "shape") else len(labels), 1)), labels)  # type: ignore
    assert "\n" not in str(refused.value)


def test_ratings_and_many_classes_are_classes() -> None:
    assert dataset([0.5, 1.0, 1.5, 2.0] * 10).n_classes == 4
    assert dataset(np.arange(100).repeat(6)).n_classes == 100


def test_too_few_rows_are_refused_with_the_number_that_is_needed() -> None:
    with pytest.raises(DataError, match="6 rows with labels are too few for 2 classes; give at least 10"):
        dataset(["a", "b"] * 3).require_rows_per_class(5)
    with pytest.raises(DataError, match="class 'c' has 1 row,"):
        dataset(["a", "b"] * 20 + ["c"]).require_rows_per_class(5)
    with pytest.raises(DataError, match="this is regression"):
        dataset([*np.arange(30).repeat(6), 30]).require_rows_per_class(5)
