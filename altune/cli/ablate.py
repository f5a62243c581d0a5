"""``altune ablate``: which decision made the difference between two recipes."""

from __future__ import annotations

from typing import Annotated

import typer

from altune.cli.options import AsJson, DataOptions, FreshBlocks, PlayOptions
from altune.cli.output import print_json


def ablate(
    environment: DataOptions,
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="random_sampling, vanilla, or a YAML file.")],
    playing: PlayOptions,
    start: Annotated[
        str, typer.Option("--from", metavar="RECIPE", help="Where the path starts: vanilla, or a YAML file.")
    ] = "vanilla",
    blocks: FreshBlocks = 20,
    as_json: AsJson = False,
) -> None:
    """Play the path from vanilla to RECIPE, one knob at a time, and say which decision made the difference."""
    from altune.report.texts.ablation import ablation_text
    from altune.workflows.ablate import ablate as play

    found = play(recipe, **environment.arguments(), **playing.arguments(), start=start, n_blocks=blocks)
    print_json(found.to_dict()) if as_json else print(ablation_text(found))
