"""``altune learn ranker``: train a table of the query strategy learned_ranker."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from altune.cli.learn_options import EpisodeOptions, KeepLeftOut, LearnResources, command_to_repeat
from altune.cli.options import RECIPE_FORMS, AsJson
from altune.cli.output import print_json

if TYPE_CHECKING:
    from altune.learning.ranker import TrainedRanker


def ranker(
    episodes: EpisodeOptions,
    resources: LearnResources,
    out: Annotated[Path, typer.Option(metavar="FILE", help="File of the table, in YAML.")] = Path("ranker.yaml"),
    pairs: Annotated[int, typer.Option(metavar="N", help="Number of pairs of opposite random policies.")] = 200,
    pairs_per_block: Annotated[int, typer.Option(metavar="N", help="Number of pairs that each block plays.")] = 20,
    radius: Annotated[
        float, typer.Option(metavar="R", help="Standard deviation of the change of a weight in a policy.")
    ] = 0.1,
    test_blocks: Annotated[
        int, typer.Option(metavar="N", help="Number of fresh blocks of each data set for the left-out test.")
    ] = 8,
    recipe: Annotated[str | None, typer.Option("--recipe", metavar="RECIPE", help=RECIPE_FORMS)] = None,
    keep_left_out: KeepLeftOut = None,
    as_json: AsJson = False,
) -> None:
    """Train a table of the query strategy learned_ranker on data sets, and test it on families left out.

    Recipes name the table: in Python after altune.register_ranker(NAME, FILE), and on the command line where the
    environment variable ALTUNE_RANKERS names a folder that holds NAME.yaml. After an interruption, the same command
    resumes the training. The policies take the place of the query strategy of the recipe, by default of the recipe with
    the default of each knob.
    """
    from altune.learning.ranker import RankerSettings
    from altune.recipes.recipe import Recipe
    from altune.workflows.learn.ranker import learn_ranker
    from altune.workflows.progress import ProgressObserver, console_display
    from altune.workflows.recipes import find_recipe

    plan = episodes.plan()
    settings = RankerSettings(
        n_pairs=pairs,
        per_block=pairs_per_block,
        radius=radius,
        test_blocks=test_blocks,
        recipe=Recipe() if recipe is None else find_recipe(recipe),
    )
    trained = learn_ranker(
        plan,
        out,
        settings=settings,
        cache=resources.cache,
        keep_left_out=keep_left_out,
        n_jobs=resources.jobs,
        observer=ProgressObserver(console_display(resources.quiet or as_json)),
        command=command_to_repeat(sys.argv[1:]),
    )
    print_json(plain_result(trained, out)) if as_json else print(result_text(trained, out))


def result_text(trained: TrainedRanker, out: Path) -> str:
    """Return what was learned as text: the left-out tests, the evidence by number of classes, and the file."""
    from altune.report.texts.aligned import table

    rows = [
        {
            "data set left out": test.data,
            "family": test.family,
            "classes": test.n_classes,
            "over margin_cover": f"{test.over_rule.mean():+.4f}",
            "over margin": f"{test.over_margin.mean():+.4f}",
        }
        for test in trained.left_out
    ]
    lines = [table(rows), ""] if rows else []
    lines += [
        f"gained {found}: {'the table is used there' if found.gains else 'margin_cover is played there instead'}"
        for found in trained.table.evidence
    ]
    if not trained.step.length:
        lines.append("no step from margin_cover is expected to gain on other families; the table is that of the rule")
    return "\n".join([*lines, "", str(out)])


def plain_result(trained: TrainedRanker, out: Path) -> dict[str, Any]:
    """Return what was learned as plain values."""
    return {
        "table": trained.table.to_dict(),
        "left_out": [
            {
                "data": test.data,
                "family": test.family,
                "classes": test.n_classes,
                "over_rule": test.over_rule.tolist(),
                "over_margin": test.over_margin.tolist(),
            }
            for test in trained.left_out
        ],
        "file": str(out),
    }
