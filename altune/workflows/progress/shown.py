"""What a progress line shows, as text for a terminal of any width and as HTML for a notebook."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from altune.core.html import html_text
from altune.core.text import rough_duration

STAGES = {
    "baselines": "baselines",
    "search": "searching",
    "confirmation": "confirming",
    "transfer": "transfer",
    "examination": "examining",
    "ablation": "ablation",
    "simulation": "simulating",
    "comparison": "comparing",
    "training": "training",
    "left-out test": "testing",
    "measurements": "measuring",
}
WIDEST_BAR = 30
NARROWEST_BAR = 6
REST = max(map(len, STAGES.values())) + len("  of  trajectories, about 99.9 days left ")
"""Characters of a line beside the bar and the two numbers, so that the bar keeps its length."""


@dataclass(frozen=True)
class Shown:
    """The progress of the whole work at a moment.

    Attributes
    ----------
    stage : name of the stage in progress.
    done, total : trajectories that are done, and the largest number of all.
    seconds_left : estimated time left in seconds, None if it is not known.
    note : what else there is to know, such as the best trial so far; may be empty.
    """

    stage: str
    done: int
    total: int
    seconds_left: float | None = None
    note: str = ""

    @property
    def label(self) -> str:
        """The stage in words."""
        return STAGES.get(self.stage, self.stage)

    @property
    def count(self) -> str:
        """Trajectories done of all, and the time left.

        >>> Shown("search", 233, 640, 80.0).count
        '233 of 640 trajectories, about 80 s left'
        """
        count = f"{self.done} of {self.total} trajectories"
        if self.seconds_left is None or self.done >= self.total:
            return count
        return f"{count}, about {rough_duration(self.seconds_left)} left"

    def bar(self, width: int) -> tuple[int, int]:
        """Return how many characters of a bar are filled and not, so that a line with it fits a width."""
        size = max(NARROWEST_BAR, min(WIDEST_BAR, width - REST - 2 * len(str(self.total))))
        filled = size * self.done // self.total if self.total else 0
        return filled, size - filled

    def notes(self, width: int) -> list[str]:
        """Return the note in lines that fit a width."""
        return textwrap.wrap(self.note, width, initial_indent="  ", subsequent_indent="  ")

    def html(self) -> str:
        """Return the progress as HTML without scripts, so that it needs no widget and is kept with the notebook."""
        bar = f'<progress value="{self.done}" max="{max(1, self.total)}"></progress>'
        note = f"<br>{html_text(self.note)}" if self.note else ""
        return f"<div>{html_text(self.label)} {bar} {html_text(self.count)}{note}</div>"

    def text(self) -> str:
        """Return the progress in one line, for a log.

        >>> Shown("search", 233, 640, None, "12 of 60 trials").text()
        'searching: 233 of 640 trajectories; 12 of 60 trials'
        """
        return f"{self.label}: {self.count}" + (f"; {self.note}" if self.note else "")
