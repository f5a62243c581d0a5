"""altune stopping."""

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
        list[str] | None, typer.Option(metavar="NAME", help="A rule with its defaults; repeatable. By default all.")
    ] = None,
    blocks: FreshBlocks = 10,
    as_json: AsJson = False,
) -> None:
    """Play one recipe on DATA to the end and say where each stopping rule would have stopped."""
    from altune.report.texts.tables import table
    from altune.workflows.replay import replay

    named = {name: {"method": name} for name in rule} if rule else None
    found = replay(recipe, rules=named, **environment.arguments(), **playing.arguments(), n_blocks=blocks)
    if as_json:
        print_json(found.to_dict())
        return
    print(table(found.rows()))
    for name, reason in found.excluded.items():
        print(f"left out: {name}: {reason}")
