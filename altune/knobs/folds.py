"""Folds of the labels so far: by class, and by whole groups where the data have groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from altune.core.types import RowNumbers, TrainingSet


def enough_for(training: TrainingSet, folds: int) -> bool:
    """Return whether there are two classes, and each has a row, or a group, for each fold."""
    codes = training.y
    if training.groups is not None and len(codes):  # each class once for each of its groups
        codes = np.unique(np.stack([training.y, training.groups]), axis=1)[0]
    counts = np.bincount(codes)
    return bool(np.count_nonzero(counts) >= 2 and counts[counts > 0].min() >= folds)


def folds_of(training: TrainingSet, folds: int, seed: int) -> Iterator[tuple[RowNumbers, RowNumbers]]:
    """Yield for each fold the positions of the rows to train on and of those left out; no group is on both sides.

    Parameters
    ----------
    training : the labels, see :func:`enough_for`.
    folds : number of folds, 2 or more.
    seed : seed of the order of rows or groups.
    """
    kind = StratifiedKFold if training.groups is None else StratifiedGroupKFold
    split = kind(folds, shuffle=True, random_state=seed)
    yield from split.split(np.zeros(len(training)), training.y, training.groups)
