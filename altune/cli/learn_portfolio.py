"""``altune learn portfolio``: gather the recipes that a search tries first."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from altune.cli.learn_options import EpisodeOptions, LearnResources, command_to_repeat
from altune.cli.options import AsJson
from altune.cli.output import print_json

SHOWN = 10
"""Number of entries that are printed."""

NoisyEvery = Annotated[
    int, typer.Option(metavar="N", help="Play label errors on the first of each N data sets; 1 for all of them.")
]


def portfolio(
    episodes: EpisodeOptions,
    resources: LearnResources,
    space: Annotated[
        str, typer.Option(metavar="SPACE", help="Shipped search space (see `altune spaces`) or YAML file.")
    ] = ("standard"),
    drawn: Annotated[
        int, typer.Option(metavar="N", help="Number of recipes drawn, beside those known to be good.")
    ] = 10,
    noisy_every: NoisyEvery = 3,
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write.")] = Path("portfolio.yaml"),
    as_json: AsJson = False,
) -> None:
    """Play recipes on many data sets, and write those that together serve well to a file.

    After an interruption, the same command resumes from its cache.
    """
    from altune.core.text import rough_duration
    from altune.learning.portfolio import summary_rows
    from altune.report.texts.aligned import table
    from altune.workflows.learn.portfolio import learn_portfolio
    from altune.workflows.progress import ProgressObserver, console_display

    plan = episodes.plan()
    began = time.monotonic()
    with closing(ProgressObserver(console_display(resources.quiet or as_json))) as observer:
        built = learn_portfolio(
            plan,
            space=space,
            n_drawn=drawn,
            noisy_every=noisy_every,
            cache=resources.cache,
            n_jobs=resources.jobs,
            out=out,
            command=command_to_repeat(sys.argv[1:]),
            observer=observer,
        )
    rows = summary_rows(built, SHOWN)
    if as_json:
        print_json({"file": str(out), "entries": rows, "seconds": time.monotonic() - began})
        return
    print(table(rows, wide="recipe"))
    print(
        f"\n{out}: {len(built.recipes)} recipes in {len(built.situations)} situations, "
        f"in {rough_duration(time.monotonic() - began)}"
    )
