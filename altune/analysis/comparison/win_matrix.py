"""On how many data sets each recipe beats each other one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from altune.analysis.paired import Comparison, Pair
from altune.core.errors import RequestError


@dataclass(frozen=True)
class WinMatrix:
    """Wins of each recipe against each other.

    Attributes
    ----------
    names : names of the recipes.
    data_sets : number of data sets.
    clear : ``clear[i][j]`` is the number of data sets on which recipe i clearly beats recipe j, among all pairs.
    ahead : ``ahead[i][j]`` is the number of data sets on which the mean of recipe i is better, clearly or not.
    """

    names: tuple[str, ...]
    data_sets: int
    clear: tuple[tuple[int, ...], ...]
    ahead: tuple[tuple[int, ...], ...]

    def ties(self, a: int, b: int) -> int:
        """Return the number of data sets on which two recipes have no clear difference."""
        return self.data_sets - self.clear[a][b] - self.clear[b][a]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: wins, ties, losses and better means of each recipe against each other one."""
        against: dict[str, Any] = {}
        for a, name in enumerate(self.names):
            against[name] = {
                other: {
                    "wins": self.clear[a][b],
                    "ties": self.ties(a, b),
                    "losses": self.clear[b][a],
                    "ahead": self.ahead[a][b],
                }
                for b, other in enumerate(self.names)
                if a != b
            }
        return {"data_sets": self.data_sets, "against": against}


def win_matrix(comparisons: Sequence[Comparison], sign: float = 1.0) -> WinMatrix:
    """Return the wins of each recipe against each other over data sets.

    Parameters
    ----------
    comparisons : the comparison of the same recipes on each data set.
    sign : 1 if more of the objective is better, −1 if less is.

    Raises
    ------
    RequestError
        If there is no comparison, or the recipes differ.
    """
    if not comparisons or len({tuple(comparison.recipes) for comparison in comparisons}) > 1:
        raise RequestError("wins need one or more data sets with the same recipes")
    names = tuple(comparisons[0].recipes)
    index_of = {name: index for index, name in enumerate(names)}
    clear = [[0] * len(names) for _ in names]
    ahead = [[0] * len(names) for _ in names]
    for pair in (pair for comparison in comparisons for pair in comparison.differences):
        a, b = index_of[pair.a], index_of[pair.b]
        side = clear_side(pair, sign)
        if side:
            first, second = (a, b) if side > 0 else (b, a)
            clear[first][second] += 1
        mean = sign * pair.difference.mean
        if mean:
            first, second = (a, b) if mean > 0 else (b, a)
            ahead[first][second] += 1
    return WinMatrix(names, len(comparisons), _frozen(clear), _frozen(ahead))


def clear_side(pair: Pair, sign: float = 1.0) -> int:
    """Return 1 if ``a`` is clearly better, −1 if ``b`` is, and 0 if the difference is not clear."""
    if not pair.difference.clear:
        return 0
    return 1 if sign * pair.difference.mean > 0 else -1


def _frozen(table: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in table)
