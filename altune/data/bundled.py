"""Data sets that come with scikit-learn, and the description that every built-in data set has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from altune.data.dataset import Dataset
from altune.data.features import Kind

UCI_LICENCE = "CC BY 4.0"
"""Licence of the UCI Machine Learning Repository for the data sets that come from it."""


@dataclass(frozen=True)
class DatasetInfo:
    """Description of a built-in data set.

    Parameters
    ----------
    name : the name to load it by.
    task : what is classified, in a few words.
    n_rows, n_features, n_classes : its size; features are counted before encoding.
    kind : ``dense``, ``sparse`` or ``table``.
    rarest_share : share of rows of the rarest class, rounded to four digits.
    source : who collected or published it.
    licence : licence under which its source publishes it.
    package : the package whose files are read.
    family : name shared by data sets of the same origin or subject. The data sets of a family are left out together
        when something that was learned from data sets is tested on others.
    extra : the extra of altune that installs the package, None if no extra is needed.
    """

    name: str
    task: str
    n_rows: int
    n_features: int
    n_classes: int
    kind: Kind
    rarest_share: float
    source: str
    licence: str
    package: str
    family: str
    extra: str | None = None


class BuiltIn(NamedTuple):
    """A built-in data set: its description and a function that loads it."""

    info: DatasetInfo
    load: Callable[[], Dataset]


def _from_sklearn(name: str) -> Callable[[], Dataset]:
    def load() -> Dataset:
        from sklearn import datasets as sklearn_datasets  # slow to import

        bunch = getattr(sklearn_datasets, f"load_{name}")()
        labels = bunch.target if name == "digits" else bunch.target_names[bunch.target]
        # scikit-learn's order of the classes makes class codes its targets
        classes = None if name == "digits" else list(bunch.target_names)
        return Dataset(bunch.data, labels, name=name, classes=classes, feature_names=bunch.feature_names)

    return load


def _info(
    name: str, task: str, shape: tuple[int, int], n_classes: int, rarest_share: float, source: str
) -> DatasetInfo:
    return DatasetInfo(name, task, *shape, n_classes, "dense", rarest_share, source, UCI_LICENCE, "scikit-learn", name)


_DECLARED = (
    _info(
        *("digits", "handwritten digits of 8 x 8 pixels", (1797, 64), 10, 0.0968),
        "UCI, Alpaydin & Kaynak 1998",
    ),
    _info(
        *("breast_cancer", "malignant or benign, from images of cell nuclei", (569, 30), 2, 0.3726),
        "UCI, Wolberg, Street & Mangasarian 1995",
    ),
    _info("wine", "three cultivars, from a chemical analysis", (178, 13), 3, 0.2697, "UCI, Forina et al. 1991"),
    _info("iris", "three species, from petals and sepals", (150, 4), 3, 0.3333, "UCI, Fisher 1936"),
)

BUNDLED: dict[str, BuiltIn] = {info.name: BuiltIn(info, _from_sklearn(info.name)) for info in _DECLARED}
"""Data sets that need no extra, by name."""
