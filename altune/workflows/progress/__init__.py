"""Progress of long work: counted by stage, displayed in a terminal, a notebook or a log."""

from altune.workflows.progress.observer import (
    ProgressObserver,
    console_display,
    python_display,
    python_observer,
    shown_progress,
)
from altune.workflows.progress.sweep import SweepProgress

__all__ = [
    "ProgressObserver",
    "SweepProgress",
    "console_display",
    "python_display",
    "python_observer",
    "shown_progress",
]
