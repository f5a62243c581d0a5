"""Rows that are in the data several times, or nearly: their test rows are in the pool as well.

Rows are compared by a hash of their values, of which numbers are rounded to a hundredth of a standard deviation.
Columns that name the rows do not count, and one further column may differ, such as the name of the annotator in an
export with a line for each answer.

Some tables have equal rows by nature: a few categories have few combinations. A row counts as a copy only if it has
many more equal rows than would be expected if the columns were independent of each other within its class. Columns that
depend on each other still repeat more often than that, so there must be far more combinations of values than pairs of
rows, or nearly all rows must be copies.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, cast

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from altune.data.features import is_frame

Keys = NDArray[np.uint64]

GRID = 0.01
"""Numbers are rounded to this share of the standard deviation of their column."""
UNEXPECTED = 5.0
"""How many times as many equal rows as expected make a copy."""
COPIES, CONFLICTS, FEWEST = 0.05, 0.01, 10
"""Shares of the rows from which copies and their conflicting labels are worth a line, and the fewest rows."""
_MANY_COMBINATIONS = 2.5
"""Collision entropy of the columns, over the logarithm of the number of rows, from which equal rows are no chance."""
_NEARLY_ALL, _MOST_EQUAL = 0.8, 20.0
"""Share of the rows from which fewer combinations will do, if a row has no more equal ones than this on average."""
_DENSE = 0.3
"""Share of entries from which a sparse matrix is compared column by column."""
_MOST_VALUES, _MOST_COLUMNS = 10**7, 200
"""Values and columns of a table up to which each column is left out once."""
_MOST_ROWS_BESIDE = 0.5
"""Share of the rows that must be equal but for one column for it to be named."""
_BETTER = 2.0
"""How many times as many rows must be equal without that column as without another one, and as with it."""


class Copies(NamedTuple):
    """Rows that are in the data several times.

    Attributes
    ----------
    n_rows : number of all rows.
    sets : number of the set of equal rows of each row, in [0, n_sets), ``(n_rows,)``; by chance equal ones included.
    copied : number of rows that have a copy.
    different : number of different rows among these.
    conflicting : number of rows of which a copy has another label.
    beside : column that differs between copies, None if there is none.
    """

    n_rows: int
    sets: NDArray[np.int64]
    copied: int
    different: int
    conflicting: int
    beside: str | None

    def without_copies(self) -> Copies:
        """Return the same sets of equal rows, none of which counts as a copy."""
        return self._replace(copied=0, different=0, conflicting=0)

    def lines(self, by_group: str = "", by_time: bool = False) -> list[str]:
        """Return what to say about the copies, one line each; usually nothing.

        Parameters
        ----------
        by_group : name of the column that keeps rows together, of which copies are in several groups.
        by_time : whether blocks are drawn by time, where no copies can be kept together.
        """
        if self.copied < FEWEST:
            return []
        lines = []
        beside = f" but for column {self.beside!r}" if self.beside is not None else ""
        where = f" in another group of {by_group!r}" if by_group else ""
        if self.copied >= COPIES * self.n_rows:
            keep = "" if by_group or by_time else "; --group duplicates keeps them together, and --group COLUMN does"
            lines.append(
                f"{self.copied} of {self.n_rows} rows ({self.copied / self.n_rows:.0%}) are duplicates: they are equal "
                f"or nearly equal to another row{where}{beside}, and only {self.different} of them are different. "
                f"Test rows are in the pool as well, so scores are too high{keep}"
                f"{' where a column names what copies have in common' if keep else '; leave copies out'}"
            )
        if self.conflicting >= max(FEWEST, CONFLICTS * self.n_rows):
            lines.append(
                f"{self.conflicting} rows have another label than a row that is equal to them{beside}, so no model "
                "can be right about all of them; agree on one label for equal rows"
            )
        return lines


def find_copies(
    X: Any, y: NDArray[np.intp], names: tuple[str, ...] | None, ignored: frozenset[str], groups: Any = None
) -> Copies:
    """Return the rows that are in the data several times.

    Parameters
    ----------
    X : float64 array, CSR array or DataFrame, ``(n_rows, n_features)``.
    y : class codes, ``(n_rows,)``.
    names : names of the columns, None if there are none.
    ignored : columns that do not count, since they name the rows.
    groups : group of each row, ``(n_rows,)``; only equal rows of several groups count. None for no groups.

    Examples
    --------
    >>> X = np.repeat(np.random.default_rng(0).normal(size=(30, 3)), 2, axis=0)
    >>> found = find_copies(X, np.arange(60) % 2, None, frozenset())
    >>> found.copied, found.different, found.conflicting
    (60, 30, 60)
    """
    if sp.issparse(X):
        matrix = cast(Any, X)
        if matrix.nnz < _DENSE * matrix.shape[0] * matrix.shape[1]:
            binary = sp.csr_array((np.ones_like(matrix.data), matrix.indices, matrix.indptr), shape=matrix.shape)
            return _judged(_sparse_keys(matrix), y, groups, lambda rows: _expected_sparse(binary, y, rows))
        X = matrix.toarray()
    listed = names or tuple(map(str, range(X.shape[1])))
    places = [place for place, name in enumerate(listed) if name not in ignored]
    mixer = np.random.default_rng(0).integers(1, 2**63, size=X.shape[1], dtype=np.uint64) | np.uint64(1)

    few = len(places) * len(y) <= _MOST_VALUES and len(places) <= _MOST_COLUMNS
    codes = cache(lambda place: _column_codes(X, place)) if few else lambda place: _column_codes(X, place)

    def part(place: int) -> Keys:
        return _mixed(codes(place).view(np.uint64) * mixer[place])

    @cache
    def shares(place: int) -> tuple[NDArray[np.float64], float]:
        return _shares(codes(place), y)

    def judged(keys: Keys, left: list[int]) -> Copies:
        sizes = np.bincount(y)[y].astype(np.float64)
        found = _judged(
            keys, y, groups, lambda rows: sizes[rows] * np.exp(sum(shares(place)[0][rows] for place in left))
        )
        equal = float((np.bincount(found.sets) ** 2).sum()) / len(y)
        if found.copied < FEWEST or (found.copied >= _NEARLY_ALL * len(y) and equal <= _MOST_EQUAL):
            return found
        combinations = sum(shares(place)[1] for place in left)
        return found if combinations > _MANY_COMBINATIONS * np.log(len(y)) else found.without_copies()

    keys = np.zeros(len(y), dtype=np.uint64)
    for place in places:
        keys += part(place)
    whole = judged(keys, places)
    if whole.copied > len(y) / _BETTER or len(places) < 2 or not few:
        return whole
    repeated = [_repeated(keys - part(place)) for place in places]
    second, most = sorted(repeated)[-2:]
    if most < _MOST_ROWS_BESIDE * len(y) or most < _BETTER * max(second, _repeated(keys)):
        return whole
    beside = places[repeated.index(most)]
    found = judged(keys - part(beside), [place for place in places if place != beside])
    return found._replace(beside=listed[beside]) if found.copied >= _MOST_ROWS_BESIDE * len(y) else whole


def _judged(
    keys: Keys, y: NDArray[np.intp], groups: Any, expected: Callable[[NDArray[np.intp]], NDArray[np.float64]]
) -> Copies:
    """Return the copies among rows with the same key, given how many equal rows are expected of each."""
    _, sets, counts = np.unique(keys, return_inverse=True, return_counts=True)
    sets = sets.astype(np.int64)
    others = _others(sets, counts, groups)
    repeated = np.flatnonzero(others > 0)
    if len(repeated) < FEWEST:
        return Copies(len(y), sets, 0, 0, 0, None)
    rows = repeated[others[repeated] > UNEXPECTED * expected(repeated)]
    mixed = _differ(sets, y)[sets[rows]] if len(rows) else np.zeros(0, dtype=bool)
    return Copies(len(y), sets, len(rows), len(np.unique(sets[rows])), int(mixed.sum()), None)


def _others(sets: NDArray[np.int64], counts: NDArray[np.intp], groups: Any) -> NDArray[np.intp]:
    """Return how many equal rows each row has, of other groups where there are groups."""
    if groups is None:
        return counts[sets] - 1
    return np.where(_differ(sets, groups)[sets], counts[sets] - 1, 0)


def _differ(sets: NDArray[np.int64], codes: Any) -> NDArray[np.bool_]:
    """Return of each set of rows whether their codes differ."""
    low, high = np.full(sets.max() + 1, np.iinfo(np.int64).max), np.full(sets.max() + 1, -1)
    np.minimum.at(low, sets, codes)
    np.maximum.at(high, sets, codes)
    differ: NDArray[np.bool_] = low != high
    return differ


def _repeated(keys: Keys) -> int:
    """Return the number of rows with a key that another row has."""
    ordered = np.sort(keys)
    same = ordered[1:] == ordered[:-1]
    return int(np.count_nonzero(np.append(same, False) | np.append(False, same)))


def _shares(codes: NDArray[np.int64], y: NDArray[np.intp]) -> tuple[NDArray[np.float64], float]:
    """Return what a column says about equal rows.

    Returns
    -------
    log_shares : logarithm of the share of its class that has the value of a row, ``(n_rows,)``.
    entropy : minus the logarithm of the probability that two rows have the same value.
    """
    places = np.unique(codes, return_inverse=True)[1]
    both = places * (int(y.max()) + 1) + y
    log_shares: NDArray[np.float64] = np.log(np.bincount(both)[both] / np.bincount(y)[y])
    return log_shares, -float(np.log(((np.bincount(places) / len(y)) ** 2).sum()))


def _expected_sparse(binary: Any, y: NDArray[np.intp], rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return how many rows of its class have the same entries as a row, if entries are independent in the class."""
    logs = np.zeros(len(rows))
    for code in np.unique(y[rows]):
        of_class = binary[np.flatnonzero(y == code)]
        size = of_class.shape[0]
        share = (np.asarray(of_class.sum(axis=0)).ravel() + 0.5) / (size + 1.0)
        here = y[rows] == code
        logs[here] = np.log(size) + np.log1p(-share).sum() + binary[rows[here]] @ (np.log(share) - np.log1p(-share))
    return np.exp(np.minimum(logs, np.log(len(y))))


