"""``altune learn``: train strategies, and gather recipes, from simulations on many data sets."""

from __future__ import annotations

from typing import Annotated

import typer

from altune.cli.groups import list_commands


def learn(
    what: Annotated[
        str | None, typer.Argument(metavar="WHAT", help="Name of a command; each has its own --help.")
    ] = None,
) -> None:
    """Learn from simulations on many data sets, and list what can be learned.

    Each is a command of its own; see `altune learn ranker --help`.
    """
    list_commands("learn", what)
