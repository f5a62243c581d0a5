"""``altune datasets``: the built-in data sets."""

from __future__ import annotations

from altune.cli.options import AsJson
from altune.cli.output import print_json


def datasets(as_json: AsJson = False) -> None:
    """List the built-in data sets."""
    from altune.data import list_datasets
    from altune.report.texts.datasets import dataset_rows, dataset_table

    listed = list_datasets()
    print_json(dataset_rows(listed)) if as_json else print(dataset_table(listed))
