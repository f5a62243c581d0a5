"""altune compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from altune.cli.options import AsJson, DataOptions, FreshBlocks, PlayOptions
from altune.cli.output import print_json
from altune.core.errors import RequestError

if TYPE_CHECKING:
    from altune.analysis.comparison.mean_ranks import PostHoc


def compare(
    environment: DataOptions,
    recipes: Annotated[
        list[str],
        typer.Argument(
            metavar="RECIPES",
            help="Two or more: random_sampling, vanilla, YAML files, folders of runs, or NAME=FILE.",
        ),
    ],
    playing: PlayOptions,
    more: Annotated[
        list[str] | None, typer.Option("--data", metavar="DATA", help="Compare on this data set too; repeatable.")
    ] = None,
    runs: Annotated[
        bool,
        typer.Option("--runs", help="All words are folders of runs: compare what they confirmed, simulating nothing."),
    ] = False,
    blocks: FreshBlocks = 20,
    post_hoc: Annotated[
        str, typer.Option(metavar="NAME", help="What tells ranks over data sets apart: wilcoxon or nemenyi.")
    ] = "wilcoxon",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the page compare.html and the table results.csv.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play recipes on the same fresh blocks and print their differences with intervals.

    With --runs no data set is named: `altune compare --runs runs/a runs/b`.
    """
    from altune.report.texts.tables import compared_text
    from altune.report.write import COMPARISON_FILE, write_comparison
    from altune.workflows.compare import compare as compare_recipes
    from altune.workflows.compare_runs import compare_runs

    rule = read_post_hoc(post_hoc)
    if runs:
        _refuse_data_options(environment, playing, {"--data": more, "--blocks": blocks if blocks != 20 else None})
        found = compare_runs([environment.data, *recipes], target_score=environment.target_score, post_hoc=rule)
    else:
        given = environment.arguments()
        data = [given.pop("data"), *(more or [])]
        found = compare_recipes(
            named_recipes(recipes), data, **given, **playing.arguments(), n_blocks=blocks, post_hoc=rule
        )
    if out is not None:
        write_comparison(found, out)
    if as_json:
        print_json(found.to_dict() | ({} if out is None else {"page": str(out / COMPARISON_FILE)}))
        return
    print(compared_text(found))
    if out is not None:
        print(f"\n{out / COMPARISON_FILE}")


def named_recipes(words: Sequence[str]) -> dict[str, str]:
    """Return recipes by name: ``NAME=FILE``, else the file's stem, the folder's name or the word itself.

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
        path = Path(word)
        name = name if found else path.resolve().name if path.is_dir() else path.stem if path.suffix else word
        if name in named:
            raise RequestError(f"two recipes are called {name!r}; tell them apart with NAME=FILE")
        named[name] = source
    return named


def read_post_hoc(text: str) -> PostHoc:
    """Return the name of a post-hoc test.

    Raises
    ------
    RequestError
        For anything else.
    """
    if text == "wilcoxon":
        return "wilcoxon"
    if text == "nemenyi":
        return "nemenyi"
    raise RequestError(f"--post-hoc takes wilcoxon or nemenyi, not {text!r}")


def _refuse_data_options(environment: DataOptions, playing: PlayOptions, others: Mapping[str, object]) -> None:
    """Refuse options of what is played, where nothing is."""
    given = [name for name, value in others.items() if value is not None]
    for group in (environment, playing):
        given += [
            f"--{one.name.replace('_', '-')}"
            for one in fields(group)
            if one.name not in ("data", "target_score") and getattr(group, one.name) != one.default
        ]
    if given:
        raise RequestError(
            f"--runs compares what was played, so {', '.join(given)} cannot change it; leave it out, or name a data "
            "set and the runs as recipes to play them anew"
        )
