"""One number of each loop, over blocks that may have different numbers of loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from altune.simulation.probes import HIGH, LOW

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
Numbers = tuple[float | None, ...]
DIGITS = 5


@dataclass(frozen=True)
class Series:
    """One number of each loop; None if no block has it.

    Attributes
    ----------
    mean : mean over the blocks that had the loop.
    low, high : 10 % and 90 % quantiles over these blocks.
    """

    mean: Numbers
    low: Numbers
    high: Numbers


def series_of(values: Sequence[Array | Counts], loops: Counts) -> Series:
    """Return one number of each loop, over blocks that may have different numbers of loops.

    Parameters
    ----------
    values : for each block one number of each of its loops, NaN if it has none.
    loops : the loops to keep, increasing.

    Examples
    --------
    >>> series_of([np.array([1.0, 2.0]), np.array([3.0])], np.array([0, 1])).mean
    (2.0, 2.0)
    """
    table = table_of(values, loops)
    low, high = over_blocks(table, lambda column: np.quantile(column, (LOW, HIGH)), 2).T
    return Series(plain_numbers(over_blocks(table, np.mean, 1)[:, 0]), plain_numbers(low), plain_numbers(high))


def table_of(values: Sequence[Array | Counts], loops: Counts) -> Array:
    """Return one row for each block and one column for each loop to keep, NaN if there is no number."""
    table = np.full((len(values), len(loops)), np.nan)
    for row, numbers in zip(table, values, strict=True):
        inside = loops < len(numbers)
        row[inside] = np.asarray(numbers, dtype=np.float64)[loops[inside]]
    return table


def over_blocks(table: Array, number: Callable[[Array], Array], width: int) -> Array:
    """Return ``number`` of the finite values of each column, ``(n_loops, width)``, NaN if there are none."""
    result = np.full((table.shape[1], width), np.nan)
    for loop, column in enumerate(table.T):
        known = column[np.isfinite(column)]
        if len(known):
            result[loop] = number(known)
    return result


def plain_numbers(values: Array) -> Numbers:
    """Return numbers as they are stored: rounded, None for NaN."""
    return tuple(round(value, DIGITS) if np.isfinite(value) else None for value in values.tolist())
