"""``altune stopping``: where each stopping rule would have stopped."""

from __future__ import annotations

from typing import Annotated

import typer

from altune.cli.options import AsJson, DataOptions, FreshBlocks, PlayOptions, RecipeOption
from altune.cli.output import print_json


def stopping(
    environment: DataOptions,
    playing: PlayOptions,
    recipe: RecipeOption = "vanilla",
    rule: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Stopping rule with its default parameters; repeatable.  [default: all]"),
    ] = None,
    blocks: FreshBlocks = 10,
    as_json: AsJson = False,
) -> None:
    """Play one recipe on DATA to the end of the budget, and show where each stopping rule would have stopped."""
    from altune.report.texts.aligned import table
    from altune.workflows.replay import replay

    named = {name: {"method": name} for name in rule} if rule else None
    replayed = replay(recipe, rules=named, **environment.arguments(), **playing.arguments(), n_blocks=blocks)
    if as_json:
        print_json(replayed.to_dict())
        return
    print(table(replayed.rows()))
    for name, reason in replayed.excluded.items():
        print(f"left out: {name}: {reason}")
