"""compare_runs(): compare finished runs by their stored confirmations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from altune.analysis.comparison.mean_ranks import PostHoc
from altune.analysis.comparison.result import RecipeComparison
from altune.core.arguments import plain_arguments

if TYPE_CHECKING:
    from altune.analysis.run import Run


@plain_arguments()
def compare_runs(
    runs: Sequence[str | Path | Run], *, target_score: float | None = None, post_hoc: PostHoc = "wilcoxon"
) -> RecipeComparison:
    """Compare finished runs by their stored confirmations, without simulating.

    The confirmed recipe of each run is compared with those of the other runs and with the baselines. The runs must
    share data, scenario and seed, and thus their report blocks; if some have more of these blocks, the first ones that
    all runs have are compared.

    Parameters
    ----------
    runs : two or more runs or their folders.
    target_score : score to reach; by default the final score of random sampling.
    post_hoc : as in :func:`compare`.

    Raises
    ------
    RequestError
        If a run is not confirmed, or the runs differ in something that they must share.
    """
    from altune.analysis.comparison.stored_runs import stored_contests

    recipes, contests, notes = stored_contests(runs, target_score)
    return RecipeComparison(recipes, contests, notes=notes, post_hoc=post_hoc)
