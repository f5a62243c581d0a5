"""``altune learn lal``: train a forest of the query strategy lal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from altune.cli.learn_options import EpisodeOptions, KeepLeftOut, LearnResources, command_to_repeat
from altune.cli.options import AsJson
from altune.cli.output import print_json


def lal(
    episodes: EpisodeOptions,
    resources: LearnResources,
    out: Annotated[Path, typer.Option(metavar="FILE", help="File of the forest, in JSON.")] = Path("lal.json"),
    rounds: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="Number of rounds; labelled sets are random in the first, then bought."),
    ] = 3,
    points: Annotated[
        int, typer.Option(metavar="N", min=1, help="Number of labelled sets of each block and round.")
    ] = 5,
    candidates: Annotated[
        int, typer.Option(metavar="N", min=1, help="Number of candidates whose label is tried, of each labelled set.")
    ] = 10,
    trees: Annotated[int, typer.Option(metavar="N", min=1, help="Number of trees.")] = 50,
    leaves: Annotated[int, typer.Option(metavar="N", min=2, help="Number of leaves of a tree, at most.")] = 32,
    keep_left_out: KeepLeftOut = None,
    as_json: AsJson = False,
) -> None:
    """Train a forest of the query strategy lal on data sets: how much a label reduces the loss.

    Recipes name the forest: in Python after altune.register_lal(NAME, FILE), and on the command line where the
    environment variable ALTUNE_LAL names a folder that holds NAME.json. After an interruption, the same command resumes
    the training.
    """
    from altune.learning.lal import LalSettings
    from altune.workflows.learn.lal import learn_lal
    from altune.workflows.progress import ProgressObserver, console_display

    trained = learn_lal(
        episodes.plan(),
        out,
        settings=LalSettings(rounds, points, candidates, trees, leaves),
        cache=resources.cache,
        keep_left_out=keep_left_out,
        n_jobs=resources.jobs,
        observer=ProgressObserver(console_display(resources.quiet or as_json)),
        command=command_to_repeat(sys.argv[1:]),
    )
    if as_json:
        print_json({"correlations": dict(trained.correlations), "measured": trained.n_measured, "file": str(out)})
        return
    from altune.report.texts.aligned import table

    rows = [
        {"family left out": family, "correlation": f"{value:+.3f}"} for family, value in trained.correlations.items()
    ]
    lines = (
        [
            table(rows),
            "",
            "correlation of predicted and measured reductions of the loss, among the candidates of a labelled set",
        ]
        if rows
        else []
    )
    print("\n".join([*lines, f"{trained.n_measured} labels were tried", "", str(out)]))
