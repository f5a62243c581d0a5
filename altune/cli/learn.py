"""``altune learn``: train strategies, and gather recipes, from simulations on many data sets."""

from __future__ import annotations

from typing import Annotated

import typer

from altune.core.errors import RequestError, did_you_mean


def learn(
    what: Annotated[str | None, typer.Argument(metavar="WHAT", help="What to learn; each has its own --help.")] = None,
) -> None:
    """Learn from simulations on many data sets, and list what can be learned.

    Each is a command of its own; see `altune learn ranker --help`.
    """
    from altune.cli import COMMANDS
    from altune.report.texts.aligned import table

    parts = {name.removeprefix("learn "): command for name, command in COMMANDS.items() if name.startswith("learn ")}
    if what is not None:
        raise RequestError(f"there is nothing to learn named {what!r}; {did_you_mean(what, parts)}")
    rows = [{"command": f"altune learn {name}", "summary": command.summary} for name, command in parts.items()]
    print(table(rows, wide="summary"))
