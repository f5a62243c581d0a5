"""The observer of a run: what is notified of its progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from altune.tuning.search import SearchProgress


class Observer(Protocol):
    """Interface of an observer. Its methods are called while the run waits, so they must return at once."""

    def stage(self, name: str, trajectories: int) -> None:
        """Start a stage.

        Parameters
        ----------
        name : ``baselines``, ``search``, ``confirmation``, ``examination`` or ``ablation``.
        trajectories : largest number of trajectories of this stage.
        """

    def played(self) -> None:
        """Count one more trajectory of the stage."""

    def search(self, progress: SearchProgress) -> None:
        """Receive the progress of the search."""

    def baseline(self, name: str, value: float) -> None:
        """Receive the first objective of a baseline on the search blocks."""

    def say(self, line: str) -> None:
        """Receive a message for the user."""


class Silent:
    """An observer that does nothing."""

    def stage(self, name: str, trajectories: int) -> None:
        """Do nothing."""

    def played(self) -> None:
        """Do nothing."""

    def search(self, progress: SearchProgress) -> None:
        """Do nothing."""

    def baseline(self, name: str, value: float) -> None:
        """Do nothing."""

    def say(self, line: str) -> None:
        """Do nothing."""
