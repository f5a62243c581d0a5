"""The data sets of a study and the related tables are what their lists say, the same in every run."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from altune.data import family_of, list_datasets, load_dataset
from tests.helpers.benchmark_scripts import load

data_sets = load("lib.data_sets")
related = load("lib.related")


@pytest.fixture(scope="module")
def studied():
    return data_sets.data_sets_to_study()


@pytest.fixture(scope="module")
def groups():
    return related.related_pairs()


def test_a_study_plays_on_thirty_families_and_more_in_the_order_of_the_list(studied):
    names = [data.name for data in studied]
    assert names == [info.name for info in list_datasets() if info.name not in data_sets.LEFT_OUT]
    assert len({family_of(name) for name in names}) >= 36
    by_classes = Counter(data.n_classes > 2 for data in studied)
    assert min(by_classes.values()) >= 15


def test_a_large_data_set_is_reduced_within_its_classes_always_to_the_same_rows(studied):
    assert max(data.n_rows for data in studied) == 3000
    small = next(data for data in studied if data.name == "satimage")
    whole = load_dataset("satimage")
    assert small.classes == whole.classes
    assert np.allclose(small.class_counts / 3000, whole.class_counts / whole.n_rows, atol=1e-3)
    assert small.fingerprint == data_sets.at_most(whole, 3000).fingerprint
    assert data_sets.at_most(whole, None) is whole
    for data in studied:
        data.require_rows_per_class(5)


def test_related_tables_have_the_same_classes_and_enough_rows(groups):
    assert len(groups) >= 6
    assert len({group.name for group in groups}) == len(groups)
    for group in groups:
        tables = [*group.home, *group.away]
        assert len({data.name for data in tables}) == len(tables) >= 2
        assert len({data.classes for data in tables}) == 1, group.name
        assert all(300 <= data.n_rows <= 3000 for data in tables), group.name
        for data in tables:
            data.require_rows_per_class(5)
    kinds = Counter(group.home[0].n_classes > 2 for group in groups)
    assert min(kinds.values()) >= 5


def test_a_column_of_groups_is_left_out_and_an_age_is_kept(groups):
    by_name = {group.name: group for group in groups}
    (males,) = by_name["abalone"].home
    assert males.kind == "dense"
    assert "sex" not in males.feature_names
    assert sum(data.n_rows for data in [males, *by_name["abalone"].away]) == load_dataset("abalone").n_rows
    (younger,), (older,) = by_name["pima"].home, by_name["pima"].away
    age = younger.feature_names.index("Age")
    assert younger.X[:, age].max() == 29 < older.X[:, age].min()


def test_the_family_of_related_tables_is_that_of_their_source(groups):
    families = {group.name: group.family for group in groups}
    assert families["software_defects"] == family_of("kc1")
    assert families["handwritten_digits"] == "digits"
    assert families["hypothyroid"] == "thyroid"
    assert set(families.values()) <= {info.family for info in list_datasets()}


def test_siblings_share_only_classes_that_are_frequent_in_all(groups):
    wine = next(group for group in groups if group.name == "wine_quality")
    assert wine.home[0].classes == wine.away[0].classes == (3, 4, 5, 6, 7, 8)
