"""Recipes over several data sets: means with a bootstrap over data sets, blocks and rows, wins, and mean ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.analysis.comparison.contest import Contest
from altune.analysis.comparison.mean_ranks import MeanRanks, PostHoc, mean_ranks
from altune.analysis.comparison.win_matrix import WinMatrix, win_matrix
from altune.analysis.paired import Comparison, Pair
from altune.core.errors import RequestError
from altune.numerics.hypothesis_tests import wilcoxon_signed_rank
from altune.numerics.resampling import resampled_means
from altune.numerics.statistics import Interval, PairedDifference, side_by_side

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OverData:
    """Recipes over several data sets.

    Attributes
    ----------
    data_sets : names of the data sets.
    comparison : means over data sets and the difference of every pair. ``blocks`` counts data sets; intervals are from
        a bootstrap over data sets and then their blocks and test rows, p values from Wilcoxon's signed-rank test over
        data sets.
    wins : wins of each recipe against each other.
    ranks : mean ranks with their tests.
    """

    data_sets: tuple[str, ...]
    comparison: Comparison
    wins: WinMatrix
    ranks: MeanRanks

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**self.comparison.to_dict(), "wins": self.wins.to_dict(), "ranks": self.ranks.to_dict()}


def over_data(contests: Sequence[Contest], *, post_hoc: PostHoc = "wilcoxon", seed: int = 0) -> OverData:
    """Compare recipes over several data sets of equal weight.

    Parameters
    ----------
    contests : the same recipes on each data set, two data sets or more.
    post_hoc : the test of pairs by rank, see :func:`altune.analysis.comparison.mean_ranks.mean_ranks`.
    seed : seed of the bootstrap.

    Raises
    ------
    RequestError
        If there are fewer than two data sets, or not the same recipes on each.
    """
    if len(contests) < 2 or len({tuple(contest.curves) for contest in contests}) > 1:
        raise RequestError("a comparison over data sets needs two or more with the same recipes")
    names = list(contests[0].curves)
    sign = contests[0].objective.sign
    tables = [np.stack([contest.unit_table(name) for name in names]) for contest in contests]
    means = np.stack([[contest.values[name].mean() for name in names] for contest in contests])
    return OverData(
        data_sets=tuple(contest.data for contest in contests),
        comparison=_compared(names, means, resampled_means(tables, np.random.default_rng(seed))),
        wins=win_matrix([contest.comparison for contest in contests], sign),
        ranks=mean_ranks(sign * means, names, post_hoc=post_hoc),
    )


def _compared(names: Sequence[str], means: Array, resampled: Array) -> Comparison:
    count = len(means)
    pairs = list(combinations(range(len(names)), 2))
    p_values = [wilcoxon_signed_rank(means[:, a], means[:, b]) for a, b in pairs]
    differences = []
    for (a, b), p in zip(pairs, p_values, strict=True):
        draws = np.sort(resampled[:, a] - resampled[:, b])
        low, high = _ends(draws)
        on_data = means[:, a] - means[:, b]
        differences.append(
            PairedDifference(
                float(on_data.mean()),
                low,
                high,
                p,
                count,
                float(np.mean(on_data > 0)),
                "data sets, blocks and rows, resampled",
                draws=tuple(draws.tolist()),
            )
        )
    judged = side_by_side(differences, -np.inf, np.inf)
    intervals = {
        name: Interval(float(means[:, recipe].mean()), *_ends(resampled[:, recipe]), count)
        for recipe, name in enumerate(names)
    }
    named = zip(pairs, judged, strict=True)
    return Comparison(intervals, tuple(Pair(names[a], names[b], difference) for (a, b), difference in named))


def _ends(values: Array) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
