"""``altune compare``: play recipes on the same blocks and compare them pairwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from altune.cli.options import AsJson, DataOptions, FreshBlocks, PlayOptions
from altune.cli.output import print_json
from altune.core.errors import RequestError

if TYPE_CHECKING:
    from altune.analysis.comparison.mean_ranks import PostHoc
    from altune.analysis.comparison.result import RecipeComparison


PostHocOption = Annotated[
    str, typer.Option(metavar="NAME", help="Post-hoc test over several data sets: wilcoxon or nemenyi.")
]
ComparisonFolder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder for the page compare.html and the table results.csv.")
]


def compare(
    environment: DataOptions,
    recipes: Annotated[
        list[str],
        typer.Argument(
            metavar="RECIPES",
            help="Two or more: built-in names (random_sampling, margin, vanilla, recommended), YAML files, folders of "
            "runs, or NAME=FILE.",
        ),
    ],
    playing: PlayOptions,
    more: Annotated[
        list[str] | None, typer.Option("--data", metavar="DATA", help="Another data set to compare on; repeatable.")
    ] = None,
    blocks: FreshBlocks = 20,
    post_hoc: PostHocOption = "wilcoxon",
    out: ComparisonFolder = None,
    as_json: AsJson = False,
) -> None:
    """Play recipes on the same blocks of DATA and print their differences with intervals."""
    from altune.workflows.compare import compare as compare_recipes

    check_folder(out)
    given = environment.arguments()
    data = [given.pop("data"), *(more or [])]
    rule = read_post_hoc(post_hoc)
    comparison = compare_recipes(
        named_recipes(recipes), data, **given, **playing.arguments(), n_blocks=blocks, post_hoc=rule
    )
    print_comparison(comparison, out, as_json)


def check_folder(out: Path | None) -> None:
    """Refuse a folder with a file that is not of a comparison, before anything is played."""
    from altune.report.write import require_comparison_folder

    if out is not None:
        require_comparison_folder(out)


def print_comparison(comparison: RecipeComparison, out: Path | None, as_json: bool) -> None:
    """Print a comparison, and write it into a folder if one is given: a full disk loses no result."""
    from altune.report.texts.comparison import compared_text
    from altune.report.write import COMPARISON_FILE, write_comparison

    if as_json:
        print_json(comparison.to_dict() | ({} if out is None else {"page": str(out / COMPARISON_FILE)}))
    else:
        print(compared_text(comparison))
    if out is not None:
        write_comparison(comparison, out)
        if not as_json:
            print(f"\n{out / COMPARISON_FILE}")


def named_recipes(words: Sequence[str]) -> dict[str, str]:
    """Return recipes by name: that of ``NAME=FILE``, the stem of a file, the name of a folder, or the word itself.

    >>> named_recipes(["vanilla", "mine/margin.yaml", "b=mine/badge.yaml"])
    {'vanilla': 'vanilla', 'margin': 'mine/margin.yaml', 'b': 'mine/badge.yaml'}

    Raises
    ------
    RequestError
        If two have the same name.
    """
    named: dict[str, str] = {}
    for word in words:
        name, equals, source = word.partition("=")
        path = Path(word)
        if not equals or path.exists():  # a path may have an equals sign
            name, source = path.resolve().name if path.is_dir() else path.stem if path.suffix else word, word
        if name in named:
            raise RequestError(f"two recipes are named {name!r}; give them names with NAME=FILE")
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
