"""The progress of a sweep: that of the run of each cell, on one display."""

from __future__ import annotations

from altune.tuning.observer import Observer, Silent
from altune.workflows.progress.displays import Display
from altune.workflows.progress.observer import ProgressObserver


class SweepProgress:
    """Displays the progress of each cell of a sweep in turn.

    Parameters
    ----------
    display : where it is displayed, None for nowhere.
    """

    def __init__(self, display: Display | None) -> None:
        self._display = display

    def cell(self, number: int, cells: int, name: str) -> Observer:
        """Return the observer of a cell's run, which says which cell it is."""
        if self._display is None:
            return Silent()
        return ProgressObserver(self._display, f"cell {number} of {cells}: {name}")

    def say(self, line: str) -> None:
        """Show a message."""
        if self._display is not None:
            self._display.say(line)

    def close(self) -> None:
        """End the display."""
        if self._display is not None:
            self._display.close()
