"""The observer of a run: what is notified of its progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from altune.simulation.execution.counting import Counter, NoCounter

if TYPE_CHECKING:
    from altune.tuning.search import SearchProgress


class Observer(Counter, Protocol):
    """Interface of an observer. Its methods are called while the run waits, so they must return at once.

    The stages of a run are ``baselines``, ``search``, ``confirmation``, ``transfer`` (if it is confirmed on data that
    no trial saw), ``examination`` and ``ablation``; a confirmed run ends with ``done``.
    """

    def plan(self, trajectories: Mapping[str, int]) -> None:
        """Receive the largest number of trajectories of each stage of the run, in their order, before the first."""

    def search(self, progress: SearchProgress) -> None:
        """Receive the progress of the search, after each trajectory that was counted."""

    def baseline(self, name: str, value: float) -> None:
        """Receive the first objective of a baseline on the search blocks."""

    def say(self, line: str) -> None:
        """Receive a message for the user."""

    def close(self) -> None:
        """End what is displayed; a later stage displays it anew."""


class Silent(NoCounter):
    """An observer that does nothing."""

    def plan(self, trajectories: Mapping[str, int]) -> None:
        """Do nothing."""

    def search(self, progress: SearchProgress) -> None:
        """Do nothing."""

    def baseline(self, name: str, value: float) -> None:
        """Do nothing."""

    def say(self, line: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