def _column_codes(X: Any, place: int) -> NDArray[np.int64]:
    """Return a column as whole numbers that are equal where its values are, or nearly are; a gap equals a gap."""
    if is_frame(X):
        import pandas as pd

        column = X.iloc[:, place]
        if not pd.api.types.is_numeric_dtype(column.dtype):
            places: NDArray[np.int64] = pd.factorize(column)[0].astype(np.int64)
            return places
        values = column.to_numpy(dtype=np.float64)
    else:
        values = np.asarray(X[:, place])
    gaps = np.isnan(values)
    known = values[~gaps]
    spread = float(known.std()) if len(known) else 0.0
    if not spread > 0.0:
        return np.asarray(gaps, dtype=np.int64)
    scaled = np.where(gaps, 0.0, (values - known.mean()) / (GRID * spread))
    codes: NDArray[np.int64] = np.rint(np.clip(scaled, -(2.0**62), 2.0**62)).astype(np.int64)
    codes[gaps] = np.iinfo(np.int64).min
    return codes


def _sparse_keys(X: Any) -> Keys:
    """Return a key of each row of a CSR array; the largest magnitude of all entries is the unit of rounding."""
    largest = float(np.abs(X.data).max()) if len(X.data) else 1.0
    codes = np.rint(X.data / (GRID**2 * largest)).astype(np.int64).view(np.uint64)
    mixer = np.random.default_rng(0).integers(1, 2**63, size=X.shape[1], dtype=np.uint64) | np.uint64(1)
    terms: Keys = np.concatenate([[np.uint64(0)], np.cumsum(_mixed((codes + np.uint64(1)) * mixer[X.indices]))])
    keys: Keys = terms[X.indptr[1:]] - terms[X.indptr[:-1]]
    return keys


def _mixed(values: Keys) -> Keys:
    """Return well-mixed bits, so that sums over columns are equal for equal rows alone."""
    values = (values ^ (values >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed: Keys = values ^ (values >> np.uint64(32))
    return mixed
