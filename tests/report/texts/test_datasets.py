"""The list of data sets names a family where it has more than one member, and all families as plain values."""

from altune.data import list_datasets
from altune.report.texts.datasets import dataset_rows, dataset_table


def test_a_family_is_named_where_data_sets_share_it():
    text = " ".join(dataset_table(list_datasets()).split())
    assert text.count("; family ") == 16
    assert text.count("family software_defects") == 3
    alone = [info for info in list_datasets() if info.name == "digits"]
    assert "family" not in dataset_table(alone)


def test_plain_values_have_every_family():
    families = {row["name"]: row["family"] for row in dataset_rows(list_datasets())}
    assert families["mnist_5k"] == families["digits"] == "digits"
    assert families["iris"] == "iris"
