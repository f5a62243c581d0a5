"""Pools whose rows have no labels yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from altune.core.errors import DataError
from altune.core.plain import shown
from altune.core.types import Features
from altune.data.arrow import without_arrow
from altune.data.dataset import Dataset
from altune.data.encoding import TextFeatures, encode
from altune.data.features import is_frame
from altune.data.files import data_name
from altune.data.memory import limited
from altune.data.readers import find_target, read_features
from altune.data.reading import FILE_FIELDS, SPECIAL_COLUMNS, Reading
from altune.data.scaling import Scaling


def unlabelled_pool(
    source: Any, n_classes: int, target: str | None = None, name: str = "pool", **options: Any
) -> Dataset:
    """Return a pool as a data set whose labels are placeholders: the classes in turn.

    Parameters
    ----------
    source : array, sparse matrix, DataFrame, or file.
    n_classes : number of classes, 2 or more.
    target : column of a file that is left out; see :func:`altune.data.readers.read_features`.
    name : name of the pool; that of a file is its own.
    options : how a file is read, see :class:`altune.data.Reading`.

    Raises
    ------
    DataError
        If the pool cannot be read, or has fewer rows than classes.
    """
    from_file = isinstance(source, (str, Path))
    reading = Reading(target, **options)
    labelled = ("skip_unlabelled", "min_class", *SPECIAL_COLUMNS)
    reading.refuse(labelled, f"{source if from_file else name}: labels of a pool are not used, and its rows not split")
    if not from_file:
        reading.refuse(FILE_FIELDS, f"{name}: rows in memory are not read from a file")
    features = read_features(source, reading) if from_file else without_arrow(source)
    if target is not None and not from_file and is_frame(features):
        features = features.drop(columns=find_target([str(column) for column in features.columns], target, name))
    if (not hasattr(features, "shape") and not isinstance(features, (list, tuple))) or not np.shape(features):
        raise DataError(f"a pool is an array, a sparse matrix, a DataFrame, a file or a Dataset, not {shown(source)}")
    n_rows = features.shape[0] if hasattr(features, "shape") else len(features)
    if n_rows < n_classes:
        raise DataError(f"{source if from_file else name}: {n_rows} rows are fewer than {n_classes} classes")
    try:
        placeholders = np.arange(n_rows) % n_classes
        pool = Dataset(features, placeholders, name=data_name(source) if from_file else name)
        return limited(pool, reading.memory)
    except DataError as error:
        raise DataError(f"{source if from_file else name}: {error}") from None


def encode_pool(
    source: Any,
    target: str | None = None,
    *,
    scaling: Scaling = "auto",
    text_features: TextFeatures = "lsa",
    **options: Any,
) -> Features:
    """Return the features of a pool without labels as numbers, as a simulation encodes them.

    Parameters
    ----------
    source : array, sparse matrix, DataFrame, or file.
    target : column of a file that is left out.
    scaling, text_features : as for :func:`altune.data.encode`.
    options : how a file is read, see :class:`altune.data.Reading`.

    Returns
    -------
    C-ordered float64 array, CSR for sparse features, ``(n_rows, n_features)``.

    Examples
    --------
    >>> encode_pool([[1.0], [3.0]]).tolist()
    [[-1.0], [1.0]]
    """
    pool = unlabelled_pool(source, 2, target, **options)
    return encode(pool, np.arange(pool.n_rows), [], scaling=scaling, text_features=text_features)[0]
