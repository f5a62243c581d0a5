"""``altune simulate``, ``compare`` and ``stopping``: recipes played on fresh blocks, without a search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from altune.cli.options import AsJson, FreshSeeds, PlayOptions, RecipeOption, WorldOptions
from altune.cli.output import print_json
from altune.errors import RequestError


def simulate(
    world: WorldOptions,
    playing: PlayOptions,
    recipe: RecipeOption = "random_sampling",
    seeds: FreshSeeds = 10,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write every point of every curve.")] = None,
    as_json: AsJson = False,
) -> None:
    """Play one recipe on DATA and print its learning curve."""
    from altune.plain import write_text
    from altune.playing import simulate as play
    from altune.report.tables import curve_table

    found = play(recipe, **world.arguments(), **playing.arguments(), seeds=seeds)
    if csv is not None:
        write_text(csv, found.to_frame().to_csv(index=False))
    if as_json:
        print_json(found.to_dict())
        return
    interval = found.interval
    print(
        f"{found.objective.name} of {found.objective.metric}: {interval.mean:.4f} "
        f"[{interval.low:.4f}, {interval.high:.4f}] over {interval.blocks} blocks"
    )
    print(curve_table(found.curves, found.objective.metric))


def compare(
    world: WorldOptions,
    recipes: Annotated[
        list[str],
        typer.Argument(metavar="RECIPES", help="Two or more: random_sampling, vanilla, YAML files, or NAME=FILE."),
    ],
    playing: PlayOptions,
    seeds: FreshSeeds = 20,
    as_json: AsJson = False,
) -> None:
    """Play recipes on the same fresh blocks and print their differences with intervals."""
    from altune.playing import compare as play
    from altune.report.tables import comparison_table

    found = play(named_recipes(recipes), **world.arguments(), **playing.arguments(), seeds=seeds)
    print_json(found.to_dict()) if as_json else print(comparison_table(found.result))


def stopping(
    world: WorldOptions,
    playing: PlayOptions,
    recipe: RecipeOption = "vanilla",
    rule: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A rule with its defaults; repeatable. By default all.")
    ] = None,
    seeds: FreshSeeds = 10,
    as_json: AsJson = False,
) -> None:
    """Play one recipe on DATA to the end and say where each stopping rule would have stopped."""
    from altune.replay import replay
    from altune.report.tables import table

    named = {name: {"method": name} for name in rule} if rule else None
    found = replay(recipe, rules=named, **world.arguments(), **playing.arguments(), seeds=seeds)
    if as_json:
        print_json(found.to_dict())
        return
    print(table(found.rows()))
    for name, reason in found.excluded.items():
        print(f"left out: {name}: {reason}")


def named_recipes(words: Sequence[str]) -> dict[str, str]:
    """Return recipes by name: ``NAME=FILE``, else the file's stem or the word itself.

    >>> named_recipes(["vanilla", "mine/margin.yaml", "b=mine/badge.yaml"])
    {'vanilla': 'vanilla', 'margin': 'mine/margin.yaml', 'b': 'mine/badge.yaml'}

    Raises
    ------
    RequestError
        If two have one name.
    """
    named: dict[str, str] = {}
    for word in words:
        name, found, source = word.partition("=")
        source = source if found else word
        name = name if found else (Path(word).stem if Path(word).suffix else word)
        if name in named:
            raise RequestError(f"two recipes are called {name!r}; tell them apart with NAME=FILE")
        named[name] = source
    return named
