"""Data sets that come with scikit-learn, and the facts that every built-in data set declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from altune.data.dataset import Dataset
from altune.data.features import Kind

UCI_LICENCE = "CC BY 4.0"
"""The licence that the UCI Machine Learning Repository states for the sets that come from it here."""


@dataclass(frozen=True)
class DatasetInfo:
    """What a built-in data set declares of itself; a test holds each of them to it.

    Parameters
    ----------
    name : the name to load it by.
    task : what is to be told apart, in a few words.
    n_rows, n_features, n_classes : its size, features counted before encoding.
    kind : ``dense``, ``sparse`` or ``table``.
    rarest_share : share of the rows that the rarest class has, rounded to four digits.
    source : who collected or published it.
    licence : the licence under which its source publishes it.
    package : the installed package whose files are read.
    extra : the extra of altune that installs the package, None if the core does.
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
    extra: str | None = None


class BuiltIn(NamedTuple):
    """A built-in data set: its facts, and what loads it."""

    facts: DatasetInfo
    load: Callable[[], Dataset]


def _from_sklearn(name: str) -> Callable[[], Dataset]:
    def load() -> Dataset:
        from sklearn import datasets as sklearn_datasets  # slow to import

        bunch = getattr(sklearn_datasets, f"load_{name}")()
        labels = bunch.target if name == "digits" else bunch.target_names[bunch.target]
        return Dataset(
            bunch.data,
            labels,
            name=name,
            classes=_class_order(name, bunch),
            feature_names=bunch.feature_names,
        )

    return load


def _class_order(name: str, bunch: dict[str, list[object]]) -> list[object] | None:
    """Keep scikit-learn's order, so that codes are its targets."""
    return None if name == "digits" else list(bunch["target_names"])


def _facts(
    name: str, task: str, shape: tuple[int, int], n_classes: int, rarest_share: float, source: str
) -> DatasetInfo:
    return DatasetInfo(
        name,
        task,
        *shape,
        n_classes,
        "dense",
        rarest_share,
        source,
        licence=UCI_LICENCE,
        package="scikit-learn",
    )


_DECLARED = (
    _facts(
        *("digits", "handwritten digits of 8 x 8 pixels", (1797, 64), 10, 0.0968),
        "UCI, Alpaydin & Kaynak 1998",
    ),
    _facts(
        *("breast_cancer", "malignant or benign, from images of cell nuclei", (569, 30), 2, 0.3726),
        "UCI, Wolberg, Street & Mangasarian 1995",
    ),
    _facts("wine", "three cultivars, from a chemical analysis", (178, 13), 3, 0.2697, "UCI, Forina et al. 1991"),
    _facts("iris", "three species, from petals and sepals", (150, 4), 3, 0.3333, "UCI, Fisher 1936"),
)

BUNDLED: dict[str, BuiltIn] = {facts.name: BuiltIn(facts, _from_sklearn(facts.name)) for facts in _DECLARED}
"""The data sets that need no extra, by name."""
