"""The order of the search blocks: which block of which data set comes at each position."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

from altune.data.blocks import Block
from altune.simulation.environment import Environment
from altune.tuning.merit import plays_left, trials_within

Item = TypeVar("Item")


class SearchBlock(NamedTuple):
    """A block with the environment of its data set: where a recipe is played.

    Attributes
    ----------
    environment : data set and scenario.
    block : one of its blocks.
    """

    environment: Environment
    block: Block


@dataclass(frozen=True)
class SearchBlocks:
    """Order of the search blocks: one block of each data set in turn, then the leader blocks in the same way.

    Whatever is stored for each block of a trial, curves and values, is stored in this order. A trial that was played
    on fewer blocks than others was played on the first ones, so the length of a trial alone says which blocks it had.

    Parameters
    ----------
    n_blocks : number of usual blocks of each data set.
    leader_blocks : number of further blocks of each data set, on which leaders are played.
    by_merit : whether a recipe is played on more blocks the better it does, up to ``n_blocks``, see
        :mod:`altune.tuning.merit`; otherwise every trial is played on all usual blocks.

    Examples
    --------
    >>> blocks = SearchBlocks((2, 2), leader_blocks=1)
    >>> blocks.order
    ((0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2))
    >>> blocks.n_usual, len(blocks)
    (4, 6)
    >>> blocks.split(["a0", "b0", "a1"])
    [['a0', 'a1'], ['b0']]
    """

    n_blocks: tuple[int, ...]
    leader_blocks: int = 0
    by_merit: bool = False

    @classmethod
    def of_stored(cls, n_played: int, n_data_sets: int, leader_blocks: int) -> SearchBlocks:
        """Return the order of a stored study from the number of blocks on which its baselines were played."""
        return cls((n_played // n_data_sets - leader_blocks,) * n_data_sets, leader_blocks)

    def __len__(self) -> int:
        return len(self.order)

    def plays_left(self, n_trials: int, finished: int, batch: int) -> int:
        """Return the largest number of plays of a search of which some trials are finished, leader blocks aside.

        Parameters
        ----------
        n_trials, finished : number of trials in all, and of those that are finished.
        batch : number of trials asked at a time.
        """
        return plays_left(n_trials, finished, batch) if self.by_merit else max(0, n_trials - finished) * self.n_usual

    @property
    def n_usual(self) -> int:
        """Number of usual blocks of all data sets together; they come before the leader blocks."""
        return sum(self.n_blocks)

    @cached_property
    def order(self) -> tuple[tuple[int, int], ...]:
        """Index of the data set and number of the block at each position."""
        usual = _in_turn([range(count) for count in self.n_blocks])
        return tuple(usual + _in_turn([range(count, count + self.leader_blocks) for count in self.n_blocks]))

    def trials_within(self, n_plays: int, batch: int) -> int:
        """Return the largest number of trials that a number of plays suffices for; 1 at least.

        >>> SearchBlocks((12,), by_merit=True).trials_within(25, 4), SearchBlocks((5,)).trials_within(25, 4)
        (19, 5)
        """
        return max(1, trials_within(n_plays, batch) if self.by_merit else n_plays // self.n_usual)

    def split(self, items: Iterable[Item]) -> list[list[Item]]:
        """Return the items at the first positions by data set; a data set without any has an empty list."""
        by_data: list[list[Item]] = [[] for _ in self.n_blocks]
        for (data, _), item in zip(self.order, items, strict=False):
            by_data[data].append(item)
        return by_data

    def join(self, by_data: Sequence[Sequence[Item]]) -> list[Item]:
        """Return the items of every block, given by data set, in the order of the blocks."""
        return [by_data[data][number] for data, number in self.order]

    def of(self, environments: Sequence[Environment]) -> list[SearchBlock]:
        """Return the blocks of environments, one for each data set, in this order."""
        counts = [count + self.leader_blocks for count in self.n_blocks]
        blocks = [environment.blocks("search", count) for environment, count in zip(environments, counts, strict=True)]
        return [SearchBlock(environments[data], blocks[data][number]) for data, number in self.order]


def _in_turn(numbers: Sequence[range]) -> list[tuple[int, int]]:
    """Return (data set, number) of all data sets in turn, so that the first few treat all data sets alike."""
    rounds = max(map(len, numbers), default=0)
    return [
        (data, data_numbers[turn])
        for turn in range(rounds)
        for data, data_numbers in enumerate(numbers)
        if turn < len(data_numbers)
    ]
