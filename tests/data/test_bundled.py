"""Every built-in data set is what it declares, and names lead to data or to a helpful refusal."""

import dataclasses
import importlib.util

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from altune.core.errors import DataError, MissingExtraError
from altune.data import DatasetInfo, family_of, list_datasets, load_dataset
from altune.data.packaged import read_keel

FACTS = list_datasets()


@pytest.mark.parametrize("facts", FACTS, ids=lambda facts: facts.name)
def test_each_declared_fact_holds(facts):
    data = load_dataset(facts.name)
    assert data.name == facts.name
    found = (data.n_rows, data.n_features, data.n_classes, data.kind)
    assert found == (facts.n_rows, facts.n_features, facts.n_classes, facts.kind)
    assert round(float(data.class_counts.min() / data.n_rows), 4) == facts.rarest_share
    data.require_rows_per_class(5)
    assert facts.task
    assert facts.source
    assert facts.licence
    assert facts.family
    assert facts.extra == (None if facts.package == "scikit-learn" else "datasets")


def test_the_shelf_is_varied_enough_to_learn_from():
    more = [facts for facts in FACTS if facts.extra and 1000 <= facts.n_rows <= 60_000]
    assert len(more) >= 8
    assert any(facts.n_classes == 2 for facts in more)
    assert any(facts.n_classes > 10 for facts in more)
    assert any(facts.rarest_share < 0.08 for facts in more)
    assert sum(facts.kind == "table" for facts in more) >= 3
    assert len({facts.name for facts in FACTS}) == len(FACTS)


def test_the_shelf_has_enough_families_of_two_and_of_more_classes():
    assert len({facts.family for facts in FACTS}) >= 36
    assert len({facts.family for facts in FACTS if facts.n_classes == 2}) >= 15
    assert len({facts.family for facts in FACTS if facts.n_classes > 2}) >= 15


def test_data_sets_of_one_origin_share_a_family_and_other_names_have_none():
    assert family_of("digits") == family_of("mnist_5k")
    assert family_of("kc1") == family_of("pc1") == family_of("cm1")
    assert family_of("breast_cancer") == family_of("wisconsin") != family_of("mammographic")
    assert family_of("iris") == "iris"
    assert family_of("mine.csv") is None


def test_no_two_data_sets_are_the_same_rows():
    shapes = [(facts.n_rows, facts.n_features, facts.n_classes, facts.rarest_share) for facts in FACTS]
    assert len(set(shapes)) == len(shapes)


def test_columns_that_name_rows_or_hold_the_label_are_left_out():
    left_out = {
        "skillcraft": {"GameID", "LeagueIndex"},
        "grid_stability": {"stab", "stabf"},
        "bone_marrow": {"survival_time", "survival_status"},
        "mammographic": {"BI-RADS", "Severity"},
        "vowel": {"TT", "SpeakerNumber", "Class"},
        "glass": {"id", "type"},
        "yeast": {"protein", "site"},
    }
    for name, columns in left_out.items():
        data = load_dataset(name)
        kept = set(data.feature_names)
        assert not columns & kept, name


def test_codes_of_categories_are_read_as_categories():
    data = load_dataset("monks_3")
    third = (data.X["A5"] == "code 3") & (data.X["A4"] == "code 1")
    third |= (data.X["A5"] != "code 4") & (data.X["A2"] != "code 3")
    assert np.array_equal(third.to_numpy(), data.y == 1)


def test_tables_of_software_modules_have_the_same_columns_and_classes():
    tables = [load_dataset(name) for name in ("kc1", "pc1", "cm1")]
    assert len({data.feature_names for data in tables}) == 1
    assert {data.classes for data in tables} == {("no defect", "defect")}
    assert [int(data.class_counts[1]) for data in tables] == [326, 77, 49]


def test_facts_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        FACTS[0].n_rows = 1
    assert isinstance(FACTS[0], DatasetInfo)


def test_breast_cancer_keeps_the_rows_and_codes_of_scikit_learn():
    bunch = load_breast_cancer()
    data = load_dataset("breast_cancer")
    assert np.array_equal(data.X, bunch.data)
    assert np.array_equal(data.y, bunch.target)
    assert data.classes == ("malignant", "benign")


def test_gaps_and_categories_survive_the_reading():
    data = load_dataset("hypothyroid")
    assert data.X["TBG"].isna().sum() == 2903
    assert set(data.X["sex"].dropna()) == {"M", "F"}
    assert load_dataset("kr_vs_k").X["White_king_col"].nunique() == 4


def test_a_word_that_looks_like_a_gap_is_a_category_in_keel_files():
    table = read_keel("@attribute a {None, x}\n@attribute Class {p, q}\n@data\nNone, p\n<null>, q\n")
    assert table["a"].isna().tolist() == [False, True]
    with pytest.raises(DataError, match="not a KEEL file"):
        read_keel("a,b\n1,2\n")


def test_a_missing_extra_is_refused_with_its_install_line(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"'phishing' needs the extra .*pip install 'altune\[datasets\]'"):
        load_dataset("phishing")


def test_an_unknown_name_is_refused_with_the_nearest_names_and_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digit.csv").write_text("x,y\n1,a\n2,b\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"did you mean .*'digits'") as caught:
        load_dataset("digitz")
    assert "'digit.csv'" in str(caught.value)
    with pytest.raises(DataError, match=r"similar: digit\.csv"):
        load_dataset("digi.csv")
    assert load_dataset("digit.csv").classes == ("a", "b")


def test_a_target_for_a_built_in_data_set_is_refused():
    with pytest.raises(DataError, match="leave out the target column 'y'"):
        load_dataset("iris", target="y")
