"""What an observer of long work is told; the command line draws it, Python code may do as it likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from altune.tuning.search import SearchProgress


class Observer(Protocol):
    """Told what happens; every method returns at once."""

    def stage(self, name: str, trajectories: int) -> None:
        """Note that a stage begins that plays so many trajectories, at most.

        Stages are ``baselines``, ``search``, ``confirmation`` and ``ablation``.
        """

    def played(self) -> None:
        """Note that one more trajectory of the stage is known."""

    def search(self, progress: SearchProgress) -> None:
        """Note how the search stands."""

    def baseline(self, name: str, value: float) -> None:
        """Note a baseline's mean objective on the search blocks."""

    def say(self, line: str) -> None:
        """Note something a person should read."""


class Silent:
    """Takes no notice."""

    def stage(self, name: str, trajectories: int) -> None:
        """Take no notice."""

    def played(self) -> None:
        """Take no notice."""

    def search(self, progress: SearchProgress) -> None:
        """Take no notice."""

    def baseline(self, name: str, value: float) -> None:
        """Take no notice."""

    def say(self, line: str) -> None:
        """Take no notice."""
