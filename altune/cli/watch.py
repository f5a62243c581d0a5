"""``altune watch``: how a run stands while it goes on."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from altune.cli.options import AsJson, read_seconds
from altune.cli.output import print_error, print_json
from altune.core.errors import RequestError, StorageError
from altune.tuning.observer import Silent

if TYPE_CHECKING:
    from rich.live import Live

    from altune.workflows.watch import WatchedRun


def watch(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    every: Annotated[str, typer.Option(metavar="TIME", help="Look again after so long, such as 5s or 1m.")] = "5",
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show how a run stands while it goes on: progress, the best so far, the knobs; ends when the run does.

    Nothing is written into the run's folder. With --json it looks once.
    """
    from altune.workflows.watch import WatchedRun

    seconds = read_seconds(every, "--every")
    if not seconds:
        raise RequestError(f"--every takes a time above 0, such as 5s or 1m, not {every!r}")
    watched = WatchedRun(run, _Aside())
    if as_json:
        print_json(_as_dict(watched))
    elif once:
        print(_look(watched, anew=True)[0])
    else:
        _follow(watched, seconds)


def _follow(watched: WatchedRun, seconds: float) -> None:
    """Show how a run stands until it ends: in place on a terminal, elsewhere block by block as it changes."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False)
    shown = ""
    with Live(console=console, auto_refresh=False) if console.is_terminal else contextlib.nullcontext() as live:
        while True:
            try:
                text, ended = _look(watched)
            except StorageError as error:
                _say(live, f"{error}; trying again in {seconds:g} s")
            else:
                if live is not None:
                    live.update(Text(text), refresh=True)
                elif text != shown:
                    print(f"{text}\n", flush=True)
                shown = text
                if ended:
                    return
            time.sleep(seconds)


def _look(watched: WatchedRun, *, anew: bool = False) -> tuple[str, bool]:
    """Return how the run stands in words, and whether it has ended."""
    from altune.report.texts.watch import watch_text

    standing = watched.standing()
    ended = bool(standing.ended)
    return watch_text(standing, watched.importance(standing, anew=anew or ended)), ended


def _as_dict(watched: WatchedRun) -> dict[str, object]:
    standing = watched.standing()
    found = watched.importance(standing, anew=True)
    return standing.to_dict() | {"importance": {"unknown": found} if isinstance(found, str) else found.to_dict()}


def _say(live: Live | None, line: str) -> None:
    if live is not None:
        live.console.print(f"altune: {line}", markup=False)
    else:
        print_error(line)


class _Aside(Silent):
    """Tells of a database that is waited for on standard error."""

    def say(self, line: str) -> None:
        """Print the line."""
        print_error(line)
