"""The numbers of each figure of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from altune.analysis.comparison.labels_to_reach import LabelsToReach
from altune.analysis.comparison.mean_ranks import MeanRanks
from altune.analysis.comparison.over_data import OverData
from altune.analysis.comparison.resources import Spent, spent_over
from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.comparison.spread import Spread
from altune.analysis.comparison.stale_starts import StaleStarts
from altune.analysis.comparison.win_matrix import WinMatrix
from altune.core.errors import RequestError


def reach_of(source: RecipeComparison | Mapping[str, Sequence[LabelsToReach]]) -> Mapping[str, Sequence[LabelsToReach]]:
    """Return the labels that each recipe needs on each data set."""
    if isinstance(source, RecipeComparison):
        return {contest.data: contest.reach for contest in source.contests}
    return source


def spread_of(source: RecipeComparison | Mapping[str, Sequence[Spread]]) -> Mapping[str, Sequence[Spread]]:
    """Return the spread of each recipe over the blocks of each data set."""
    if isinstance(source, RecipeComparison):
        return {contest.data: contest.spread for contest in source.contests}
    return source


def stale_of(source: RecipeComparison | Mapping[str, Sequence[StaleStarts]]) -> Mapping[str, Sequence[StaleStarts]]:
    """Return the stale runs of each recipe on each data set."""
    if isinstance(source, RecipeComparison):
        return {contest.data: contest.stale for contest in source.contests}
    return source


def spent_of(source: RecipeComparison | Sequence[Spent]) -> Sequence[Spent]:
    """Return what each recipe takes, the mean over several data sets."""
    if not isinstance(source, RecipeComparison):
        return source
    contests = source.contests
    return contests[0].spent if len(contests) == 1 else spent_over([contest.spent for contest in contests])


def wins_of(source: RecipeComparison | WinMatrix) -> WinMatrix:
    """Return the wins over several data sets.

    Raises
    ------
    RequestError
        If the comparison has one data set.
    """
    return _over_data(source).wins if isinstance(source, RecipeComparison) else source


def ranks_of(source: RecipeComparison | MeanRanks) -> MeanRanks:
    """Return the mean ranks over several data sets.

    Raises
    ------
    RequestError
        If the comparison has one data set.
    """
    return _over_data(source).ranks if isinstance(source, RecipeComparison) else source


def _over_data(comparison: RecipeComparison) -> OverData:
    if comparison.over_data is None:
        raise RequestError("the figure is over data sets, and the comparison has one; compare on several")
    return comparison.over_data
