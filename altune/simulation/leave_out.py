"""Scores without each group of test rows, for the common metrics all groups at once.

A jackknife over 20 groups asks for 20 scores of each model. Scikit-learn's scorers take about a millisecond each, more
than many an estimator's own fit. The metrics of predicted classes are functions of a confusion matrix, and the area
under the ROC curve counts pairs of rows: both are known for the rest of the rows once they are known for each group.
The tests hold these numbers against scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from altune.core.types import Array, Codes, RowNumbers

MOST_PAIRS = 4_000_000
"""Above this number of pairs of rows the area under the ROC curve is left to scikit-learn, which sorts the rows."""

Confusions = NDArray[np.float64]
"""Confusion matrices, ``(n, n_classes, n_classes)``: true classes in rows, predicted ones in columns."""


def without_each_group(
    metric: str, y: Codes, predicted: Codes, groups: Sequence[RowNumbers], n_classes: int, positive: int
) -> Array | None:
    """Return a metric of predicted classes on the rows outside of each group, ``(n_groups,)``; None for other metrics.

    Parameters
    ----------
    metric : name of a scikit-learn scorer.
    y, predicted : true and predicted class codes, ``(n_test,)``.
    groups : row numbers of each group.
    n_classes : number of classes of the scenario.
    positive : code of the positive class, for metrics that have one.
    """
    formula = _of_confusion(metric, positive)
    if formula is None:
        return None
    cells = y * n_classes + predicted
    by_group = np.stack([np.bincount(cells[group], minlength=n_classes**2) for group in groups])
    rest = (by_group.sum(axis=0) - by_group).reshape(len(groups), n_classes, n_classes)
    with np.errstate(divide="ignore", invalid="ignore"):
        return formula(rest.astype(np.float64))


def auc_without_each_group(scores: Array, of_class: NDArray[np.bool_], groups: Sequence[RowNumbers]) -> Array | None:
    """Return the area under the ROC curve on the rows outside of each group, ``(n_groups,)``; None for too many rows.

    Parameters
    ----------
    scores : score of each test row, ``(n_test,)``; larger for the class in question.
    of_class : whether the row is of that class, ``(n_test,)``.
    groups : row numbers of each group.
    """
    if np.count_nonzero(of_class) * np.count_nonzero(~of_class) > MOST_PAIRS:
        return None
    member = np.zeros((len(scores), len(groups)))
    for number, group in enumerate(groups):
        member[group, number] = 1.0
    above, below = scores[of_class][:, None], scores[~of_class]
    won = (above > below) + 0.5 * (above == below)
    pairs = member[of_class].T @ won @ member[~of_class]
    left = pairs.sum() - pairs.sum(axis=1) - pairs.sum(axis=0) + np.diag(pairs)
    counts = [len(rows) - rows.sum(axis=0) for rows in (member[of_class], member[~of_class])]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(left / (counts[0] * counts[1]))


def _of_confusion(metric: str, positive: int) -> Callable[[Confusions], Array] | None:
    if metric == "balanced_accuracy":
        return _balanced_accuracy
    if metric == "matthews_corrcoef":
        return _matthews
    name, _, average = metric.partition("_")
    if name not in _BY_CLASS or average not in ("", "macro", "micro", "weighted"):
        return None
    return partial(_averaged, name=name, average=average, positive=positive)


def _averaged(confusions: Confusions, *, name: str, average: str, positive: int) -> Array:
    hit, true, called = _counts(confusions)
    if average == "micro":
        hit, true, called = (counts.sum(axis=1, keepdims=True) for counts in (hit, true, called))
    by_class = np.nan_to_num(_BY_CLASS[name](hit, true, called))
    if average == "":
        return by_class[:, positive]
    if average == "weighted":
        return np.asarray((by_class * true).sum(axis=1) / true.sum(axis=1))
    present = (true + called > 0) if average == "macro" else np.ones_like(by_class, dtype=bool)
    return np.asarray((by_class * present).sum(axis=1) / present.sum(axis=1))


def _balanced_accuracy(confusions: Confusions) -> Array:
    hit, true, _ = _counts(confusions)
    return np.asarray(np.nan_to_num(hit / true).sum(axis=1) / (true > 0).sum(axis=1))


def _matthews(confusions: Confusions) -> Array:
    hit, true, called = _counts(confusions)
    rows = true.sum(axis=1)
    shared = hit.sum(axis=1) * rows - (true * called).sum(axis=1)
    spread = (rows**2 - (called**2).sum(axis=1)) * (rows**2 - (true**2).sum(axis=1))
    return np.asarray(np.where(spread > 0, shared / np.sqrt(spread), 0.0))


def _counts(confusions: Confusions) -> tuple[Array, Array, Array]:
    """Return the rows of each class that were found, that there are, and that were called so, ``(n, n_classes)``."""
    return confusions.diagonal(axis1=1, axis2=2), confusions.sum(axis=2), confusions.sum(axis=1)


_BY_CLASS: Mapping[str, Callable[[Array, Array, Array], Array]] = {
    "precision": lambda hit, true, called: hit / called,
    "recall": lambda hit, true, called: hit / true,
    "f1": lambda hit, true, called: 2 * hit / (true + called),
    "jaccard": lambda hit, true, called: hit / (true + called - hit),
}
