"""Split rows into two sets: at random by class, by whole groups, or at a time.

Groups are taken in random order, each as long as it brings the rows of every class nearer to their share; of several
orders the nearest is kept. So the share is met to within a group, classes keep theirs as well as the groups allow, and
a group of more than twice the share is never taken. Each side keeps a group of every class.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from altune.core.errors import DataError
from altune.core.streams import Streams
from altune.core.types import RowNumbers
from altune.data.dataset import Dataset
from altune.data.own_columns import Groups, Times

LEAST_GROUPS = 10
"""Groups that a data set needs: two of them are held back, below which intervals could not count groups."""
LEAST_GROUPS_OF_A_CLASS = 3
"""Groups that each class needs: one each in pool, test rows and rows held back."""
_LEAST_TAKEN = 2
_MOST_ORDERS, _GROUPS_TRIED = 20, 4000
"""Largest number of orders that are tried, and of groups that are tried in all of them."""


def split(dataset: Dataset, rows: RowNumbers, share: float, streams: Streams) -> tuple[RowNumbers, RowNumbers]:
    """Split rows into two sorted sets of which the second has the given share, or nearly.

    With a time, the second set is later than the first and nothing is drawn; with groups, none of them is in both;
    else rows are drawn at random, stratified by class.

    Parameters
    ----------
    dataset : the data.
    rows : row numbers, sorted.
    share : share of the second set, in (0, 1).
    streams : random streams.

    Raises
    ------
    DataError
        If groups or times do not allow it.
    """
    if dataset.time is not None:
        return _at_a_time(dataset, dataset.time, rows, share)
    if dataset.groups is not None:
        return _by_group(dataset, dataset.groups, rows, share, streams.generator("split"))
    kept, taken = train_test_split(
        rows, test_size=share, stratify=dataset.y[rows], random_state=streams.integer("split")
    )
    return np.sort(kept), np.sort(taken)


def require_groups(dataset: Dataset) -> None:
    """Refuse a data set with too few groups, or with a class in too few of them; one without groups is fine."""
    if dataset.groups is None:
        return
    groups = dataset.groups
    where = f"{dataset.name}: the group column {groups.name!r}"
    if len(groups.names) < LEAST_GROUPS:
        raise DataError(
            f"{where} has {len(groups.names)} groups; {LEAST_GROUPS} or more are needed, so that two can be held back "
            "and an interval can count groups"
        )
    of_class = (_table(groups, dataset.y, dataset.n_classes) > 0).sum(axis=0)
    of_class = np.where(dataset.class_counts > 0, of_class, len(groups.names))
    rarest = int(np.argmin(of_class))
    if of_class[rarest] < LEAST_GROUPS_OF_A_CLASS:
        raise DataError(
            f"{where}: class {dataset.classes[rarest]!r} occurs in {of_class[rarest]} of {len(groups.names)} groups; "
            f"{LEAST_GROUPS_OF_A_CLASS} or more are needed, for a pool, test rows and rows held back; merge rare "
            "classes or leave them out"
        )


def _at_a_time(dataset: Dataset, time: Times, rows: RowNumbers, share: float) -> tuple[RowNumbers, RowNumbers]:
    """Split at the time that gives the later rows a share as near as possible; rows of one time stay together."""
    moments, counts = np.unique(time.values[rows], return_counts=True)
    if len(moments) < 2:
        raise DataError(
            f"{dataset.name}: the time column {time.name!r} has {len(np.unique(time.values))} different values, and "
            "rows of one time stay together; give three or more, one each for a pool, test rows and rows held back"
        )
    later = len(rows) - np.cumsum(counts)[:-1]
    first = moments[1 + int(np.argmin(np.abs(later - share * len(rows))))]
    is_later = time.values[rows] >= first
    return np.sort(rows[~is_later]), np.sort(rows[is_later])


def _by_group(
    dataset: Dataset, groups: Groups, rows: RowNumbers, share: float, rng: np.random.Generator
) -> tuple[RowNumbers, RowNumbers]:
    """Split rows by whole groups."""
    present, codes = np.unique(groups.codes[rows], return_inverse=True)
    table = _table(Groups(groups.name, codes, tuple(map(str, present))), dataset.y[rows], dataset.n_classes)
    orders = max(1, min(_MOST_ORDERS, _GROUPS_TRIED // len(table)))
    first = len(rows) == dataset.n_rows
    taken, _ = min((_taken_groups(table, share, first, rng) for _ in range(orders)), key=lambda drawn: drawn[1])
    lacking = [table[~taken].sum(axis=0), table[taken].sum(axis=0)]
    missing = np.flatnonzero((table.sum(axis=0) > 0) & ((lacking[0] == 0) | (lacking[1] == 0)))
    if len(missing):
        raise DataError(
            f"{dataset.name}: the groups of {groups.name!r} cannot be split so that class "
            f"{dataset.classes[missing[0]]!r} is in the pool, the test rows and the rows held back; more groups with "
            "this class are needed"
        )
    is_taken = taken[codes]
    return np.sort(rows[~is_taken]), np.sort(rows[is_taken])


def _taken_groups(
    table: NDArray[np.int64], share: float, first: bool, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], float]:
    """Return which groups are taken in a random order, ``(n_groups,)``, and how far their rows are from the shares.

    Parameters
    ----------
    table : rows of each group and class, ``(n_groups, n_classes)``.
    share : share of the rows of each class to take.
    first : whether the groups that are left are split once more, so that two of each class must be left.
    rng : the only source of randomness.
    """
    totals = table.sum(axis=0)
    weights = 1.0 / np.maximum(totals, 1)
    wanted = share * totals.astype(np.float64)
    left = (table > 0).sum(axis=0)
    taken = np.zeros(len(table), dtype=bool)
    order = rng.permutation(len(table))
    for group in order.tolist():
        counts = table[group]
        # The squared distance to what is wanted falls if the group is taken.
        nearer = float((weights * counts) @ (counts - 2.0 * wanted)) < 0.0
        if nearer and _may_go(counts, left, 1 + first):
            taken[group] = True
            wanted -= counts
            left -= counts > 0
            if (wanted <= 0.5).all():
                break
    for code in np.flatnonzero(totals > 0):
        while not table[taken, code].any() or taken.sum() < _LEAST_TAKEN * first:
            candidates = [
                group
                for group in order.tolist()
                if not taken[group] and table[group, code] and _may_go(table[group], left, 1)
            ]
            if not candidates:
                break
            smallest = min(candidates, key=lambda group: int(table[group].sum()))
            taken[smallest] = True
            left -= table[smallest] > 0
    distance = table[taken].sum(axis=0) - share * totals
    return taken, float((weights * distance) @ distance)


def _may_go(counts: NDArray[np.int64], left: NDArray[np.int64], keep: int) -> bool:
    """Return whether enough groups of each of its classes are left without a group."""
    return bool((left[counts > 0] > keep).all())


def _table(groups: Groups, y: NDArray[np.intp], n_classes: int) -> NDArray[np.int64]:
    """Return the number of rows of each group and class, ``(n_groups, n_classes)``."""
    counts = np.bincount(groups.codes * n_classes + y, minlength=len(groups.names) * n_classes)
    return counts.reshape(-1, n_classes).astype(np.int64)
