"""The observer that displays the progress of a run, and who gets which display."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from altune.core.standard_streams import can_redraw
from altune.core.text import amount, plays_words
from altune.simulation.execution.counting import Counter
from altune.tuning.observer import Observer, Silent
from altune.workflows.progress.displays import (
    Display,
    LogDisplay,
    NotebookDisplay,
    TerminalDisplay,
    in_notebook,
    terminal_console,
)
from altune.workflows.progress.shown import Shown
from altune.workflows.progress.work import WorkCount

if TYPE_CHECKING:
    from altune.tuning.search import SearchProgress


class ProgressObserver:
    """Displays the progress of a whole run: trajectories done of all, the time left, and the best trial so far.

    Parameters
    ----------
    display : where it is displayed.
    title : shown beside the progress, such as which of several runs it is; may be empty.
    """

    def __init__(self, display: Display, title: str = "") -> None:
        self.work = WorkCount()
        self._display = display
        self._title = title
        self._baselines: dict[str, float] = {}
        self._note = ""

    def plan(self, trajectories: Mapping[str, int]) -> None:
        """Take note of the stages of the run."""
        self.work.plan(trajectories)

    def stage(self, name: str, trajectories: int, done: int = 0) -> None:
        """Show that a stage starts."""
        self._note = ""
        self.work.stage(name, trajectories, done)
        self._display.show(self._shown)

    def played(self, simulated: bool = True) -> None:
        """Show that one more trajectory is done."""
        self.work.played(simulated)
        self._display.show(self._shown)

    def search(self, progress: SearchProgress) -> None:
        """Show the number of finished trials, and the best value beside the baselines."""
        self.work.search(progress.played, progress.left)
        self._note = search_note(progress, self._baselines)
        self._display.show(self._shown)

    def baseline(self, name: str, value: float) -> None:
        """Remember the value of a baseline, to show it beside the best trial."""
        self._baselines[name] = value

    def say(self, line: str) -> None:
        """Show a message."""
        self._display.say(line)

    def close(self) -> None:
        """End the display, and count anew if more is played later."""
        self._display.close()
        self.work = WorkCount()

    def _shown(self) -> Shown:
        note = "; ".join(part for part in (self._title, self._note) if part)
        return Shown(self.work.current, self.work.done, self.work.total, self.work.seconds_left, note)


def search_note(progress: SearchProgress, baselines: Mapping[str, float]) -> str:
    """Return how far a search is, in words.

    Parameters
    ----------
    progress : progress of the search.
    baselines : value of each baseline on the search blocks, by name.
    """
    parts = [f"{progress.finished} of {progress.wanted} trials"]
    if progress.recipes:
        parts.append(plays_words(progress.played, progress.recipes, progress.candidates))
    best, objectives = progress.best, progress.objectives
    if best is not None and best.value is not None:
        first = "lowest" if objectives and objectives[0].direction == "minimize" else "best"
        over = f" (mean over {progress.data_sets} data sets)" if progress.data_sets > 1 else ""
        others = "".join(
            f" with {amount(value)} {objective.kind.plain}"
            for objective, value in zip(objectives[1:], best.objectives[1:], strict=False)
        )
        parts.append(f"{first} so far {amount(best.value)}{over}{others}")
    parts += [f"{name.replace('_', ' ')} {amount(value)}" for name, value in baselines.items()]
    parts += [f"{progress.dropped} dropped early"] if progress.dropped else []
    parts += [f"{progress.failed} failed"] if progress.failed else []
    return ", ".join(parts)


def console_display(quiet: bool = False) -> Display:
    """Return the display of a command: lines at the bottom of a terminal, lines of a log elsewhere.

    Parameters
    ----------
    quiet : show messages only, no progress.
    """
    return LogDisplay(quiet) if quiet or not can_redraw(sys.stderr) else TerminalDisplay(terminal_console(stderr=True))


def python_display(progress: bool) -> Display | None:
    """Return the display of a call from Python: that of a notebook or of a terminal, None where there is neither.

    Parameters
    ----------
    progress : whether to display progress at all.
    """
    if progress and in_notebook():
        return NotebookDisplay()
    return TerminalDisplay(terminal_console(stderr=True)) if progress and can_redraw(sys.stderr) else None


def python_observer(progress: bool) -> Observer:
    """Return the observer of a call from Python; see :func:`python_display`."""
    display = python_display(progress)
    return Silent() if display is None else ProgressObserver(display)


@contextlib.contextmanager
def shown_progress(progress: bool, on_done: Callable[[], None] | None = None) -> Iterator[Counter]:
    """Display the progress of a call from Python while the block runs, and yield the counter of its trajectories.

    Parameters
    ----------
    progress : as for :func:`python_observer`.
    on_done : called after each trajectory as well.
    """
    observer = python_observer(progress)
    try:
        yield observer if on_done is None else _Calling(observer, on_done)
    finally:
        observer.close()


class _Calling:
    """A counter that also calls a function after each trajectory."""

    def __init__(self, counter: Counter, on_done: Callable[[], None]) -> None:
        self.stage = counter.stage
        self._played = counter.played
        self._on_done = on_done

    def played(self, simulated: bool = True) -> None:
        self._played(simulated)
        self._on_done()
