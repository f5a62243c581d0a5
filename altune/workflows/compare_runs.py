"""compare_runs(): compare finished runs by their stored confirmations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from altune.analysis.comparison.mean_ranks import PostHoc
from altune.analysis.comparison.result import RecipeComparison

if TYPE_CHECKING:
    from altune.analysis.run import Run


def compare_runs(
    runs: Sequence[str | Path | Run], *, target_score: float | None = None, post_hoc: PostHoc = "wilcoxon"
) -> RecipeComparison:
    """Compare finished runs by their stored confirmations, simulating nothing.

    The confirmed recipe of each run is compared with those of the others and with their baselines. That is possible
    where all share data, scenario and seed, and so their report blocks; of different numbers of these, the first ones
    that all runs have.

    Parameters
    ----------
    runs : runs or their folders, two or more.
    target_score : score to reach, by default random sampling's at the whole budget.
    post_hoc : as in :func:`compare`.

    Raises
    ------
    RequestError
        If a run is not confirmed, or runs do not share what they must, saying what differs.
    """
    from altune.analysis.comparison.stored_runs import stored_contests

    recipes, contests, notes = stored_contests(runs, target_score)
    return RecipeComparison(recipes, contests, notes=notes, post_hoc=post_hoc)
