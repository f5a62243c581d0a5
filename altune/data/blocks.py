"""Blocks: each fixes the pool, the test rows and every random stream of a simulation.

The study first holds back a stratified fifth of the rows. A *search* or *select* block splits the other rows into pool
(75 %) and test rows. A search block may keep a stratified part of both. A *report* block draws a pool of
the same size as a select block and is scored on the rows held back, which no search uses. A *replay* block does the
same with random streams of its own: commands that play recipes without a search use it, so that they do not repeat the
report of a search with the same seed. *Explicit* blocks are given as row numbers, to follow a published protocol.

With groups, each of these sets has whole groups. With a time, the latest fifth is held back, search and select blocks
are tested on the latest quarter of the other rows, and a pool is drawn from the rows that are earlier than its test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from altune.core.errors import DataError
from altune.core.streams import Streams
from altune.core.types import RowNumbers
from altune.data.dataset import Dataset
from altune.data.splitting import require_groups, split

BlockRole = Literal["search", "select", "report", "replay"]
ROLES: tuple[BlockRole, ...] = ("search", "select", "report")
SCORED_ON_HELD_BACK: tuple[BlockRole, ...] = ("report", "replay")
HELD_BACK = 0.2
TEST_SHARE = 0.25
LEAST_ROWS_OF_A_CLASS = 5
"""Rows of a class that a data set must have, and that a part of its rows keeps if the class has as many."""


@dataclass(frozen=True, eq=False)
class Block:
    """The rows of a pool and its test rows.

    Attributes
    ----------
    role : what the block is used for.
    number : number of the block within its role, on which its random streams depend.
    pool, test : disjoint row numbers of the data set.
    initial : row numbers of the data set that are labelled first, None if the recipe chooses them.
    shares_test : whether all blocks of its role have the same test rows, which intervals take into account.
    groups : group of each row of the data set, ``(n_rows,)``, None if there are no groups.
    by_class : whether the test rows were drawn by class.
    """

    role: BlockRole
    number: int
    pool: RowNumbers
    test: RowNumbers
    initial: RowNumbers | None = None
    shares_test: bool = False
    groups: NDArray[np.int64] | None = field(default=None, repr=False)
    by_class: bool = True

    def streams(self, seed: int, data: str) -> Streams:
        """Return the random streams of the block, given the seed of the study and the name of the data set."""
        return Streams(seed, data, self.role, self.number)

    def digest(self) -> str:
        """Return a stable hash of the rows of the block and of what its random streams depend on."""
        digest = hashlib.blake2b(f"{self.role} {self.number}|".encode(), digest_size=16)
        for rows in (self.pool, self.test, self.initial if self.initial is not None else np.empty(0)):
            digest.update(np.asarray(rows, dtype=np.int64).tobytes() + b"|")
        return digest.hexdigest()


def make_blocks(dataset: Dataset, role: BlockRole, count: int, seed: int, most_rows: int | None = None) -> list[Block]:
    """Draw the first ``count`` blocks of a role. The first blocks are the same for every ``count``.

    Parameters
    ----------
    dataset : the data.
    role : what the blocks are used for.
    count : number of blocks.
    seed : the study's seed.
    most_rows : number of rows of pool and test together. A block with more keeps a stratified part of its pool and of
        its test rows, another one in each block. None keeps all.

    Raises
    ------
    DataError
        If a class has too few rows or groups for pool, test rows and rows held back.
    """
    dataset.require_rows_per_class(LEAST_ROWS_OF_A_CLASS)
    require_groups(dataset)
    rest, held_back = split(dataset, np.arange(dataset.n_rows), HELD_BACK, Streams(seed, dataset.name, "study", 0))
    blocks = []
    for number in range(count):
        streams = Streams(seed, dataset.name, role, number)
        pool, test = split(dataset, rest, TEST_SHARE, streams)
        shared = role in SCORED_ON_HELD_BACK
        if dataset.time is not None:
            _require_two_classes(dataset, rest if shared else pool, held_back if shared else test)
            earlier = rest if shared else pool
            pool = stratified_part(dataset, earlier, pool_share(len(pool)), streams.generator("pool"))
        if most_rows is not None and most_rows < len(pool) + len(test):
            n_test = int(np.ceil(most_rows * TEST_SHARE))
            pool = stratified_part(dataset, pool, most_rows - n_test, streams.generator("pool part"))
            test = stratified_part(dataset, test, n_test, streams.generator("test part"))
        block = Block(role, number, pool, held_back if shared else test, groups=codes_of(dataset))
        shared = shared or (dataset.time is not None and most_rows is None)
        blocks.append(replace(block, shares_test=shared, by_class=dataset.time is None))
    return blocks


def _require_two_classes(dataset: Dataset, earlier: RowNumbers, later: RowNumbers) -> None:
    """Refuse times that leave a single class on one side."""
    for rows, when in ((earlier, "earlier rows, the pool,"), (later, "later rows, the test,")):
        if len(present := np.unique(dataset.y[rows])) < 2:
            name = dataset.time.name if dataset.time is not None else ""
            raise DataError(
                f"{dataset.name}: ordered by {name!r}, all {len(rows)} {when} have the class "
                f"{dataset.classes[present[0]]!r}; two classes or more are needed on both sides"
            )


def codes_of(dataset: Dataset) -> NDArray[np.int64] | None:
    """Return the group of each row, None if there are no groups."""
    return None if dataset.groups is None else dataset.groups.codes


def stratified_part(dataset: Dataset, rows: RowNumbers, size: int, rng: np.random.Generator) -> RowNumbers:
    """Return ``size`` of the rows, sorted, drawn at random within each class.

    A class has its share of the part, to the nearest rows. A class whose share is below
    :data:`LEAST_ROWS_OF_A_CLASS` rows keeps that many, or all that it has; ``size`` must leave room for it.
    """
    codes = dataset.y[rows]
    counts = np.bincount(codes, minlength=dataset.n_classes)
    exact = counts * size / len(rows)
    rare = exact < LEAST_ROWS_OF_A_CLASS
    kept = np.where(rare, np.minimum(counts, LEAST_ROWS_OF_A_CLASS), 0)
    exact = np.where(rare, 0.0, counts * (size - kept.sum()) / max(1, counts[~rare].sum()))
    kept += exact.astype(np.intp)
    largest_remainders = np.argsort(-(exact % 1), kind="stable")[: size - kept.sum()]
    kept[largest_remainders] += 1
    parts = [rng.choice(rows[codes == code], size=kept[code], replace=False) for code in range(dataset.n_classes)]
    return np.sort(np.concatenate(parts))


def rows_of_block(dataset: Dataset) -> int:
    """Return the number of rows of every search block of all rows, pool and test; with groups, it is about that.

    With a time, ties can move it as well, and the pool is a part of the rows before the test.
    """
    rest = dataset.n_rows - int(np.ceil(dataset.n_rows * HELD_BACK))
    return rest if dataset.time is None else rest - pool_share(rest) + pool_share(pool_share(rest))


def pool_size(dataset: Dataset, seed: int = 0) -> int:
    """Return the number of pool rows of every block of all rows that :func:`make_blocks` draws from a data set.

    With groups or a time, it is that of the smallest pool of the first blocks of each role.
    """
    if dataset.groups is None and dataset.time is None:
        return pool_share(rows_of_block(dataset))
    return min(len(block.pool) for role in ROLES for block in make_blocks(dataset, role, 1, seed))


def pool_share(rows: int) -> int:
    """Return the number of pool rows among the rows of a search block.

    >>> pool_share(8000)
    6000
    """
    return rows - int(np.ceil(rows * TEST_SHARE))


def explicit_block(
    dataset: Dataset,
    pool: ArrayLike,
    test: ArrayLike,
    initial: ArrayLike | None = None,
    *,
    role: BlockRole = "search",
    number: int = 0,
) -> Block:
    """Return a block of given row numbers.

    Parameters
    ----------
    dataset : the data.
    pool, test : disjoint row numbers of the data set, at least one each.
    initial : rows of the pool that are labelled first, instead of the recipe's initial sample.
    role, number : role and number of the block, on which its random streams depend.

    Raises
    ------
    DataError
        If a row is not in the data set, occurs twice, or is in both pool and test.
    """
    where = f"block {number} of {dataset.name}"
    pool_rows = _rows(dataset, pool, f"{where}: pool")
    test_rows = _rows(dataset, test, f"{where}: test")
    shared = np.intersect1d(pool_rows, test_rows)
    if len(shared):
        raise DataError(f"{where}: row {shared[0]} is in both pool and test; put it into one of them")
    initial_rows = None
    if initial is not None:
        initial_rows = _rows(dataset, initial, f"{where}: initial")
        outside = np.setdiff1d(initial_rows, pool_rows)
        if len(outside):
            raise DataError(f"{where}: initial row {outside[0]} is not in the pool")
    if dataset.time is not None:
        raise DataError(f"{where}: explicit splits take the place of the time {dataset.time.name!r}; give one of them")
    if dataset.groups is not None:
        codes = dataset.groups.codes
        both = np.intersect1d(codes[pool_rows], codes[test_rows])
        if len(both):
            raise DataError(
                f"{where}: group {dataset.groups.names[both[0]]!r} of {dataset.groups.name!r} is in both pool and "
                "test; put its rows into one of them"
            )
    return Block(role, number, pool_rows, test_rows, initial_rows, groups=codes_of(dataset))


def read_splits(dataset: Dataset, plain: Any, file: str = "splits") -> dict[BlockRole, list[Block]]:
    """Read explicit blocks from plain values.

    Parameters
    ----------
    dataset : the data.
    plain : a list of ``{pool, test, initial}`` mappings for the search, or a mapping of ``search``, ``select`` and
        ``report`` to such lists. ``initial`` may be left out.
    file : the file that ``plain`` was read from, for errors.
    """
    if isinstance(plain, Sequence) and not isinstance(plain, str):
        plain = {"search": plain}
    if not isinstance(plain, Mapping) or not plain or set(plain) - set(ROLES):
        raise DataError(f"{file}: expected a list of blocks, or a mapping with {', '.join(ROLES)}")
    blocks = {role: _read_role(dataset, plain.get(role, []), role, file) for role in ROLES}
    if not blocks["search"]:
        raise DataError(f"{file}: there are no search blocks; give at least one")
    return {role: listed for role, listed in blocks.items() if listed}


def _read_role(dataset: Dataset, entries: Any, role: BlockRole, file: str) -> list[Block]:
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise DataError(f"{file}: {role}: expected a list of blocks, not {entries!r}")
    blocks = []
    for number, entry in enumerate(entries):
        if isinstance(entry, Block):
            entry = {"pool": entry.pool, "test": entry.test, "initial": entry.initial}
        if not isinstance(entry, Mapping) or not {"pool", "test"} <= set(entry) <= {"pool", "test", "initial"}:
            raise DataError(f"{file}: {role}[{number}]: expected a mapping with pool, test and optionally initial")
        initial = entry.get("initial")
        blocks.append(explicit_block(dataset, entry["pool"], entry["test"], initial, role=role, number=number))
    shared = len(blocks) > 1 and all(np.array_equal(block.test, blocks[0].test) for block in blocks)
    return [replace(block, shares_test=shared) for block in blocks]


def _rows(dataset: Dataset, values: ArrayLike, where: str) -> RowNumbers:
    try:
        rows = np.asarray(values)
    except ValueError:
        raise DataError(f"{where}: expected a list of one or more row numbers") from None
    if rows.ndim != 1 or len(rows) == 0 or not np.issubdtype(rows.dtype, np.integer):
        raise DataError(f"{where}: expected a list of one or more row numbers")
    if rows.min() < 0 or rows.max() >= dataset.n_rows:
        outside = rows.max() if rows.max() >= dataset.n_rows else rows.min()
        raise DataError(f"{where}: row {outside} is not between 0 and {dataset.n_rows - 1}")
    unique, counts = np.unique(rows, return_counts=True)
    if len(unique) != len(rows):
        raise DataError(f"{where}: row {unique[counts > 1][0]} occurs twice")
    return rows.astype(np.intp)
