"""Counting of trajectories: who plays them tells a counter of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from altune.simulation.execution.items import Outcome
    from altune.simulation.execution.player import OnDone, Player


class Counter(Protocol):
    """Interface of what counts trajectories. Its methods are called while the work waits, so they return at once."""

    def stage(self, name: str, trajectories: int, done: int = 0) -> None:
        """Start a stage of the work; all stages before it have ended.

        Parameters
        ----------
        name : name of the stage.
        trajectories : largest number of trajectories of this stage.
        done : number of them that are stored already.
        """

    def played(self, simulated: bool = True) -> None:
        """Count one more trajectory of the stage.

        Parameters
        ----------
        simulated : whether it was simulated now; False if it was read back, which takes no time.
        """


class NoCounter:
    """A counter that counts nothing."""

    def stage(self, name: str, trajectories: int, done: int = 0) -> None:
        """Do nothing."""

    def played(self, simulated: bool = True) -> None:
        """Do nothing."""


def counted(player: Player, counter: Counter) -> OnDone:
    """Return what a player calls after each trajectory, so that a counter counts it."""
    simulated = player.simulated

    def count(index: int, outcome: Outcome) -> None:
        nonlocal simulated
        counter.played(player.simulated > simulated)
        simulated = player.simulated

    return count
