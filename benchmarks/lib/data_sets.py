"""The real data sets of a study over many data sets, and parts of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from altune.core.streams import Streams
from altune.data import Dataset, list_datasets, load_dataset
from altune.data.blocks import stratified_part
from altune.data.bundled import DatasetInfo
from altune.data.labels import ClassName

LEFT_OUT = {
    "spect": "the same patients with the same labels as spectf",
    "hiva": "1,617 columns, which cost more time than all other data sets together",
}
"""Built-in data sets that are not studied, with the reason."""
_SEED = 0


class HasFamily(Protocol):
    """What is known of a data set that is chosen among others."""

    @property
    def family(self) -> str:
        """Name of the family."""
        ...

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        ...


Described = TypeVar("Described", bound=HasFamily)


def data_sets_to_study(most_rows: int | None = 3000) -> list[Dataset]:
    """Return the built-in data sets that a study over many data sets plays on, in a fixed order.

    ``altune.data.family_of(data.name)`` is the family of one of them, and ``data.n_classes`` its number of classes.

    Parameters
    ----------
    most_rows : rows above which a data set is reduced to a random part, stratified by class, that is always the same.
        The part has the name of the whole. None keeps all rows.
    """
    return [at_most(load_dataset(info.name), most_rows) for info in studied()]


def studied() -> list[DatasetInfo]:
    """Return the descriptions of the data sets of :func:`data_sets_to_study`, in the same order."""
    return [info for info in list_datasets() if info.name not in LEFT_OUT]


def spread(data_sets: Sequence[Described], count: int | None) -> list[Described]:
    """Return ``count`` data sets, one of a family and of two, three to five, and more classes in turn; None for all.

    Families that are met a second time come last.
    """
    if count is None:
        return list(data_sets)
    queues: list[list[Described]] = [[], [], []]
    seen: set[str] = set()
    again = []
    for data in data_sets:
        if data.family in seen:
            again.append(data)
            continue
        seen.add(data.family)
        queues[(data.n_classes > 2) + (data.n_classes > 5)].append(data)
    turns = [data for rank in range(len(data_sets)) for queue in queues for data in queue[rank : rank + 1]]
    kept = [*turns, *again][:count]
    return [data for data in data_sets if data in kept]


def at_most(data: Dataset, most_rows: int | None) -> Dataset:
    """Return a data set with at most that many rows, drawn at random within each class; always the same ones."""
    if most_rows is None or data.n_rows <= most_rows:
        return data
    rng = Streams(_SEED, data.name, "study", 0).generator("part of the rows")
    return data.of_rows(stratified_part(data, np.arange(data.n_rows), most_rows, rng))


def part_of(
    data: Dataset,
    rows: NDArray[np.intp],
    name: str | None = None,
    *,
    drop: Sequence[str] = (),
    classes: Sequence[ClassName] | None = None,
) -> Dataset:
    """Return some of the rows of a data set.

    Parameters
    ----------
    data : the data set, dense or a table.
    rows : row numbers, ``(n,)``.
    name : name of the part; by default the name of the whole.
    drop : columns that are left out.
    classes : the classes of the part in their order; by default those of the whole.
    """
    order = data.classes if classes is None else classes
    labels = np.array(data.classes, dtype=object)[data.y[rows]]
    if data.kind == "table":
        X = data.X.iloc[rows].drop(columns=list(drop)).reset_index(drop=True)
        return Dataset(X, labels, name=name or data.name, classes=order)
    names = data.feature_names or tuple(map(str, range(data.n_features)))
    kept = [column for column, feature in enumerate(names) if feature not in drop]
    features = None if data.feature_names is None else [names[column] for column in kept]
    X = data.X[rows][:, kept]
    return Dataset(X, labels, name=name or data.name, classes=order, feature_names=features)
