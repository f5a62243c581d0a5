"""How a search may spend its simulations: the policies that are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from altune.tuning.merit import MOST_BLOCKS
from altune.tuning.racing import Racing
from altune.tuning.search_blocks import SearchBlocks

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Halving(Racing):
    """Successive halving without waiting: after 1 and 2 of 5 blocks the better half of what was seen there continues.

    A recipe is compared with all that were seen after as many blocks, those of its own batch that come before it among
    them (asynchronous successive halving, Li et al., MLSys 2020). One object serves one search.
    """

    seen: dict[int, set[float]] = field(default_factory=dict)

    def looks(self, n_blocks: int, data_sets: int = 1) -> list[int]:
        """Return the numbers of blocks after which half of the recipes are dropped."""
        return [1, 2]

    def loses_race(self, values: Array, finished: Array, looks: int) -> bool:
        """Return whether a recipe is in the worse half of those seen after as many blocks."""
        known = self.seen.setdefault(len(values), set())
        mean = float(values.mean())
        known.add(mean)
        return sum(other > mean for other in known) >= (len(known) + 1) // 2


@dataclass(frozen=True)
class Policy:
    """One way to spend simulations.

    Attributes
    ----------
    n_blocks : blocks on which each recipe is played; None by merit.
    racing, rungs, leader_blocks : as in :class:`altune.tuning.racing.Racing`.
    halving : whether recipes are dropped by halving.
    """

    n_blocks: int | None
    racing: float = 0.0
    rungs: tuple[float, ...] = ()
    leader_blocks: int = 0
    halving: bool = False

    def order(self) -> SearchBlocks:
        """Return the order of the search blocks."""
        by_merit = self.n_blocks is None
        return SearchBlocks((self.n_blocks or MOST_BLOCKS,), self.leader_blocks, by_merit=by_merit)

    def rules(self) -> Racing:
        """Return fresh rules for one search."""
        return Halving() if self.halving else Racing(self.racing, self.rungs, self.leader_blocks)


TODAY = "5 blocks"
USUAL = (TODAY, "racing 0.1", "3 blocks", "halving", "by merit")
POLICIES: Mapping[str, Policy] = {
    TODAY: Policy(5),
    "racing 0.1": Policy(5, racing=0.1),
    "3 blocks": Policy(3),
    "halving": Policy(5, halving=True),
    "by merit": Policy(None),
    "2 blocks": Policy(2),
    "1 block": Policy(1),
    "racing 0.05": Policy(5, racing=0.05),
    "racing 0.2": Policy(5, racing=0.2),
    "rungs 0.3": Policy(5, rungs=(0.3,)),
    "rungs 0.3, 0.6": Policy(5, rungs=(0.3, 0.6)),
    "leaders 5": Policy(5, leader_blocks=5),
}
"""Policies by name; the usual ones are compared unless others are asked for."""
