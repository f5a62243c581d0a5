"""``altune watch``: the progress of a run."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from altune.cli.options import AsJson
from altune.cli.output import print_error, print_json
from altune.cli.parsing import read_seconds
from altune.core.errors import RequestError, StorageError
from altune.core.standard_streams import can_redraw
from altune.core.text import printable, printable_lines
from altune.tuning.observer import Silent
from altune.workflows.progress.displays import terminal_console

if TYPE_CHECKING:
    from rich.live import Live

    from altune.analysis.progress import RunProgress
    from altune.workflows.watch import WatchedRun


def watch(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    every: Annotated[str, typer.Option(metavar="TIME", help="Time between two updates, such as 5s or 1m.")] = "5",
    once: Annotated[bool, typer.Option("--once", help="Show the progress once and exit.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the progress of a run, its best trial so far and the importance of knobs, until the run ends.

    If no process works on an unfinished run, this is shown with the command that resumes it, and the exit status is 1.
    Nothing is written into the folder of the run. --json implies --once.
    """
    from altune.workflows.watch import WatchedRun

    seconds = read_seconds(every, "--every")
    if not seconds:
        raise RequestError(f"--every takes a time above 0, such as 5s or 1m, not {every!r}")
    watched = WatchedRun(run, _Messages())
    if as_json:
        print_json(_as_dict(watched))
    elif once:
        print(_progress(watched, anew=True)[0])
    elif _follow(watched, seconds).idle:
        raise typer.Exit(1)


def _follow(watched: WatchedRun, seconds: float) -> RunProgress:
    """Show the progress until the run ends or no process works on it, and return the last one.

    It is shown in place on a terminal, elsewhere as a text after each change.
    """
    from rich.text import Text

    shown = ""
    with _live() as live:
        while True:
            try:
                text, progress = _progress(watched)
            except StorageError as error:
                _say(live, f"{error}; trying again in {seconds:g} s")
            else:
                if live is not None:
                    live.update(Text(printable_lines(text)), refresh=True)
                elif text != shown:
                    print(f"{text}\n", flush=True)
                shown = text
                if progress.ended or progress.idle:
                    return progress
            time.sleep(seconds)


@contextlib.contextmanager
def _live() -> Iterator[Live | None]:
    """Yield what draws a text in place, None where standard output is no terminal that can."""
    if not can_redraw(sys.stdout):
        yield None
        return
    from rich.live import Live

    with Live(console=terminal_console(), auto_refresh=False) as live:
        yield live


def _progress(watched: WatchedRun, *, anew: bool = False) -> tuple[str, RunProgress]:
    """Return the progress as text and in numbers."""
    from altune.report.texts.watch import watch_text

    progress = watched.progress()
    last = bool(progress.ended or progress.idle)
    return watch_text(progress, watched.importance(progress, anew=anew or last)), progress


def _as_dict(watched: WatchedRun) -> dict[str, object]:
    progress = watched.progress()
    shares = watched.importance(progress, anew=True)
    return progress.to_dict() | {"importance": {"unknown": shares} if isinstance(shares, str) else shares.to_dict()}


def _say(live: Live | None, line: str) -> None:
    if live is not None:
        from rich.text import Text

        live.console.print(Text(f"altune: {printable(line)}"))
    else:
        print_error(line)


class _Messages(Silent):
    """Prints messages, such as those about a lost database connection, on standard error."""

    def say(self, line: str) -> None:
        """Print a message."""
        print_error(line)
