"""Who wins against whom, on how many data sets."""

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
    names : the recipes.
    data_sets : how many data sets there are.
    clear : ``clear[i][j]``: data sets on which recipe i beats recipe j clearly, the whole 95 % corrected interval of
        their difference on its side of zero.
    ahead : ``ahead[i][j]``: data sets on which the mean of recipe i is the better one, clearly or not.
    """

    names: tuple[str, ...]
    data_sets: int
    clear: tuple[tuple[int, ...], ...]
    ahead: tuple[tuple[int, ...], ...]

    def ties(self, a: int, b: int) -> int:
        """Return on how many data sets two recipes are not told apart."""
        return self.data_sets - self.clear[a][b] - self.clear[b][a]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: for each recipe its wins, ties, losses and means ahead against each other one."""
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
    """Return who wins against whom over data sets.

    Parameters
    ----------
    comparisons : of the same recipes on each data set.
    sign : 1 where more of the objective is better, −1 where less is.

    Raises
    ------
    RequestError
        If there are none, or of different recipes.
    """
    if not comparisons or len({tuple(one.recipes) for one in comparisons}) > 1:
        raise RequestError("wins are counted over one data set or more, with the same recipes on each")
    names = tuple(comparisons[0].recipes)
    places = {name: place for place, name in enumerate(names)}
    clear = [[0] * len(names) for _ in names]
    ahead = [[0] * len(names) for _ in names]
    for pair in (pair for one in comparisons for pair in one.differences):
        a, b = places[pair.a], places[pair.b]
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
    """Return 1 where the whole interval says that ``a`` is better, −1 where it says that ``b`` is, else 0."""
    low, high = sorted((sign * pair.difference.low, sign * pair.difference.high))
    return 1 if low > 0 else -1 if high < 0 else 0


def _frozen(table: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in table)
