"""``altune ablate``: which decision makes the difference between two recipes."""

from __future__ import annotations

from typing import Annotated

import typer

from altune.cli.options import RECIPE_FORMS, AsJson, DataOptions, FreshBlocks, PlayOptions, RecipeArgument
from altune.cli.output import print_json


def ablate(
    environment: DataOptions,
    recipe: RecipeArgument,
    playing: PlayOptions,
    start: Annotated[
        str,
        typer.Option("--from", metavar="RECIPE", help=f"Recipe at the start of the path. {RECIPE_FORMS}"),
    ] = "vanilla",
    blocks: FreshBlocks = 20,
    as_json: AsJson = False,
) -> None:
    """Show which decision makes the difference between two recipes.

    The path from one recipe to the other is played one knob at a time, and each step is reported with an interval.
    """
    from altune.report.texts.ablation import ablation_text
    from altune.workflows.ablate import ablate as play

    ablation = play(recipe, **environment.arguments(), **playing.arguments(), start=start, n_blocks=blocks)
    print_json(ablation.to_dict()) if as_json else print(ablation_text(ablation))
