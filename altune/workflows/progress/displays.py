"""Where progress is displayed: in a terminal, in a notebook, or as lines of a log.

All of it goes to standard error or to the notebook's cell, so that standard output carries results only.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from altune.core.html import html_text
from altune.core.standard_streams import is_terminal, print_remark, terminal_of
from altune.core.text import printable
from altune.workflows.progress.shown import Shown

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.live import Live

ShownNow = Callable[[], Shown]
LINE_SECONDS = 10.0
"""Least time between two lines of a log."""
NOTEBOOK_SECONDS = 0.5
"""Least time between two updates of a notebook's cell, each of which is a message to the browser."""


class Display(Protocol):
    """Interface of a display. Its methods return at once."""

    def show(self, shown: ShownNow) -> None:
        """Show the progress; ``shown`` returns it, at any time until the next call of :meth:`close`."""

    def say(self, line: str) -> None:
        """Show a message."""

    def close(self) -> None:
        """End the display; a later call of :meth:`show` begins it anew."""


class TerminalDisplay:
    """Lines at the bottom of a terminal, which are drawn again four times a second and removed at the end.

    Parameters
    ----------
    console : console of rich on standard error.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._shown: ShownNow | None = None

    def show(self, shown: ShownNow) -> None:
        """Show the progress."""
        self._shown = shown
        if self._live is not None:
            return
        from rich.live import Live

        self._live = Live(
            console=self._console,
            get_renderable=self._drawn,
            transient=True,
            # Results on standard output may go to a file, which a display of standard error must not take over.
            redirect_stdout=is_terminal(sys.stdout),
        )
        self._live.start()

    def say(self, line: str) -> None:
        """Print a message above the progress."""
        from rich.text import Text

        self._console.print(Text(f"altune: {printable(line)}"))

    def close(self) -> None:
        """Remove the progress."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _drawn(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        if self._shown is None:
            return Group()
        shown, width = self._shown(), self._console.width
        full, empty = ("#", "-") if self._console.options.ascii_only else ("━", "─")
        filled, left = shown.bar(width)
        line = Text.assemble(
            f"{shown.label} ",
            (full * filled, "cyan"),
            (empty * left, "dim"),
            f" {shown.count}",
            no_wrap=True,
        )
        return Group(line, *(Text(printable(note), no_wrap=True) for note in shown.notes(width)))


class NotebookDisplay:
    """A bar in a notebook's cell, made of plain HTML; what it shows last is kept with the notebook."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._shown: ShownNow | None = None
        self._updated = 0.0

    def show(self, shown: ShownNow) -> None:
        """Show the progress, unless it was shown a moment ago."""
        self._shown = shown
        if self._handle is None or time.monotonic() - self._updated >= NOTEBOOK_SECONDS:
            self._update()

    def say(self, line: str) -> None:
        """Show a message in the cell."""
        from IPython.display import display

        display(_content(f"altune: {line}", f"<div>altune: {html_text(line)}</div>"), raw=True)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Show the last state, which is kept."""
        if self._handle is not None:
            self._update(last=True)
            self._handle = None

    def _update(self, last: bool = False) -> None:
        from IPython.display import display

        if self._shown is None:
            return
        shown = self._shown()
        if last and shown.done >= shown.total:
            shown = replace(shown, stage="done")
        content = _content(shown.text(), shown.html())
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(content, raw=True)
        self._updated = time.monotonic()


class LogDisplay:
    """A line at the start of each stage and from time to time, for standard error that is no terminal.

    Parameters
    ----------
    quiet : print messages only, no progress.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._stage = ""
        self._printed = 0.0

    def show(self, shown: ShownNow) -> None:
        """Print a line if the stage is new or the last line is some time ago."""
        now = time.monotonic()
        if self._quiet:
            return
        state = shown()
        is_new = state.stage != self._stage and state.done < state.total
        if is_new or now - self._printed >= LINE_SECONDS:
            self._stage, self._printed = state.stage, now
            print_remark(state.text())

    def say(self, line: str) -> None:
        """Print a message."""
        print_remark(f"altune: {line}")

    def close(self) -> None:
        """Do nothing."""


def terminal_console(*, stderr: bool = False) -> Console:
    """Return a console of rich for a terminal that can redraw, whatever else the environment says of it.

    Parameters
    ----------
    stderr : write to standard error, not to standard output.
    """
    from rich.console import Console

    width, height = _if_zero("COLUMNS", 80), _if_zero("LINES", 24)
    file = terminal_of(sys.stderr if stderr else sys.stdout)
    return Console(file=file, highlight=False, force_terminal=True, width=width, height=height)


def _if_zero(variable: str, usual: int) -> int | None:
    """Return a size in place of one that the environment gives as 0: unknown to other programs, nothing to rich."""
    given = os.environ.get(variable, "")
    return usual if given and not given.strip("0") else None


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook. IPython is not imported to find out."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


def _content(text: str, html: str) -> dict[str, str]:
    return {"text/plain": text, "text/html": html}
