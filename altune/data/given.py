"""Data as callers have them: a data set, its name or file, a table with a label column, or features with labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from altune.core.errors import DataError, RequestError
from altune.core.plain import shown
from altune.data.dataset import Dataset
from altune.data.features import is_frame
from altune.data.readers import find_target

FORMS = "a data set, the name of a built-in one, a file, a DataFrame with its target column, or a pair (X, y)"


def as_sources(data: Any) -> list[Any]:
    """Return the data sets that are given, each in any of its forms; a single one is a list of one.

    >>> len(as_sources("digits")), len(as_sources(["digits", "iris"])), len(as_sources(([[0.0], [1.0]], [0, 1])))
    (1, 2, 1)

    Raises
    ------
    RequestError
        If it is neither a data set nor a list of them.
    """
    single = isinstance(data, (Dataset, str, PathLike, Mapping)) or is_frame(data) or is_pair(data)
    if single:
        return [data]
    if _is_rows(data) or not isinstance(data, Iterable):
        raise RequestError(f"data must be {FORMS}, not {_kind(data)}")
    return list(data)


def labelled(data: Any, target: str | None = None) -> Dataset | str | Path:
    """Return data as a data set; names and files are returned as they are.

    Parameters
    ----------
    data : data in any of the forms of :data:`FORMS`, or what scikit-learn's loaders return.
    target : label column of a DataFrame; by default the one named target, label, class or y.

    Raises
    ------
    DataError
        If the labels are missing or given twice.
    """
    if isinstance(data, (Dataset, str, Path)):
        return data
    if isinstance(data, PathLike):
        return Path(data)
    if is_frame(data):
        columns = [str(name) for name in data.columns]
        label = data.columns[columns.index(find_target(columns, target, "the DataFrame"))]
        return Dataset(data.drop(columns=label), data[label].reset_index(drop=True))
    if target is not None:
        raise DataError(f"the target column {target!r} is for tables, and {_kind(data)} has labels of its own")
    if is_pair(data):
        features, labels = data
        if getattr(labels, "ndim", 1) == 2:  # one column, as loaders of tables return it
            labels = labels.iloc[:, 0] if is_frame(labels) else labels.ravel()
        return Dataset(features, labels)
    if isinstance(data, Mapping) and {"data", "target"} <= data.keys():
        names = None if is_frame(data["data"]) else data.get("feature_names")
        return Dataset(data["data"], data["target"], feature_names=names)
    raise RequestError(f"data must be {FORMS}, not {_kind(data)}")


def is_pair(data: Any) -> bool:
    """Return whether something is a pair of features, ``(n_rows, n_features)``, and labels, ``(n_rows,)``."""
    if not isinstance(data, (tuple, list)) or len(data) != 2 or not _is_rows(data[0]):
        return False
    shape = getattr(data[1], "shape", None)
    return not isinstance(data[1], (Dataset, str, PathLike, Mapping)) and (
        shape is None or len(shape) == 1 or tuple(shape[1:]) == (1,)
    )


def _is_rows(data: Any) -> bool:
    """Return whether something is a matrix or a table: of two dimensions, or a list of lists."""
    if hasattr(data, "shape"):
        return True
    if not isinstance(data, (list, tuple)) or not data:
        return False
    first = data[0]
    if isinstance(first, (list, tuple)):
        return not any(
            (hasattr(item, "shape") and item.shape) or isinstance(item, (list, tuple, str)) for item in first
        )
    return len(getattr(first, "shape", ())) == 1


def _kind(data: Any) -> str:
    shape = getattr(data, "shape", None)
    if shape is not None:
        return f"an array of the shape {tuple(shape)} without labels"
    return "a pair (X, y)" if is_pair(data) else shown(data)
