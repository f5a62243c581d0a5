"""``altune compare-runs``: compare finished runs by their stored confirmations."""

from __future__ import annotations

from typing import Annotated

import typer

from altune.cli.compare import ComparisonFolder, PostHocOption, check_folder, print_comparison, read_post_hoc
from altune.cli.options import AsJson, TargetScore


def compare_runs(
    runs: Annotated[list[str], typer.Argument(metavar="RUNS", help="Folders of two or more confirmed runs.")],
    target_score: TargetScore = None,
    post_hoc: PostHocOption = "wilcoxon",
    out: ComparisonFolder = None,
    as_json: AsJson = False,
) -> None:
    """Compare the confirmed recipes of finished runs from their stored curves, without simulating.

    The runs must share data, scenario and seed. To compare others, give their folders to `altune compare` as recipes.
    """
    from altune.workflows.compare_runs import compare_runs as compare

    check_folder(out)
    comparison = compare(runs, target_score=target_score, post_hoc=read_post_hoc(post_hoc))
    print_comparison(comparison, out, as_json)
