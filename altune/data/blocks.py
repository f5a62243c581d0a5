"""Blocks: one (data set, seed) each, fixing the split and every random stream.

The study first holds back a stratified fifth of the rows. A *search* or *select* block splits the rest into pool
(75 %) and test. A *report* block draws a fresh pool of the same size and is scored on the held-back rows, which
nothing was ever scored on before. *Explicit* blocks are given as row numbers where a published protocol is matched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import train_test_split

from altune.core.errors import DataError
from altune.core.streams import Streams
from altune.data.dataset import Dataset

BlockRole = Literal["search", "select", "report"]
PARTS: tuple[BlockRole, ...] = ("search", "select", "report")
HELD_BACK = 0.2
TEST_SHARE = 0.25
LEAST_ROWS_OF_A_CLASS = 5

Rows = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Block:
    """Rows of one pool and its test set.

    Attributes
    ----------
    part : what the block is for.
    number : its number within the part, the *s* of the random streams.
    pool, test : disjoint row numbers of the data set.
    initial : first labelled rows as row numbers of the data set, where the protocol fixes them.
    """

    part: BlockRole
    number: int
    pool: Rows
    test: Rows
    initial: Rows | None = None

    def streams(self, seed: int, data: str) -> Streams:
        """Return the block's random streams under a study's seed."""
        return Streams(seed, data, self.part, self.number)

    def digest(self) -> str:
        """Return a stable hash of the block's rows and of what its streams hang on."""
        found = hashlib.blake2b(f"{self.part} {self.number}|".encode(), digest_size=16)
        for part in (self.pool, self.test, self.initial if self.initial is not None else np.empty(0)):
            found.update(np.asarray(part, dtype=np.int64).tobytes() + b"|")
        return found.hexdigest()


def make_blocks(dataset: Dataset, part: BlockRole, count: int, seed: int) -> list[Block]:
    """Return the first ``count`` blocks of a part; more blocks never change the ones before.

    Raises
    ------
    DataError
        If a class has too few rows to stand in pool, test and held-back rows alike.
    """
    dataset.require_rows_per_class(LEAST_ROWS_OF_A_CLASS)
    rest, held_back = split(dataset, np.arange(dataset.n_rows), HELD_BACK, Streams(seed, dataset.name, "study", 0))
    blocks = []
    for number in range(count):
        streams = Streams(seed, dataset.name, part, number)
        pool, test = split(dataset, rest, TEST_SHARE, streams)
        blocks.append(Block(part, number, pool, held_back if part == "report" else test))
    return blocks


def split(dataset: Dataset, rows: Rows, share: float, streams: Streams) -> tuple[Rows, Rows]:
    """Split rows at random, stratified by class, into sorted ``(1 − share, share)`` parts."""
    kept, taken = train_test_split(
        rows, test_size=share, stratify=dataset.y[rows], random_state=streams.integer("split")
    )
    return np.sort(kept), np.sort(taken)


def pool_size(dataset: Dataset) -> int:
    """Return the rows of every pool that :func:`make_blocks` makes of a data set."""
    rest = dataset.n_rows - int(np.ceil(dataset.n_rows * HELD_BACK))
    return rest - int(np.ceil(rest * TEST_SHARE))


def explicit_block(
    dataset: Dataset,
    pool: ArrayLike,
    test: ArrayLike,
    initial: ArrayLike | None = None,
    *,
    part: BlockRole = "search",
    number: int = 0,
) -> Block:
    """Return a block of given row numbers.

    Parameters
    ----------
    pool, test : disjoint row numbers of the data set, at least one each.
    initial : rows of the pool that are labelled first in place of the recipe's initial sample.
    part, number : they name the block's random streams.

    Raises
    ------
    DataError
        If rows lie outside of the data set, stand twice, or overlap.
    """
    where = f"block {number} of {dataset.name}"
    pool_rows = _rows(dataset, pool, f"{where}: pool")
    test_rows = _rows(dataset, test, f"{where}: test")
    both = np.intersect1d(pool_rows, test_rows)
    if len(both):
        raise DataError(f"{where}: row {both[0]} stands in pool and test; each row may stand in one of them")
    first = None
    if initial is not None:
        first = _rows(dataset, initial, f"{where}: initial")
        outside = np.setdiff1d(first, pool_rows)
        if len(outside):
            raise DataError(f"{where}: initial row {outside[0]} is not in the pool")
    return Block(part, number, pool_rows, test_rows, first)


def read_splits(dataset: Dataset, plain: Any, file: str = "blocks") -> dict[BlockRole, list[Block]]:
    """Read explicit blocks from plain values.

    Either one list of ``{pool, test, initial}`` mappings, used for the search, or a mapping of ``search``,
    ``select`` and ``report`` to such lists.
    """
    if isinstance(plain, Sequence) and not isinstance(plain, str):
        plain = {"search": plain}
    if not isinstance(plain, Mapping) or not plain or set(plain) - set(PARTS):
        raise DataError(f"{file}: expected a list of blocks, or a mapping with {', '.join(PARTS)}")
    found: dict[BlockRole, list[Block]] = {}
    for part in PARTS:
        entries = plain.get(part, [])
        if not isinstance(entries, Sequence) or isinstance(entries, str):
            raise DataError(f"{file}: {part}: expected a list of blocks, not {entries!r}")
        for number, entry in enumerate(entries):
            if isinstance(entry, Block):
                found.setdefault(part, []).append(Block(part, number, entry.pool, entry.test, entry.initial))
                continue
            if not isinstance(entry, Mapping) or not {"pool", "test"} <= set(entry) <= {
                "pool",
                "test",
                "initial",
            }:
                raise DataError(f"{file}: {part}[{number}]: expected a mapping with pool, test and perhaps initial")
            block = explicit_block(
                dataset, entry["pool"], entry["test"], entry.get("initial"), part=part, number=number
            )
            found.setdefault(part, []).append(block)
    if "search" not in found:
        raise DataError(f"{file}: no search blocks; give at least one")
    return found


def _rows(dataset: Dataset, values: ArrayLike, where: str) -> Rows:
    try:
        rows = np.asarray(values)
    except ValueError:
        raise DataError(f"{where}: expected a list of row numbers, one or more") from None
    if rows.ndim != 1 or len(rows) == 0 or not np.issubdtype(rows.dtype, np.integer):
        raise DataError(f"{where}: expected a list of row numbers, one or more")
    if rows.min() < 0 or rows.max() >= dataset.n_rows:
        worst = rows.max() if rows.max() >= dataset.n_rows else rows.min()
        raise DataError(f"{where}: row {worst} is outside of 0 to {dataset.n_rows - 1}")
    unique, counts = np.unique(rows, return_counts=True)
    if len(unique) != len(rows):
        raise DataError(f"{where}: row {unique[counts > 1][0]} stands there twice")
    return rows.astype(np.intp)
