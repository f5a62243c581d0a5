"""Mean ranks over many data sets, and tests of which recipes differ.

J. Demšar, *Statistical Comparisons of Classifiers over Multiple Data Sets*, JMLR 7, 2006, gives the test of any
difference (Friedman's, improved by Iman and Davenport; exact here for few data sets) and two tests of pairs: Nemenyi's
critical difference of mean ranks, and Wilcoxon's signed-rank test with Holm's correction. The latter is the default, as
A. Benavoli, G. Corani and F. Mangili advise (*Should We Really Use Post-Hoc Tests Based on Mean-Ranks*, JMLR 17, 2016):
by mean ranks, whether two recipes differ depends on which others are compared with them, by Wilcoxon's test it does
not.

This module takes arrays and returns numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from altune.core.errors import RequestError
from altune.numerics.hypothesis_tests import holm, wilcoxon_signed_rank

Array = NDArray[np.float64]
PostHoc = Literal["wilcoxon", "nemenyi"]
LEVEL = 0.05
MOST_SHUFFLES = 20_000
"""Largest number of combinations of ranks for which Friedman's test is exact."""
ROUNDING = 12
"""Means that agree in this number of decimals are ties."""


@dataclass(frozen=True)
class RankPair:
    """Two recipes over all data sets.

    Attributes
    ----------
    a, b : names of the recipes.
    ranks : mean rank of ``a`` minus that of ``b``; negative if ``a`` is better.
    p : two-sided p value of Wilcoxon's signed-rank test.
    p_holm : p value adjusted for all pairs.
    """

    a: str
    b: str
    ranks: float
    p: float
    p_holm: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"a": self.a, "b": self.b, "ranks": self.ranks, "p": self.p, "p_holm": self.p_holm}


@dataclass(frozen=True)
class MeanRanks:
    """Recipes by mean rank over data sets, the best first.

    Attributes
    ----------
    names : names of the recipes, best mean rank first.
    ranks : mean rank of each, 1 is the best; ties share their mean rank.
    data_sets : number of data sets.
    chi_square, p_chi_square : Friedman's statistic, corrected for ties, and its p value.
    f, p_f : Iman and Davenport's statistic and its p value; ``f`` is infinite if all data sets agree.
    p : p value of no difference at all: exact for few data sets, else ``p_f``.
    exact : whether ``p`` is exact.
    critical_difference : Nemenyi's critical difference: mean ranks this far apart differ at the level.
    pairs : every pair, in the order of ``names``.
    cliques : the largest groups of two or more recipes without a difference, by ``post_hoc``.
    post_hoc : the test of pairs.
    level : level of all tests.
    """

    names: tuple[str, ...]
    ranks: tuple[float, ...]
    data_sets: int
    chi_square: float
    p_chi_square: float
    f: float
    p_f: float
    p: float
    exact: bool
    critical_difference: float
    pairs: tuple[RankPair, ...]
    cliques: tuple[tuple[str, ...], ...]
    post_hoc: PostHoc
    level: float

    @property
    def test(self) -> str:
        """Name of the test of ``p``."""
        return "Friedman's test, exact" if self.exact else "Friedman's test by Iman and Davenport"

    @property
    def least_p(self) -> float:
        """Smallest adjusted p value that Wilcoxon's test can give for this number of data sets."""
        return min(1.0, len(self.pairs) * 2.0 ** (1 - self.data_sets))

    @property
    def enough_data_sets(self) -> int:
        """Fewest data sets for which Wilcoxon's test can find a difference between this number of recipes."""
        return math.ceil(1 + math.log2(len(self.pairs) / self.level))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "ranks": dict(zip(self.names, self.ranks, strict=True)),
            "data_sets": self.data_sets,
            "friedman": {"statistic": self.chi_square, "p": self.p_chi_square},
            "iman_davenport": {"statistic": self.f if math.isfinite(self.f) else None, "p": self.p_f},
            "p": self.p,
            "exact": self.exact,
            "critical_difference": self.critical_difference,
            "pairs": [pair.to_dict() for pair in self.pairs],
            "cliques": [list(clique) for clique in self.cliques],
            "post_hoc": self.post_hoc,
            "level": self.level,
        }


def mean_ranks(
    table: ArrayLike, names: Sequence[str], *, post_hoc: PostHoc = "wilcoxon", level: float = LEVEL
) -> MeanRanks:
    """Rank recipes on each data set and test the mean ranks.

    Parameters
    ----------
    table : values, ``(n_data_sets, n_recipes)``, two or more of each; more is better.
    names : names of the recipes, in the order of the columns.
    post_hoc : the test of pairs: ``wilcoxon`` with Holm's correction, or ``nemenyi``.
    level : level of all tests, in (0, 1).

    Raises
    ------
    RequestError
        If there are too few data sets or recipes, or values that are not finite.
    """
    scores = np.round(np.asarray(table, dtype=np.float64), ROUNDING)
    if scores.ndim != 2 or min(scores.shape) < 2 or scores.shape[1] != len(names) or not np.isfinite(scores).all():
        raise RequestError(
            f"mean ranks need 2 data sets and 2 recipes or more, each with a finite value, got {scores.shape}"
        )
    ranks: Array = stats.rankdata(-scores, axis=1)
    mean = ranks.mean(axis=0)
    order = np.argsort(mean, kind="stable")
    rows, columns = scores.shape
    chi_square = friedman_statistic(ranks)
    f = iman_davenport(chi_square, rows, columns)
    p_f = float(stats.f.sf(f, columns - 1, (columns - 1) * (rows - 1)))
    exact = exact_p(ranks)
    both = list(combinations(order.tolist(), 2))
    p_values = [wilcoxon_signed_rank(scores[:, a], scores[:, b]) for a, b in both]
    pairs = tuple(
        RankPair(names[a], names[b], float(mean[a] - mean[b]), p, float(adjusted))
        for (a, b), p, adjusted in zip(both, p_values, holm(p_values), strict=True)
    )
    difference = nemenyi_difference(columns, rows, level)
    alike = [
        (pair.a, pair.b)
        for pair in pairs
        if (abs(pair.ranks) < difference if post_hoc == "nemenyi" else pair.p_holm > level)
    ]
    ordered = tuple(names[recipe] for recipe in order)
    return MeanRanks(
        names=ordered,
        ranks=tuple(float(mean[recipe]) for recipe in order),
        data_sets=rows,
        chi_square=chi_square,
        p_chi_square=float(stats.chi2.sf(chi_square, columns - 1)),
        f=f,
        p_f=p_f,
        # If all data sets agree, F is infinite and its p value 0; yet N random rankings of k recipes all agree with
        # probability k!^(1 − N), so p cannot be smaller than that.
        p=max(p_f, math.factorial(columns) ** (1.0 - rows)) if exact is None else exact,
        exact=exact is not None,
        critical_difference=difference,
        pairs=pairs,
        cliques=largest_groups(ordered, alike),
        post_hoc=post_hoc,
        level=level,
    )


def friedman_statistic(ranks: Array) -> float:
    """Return Friedman's χ² of ``(n_data_sets, n_recipes)`` ranks, corrected for ties; 0 if all are tied."""
    rows, columns = ranks.shape
    # Without ties `within` is k(k + 1)/12, which gives the formula of the textbooks; ties make it smaller.
    around = rows * (ranks.mean(axis=0) - (columns + 1) / 2) ** 2
    within = float(((ranks - (columns + 1) / 2) ** 2).sum()) / (rows * (columns - 1))
    return float(around.sum() / within) if within > 0 else 0.0


def exact_p(ranks: Array) -> float | None:
    """Return how often random ranks have a Friedman statistic at least as large; None beyond 20,000 combinations.

    >>> round(exact_p(np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])), 4)
    0.1667
    """
    rows, columns = ranks.shape
    if (rows - 1) * math.lgamma(columns + 1) > math.log(MOST_SHUFFLES):
        return None
    # Only the sums of ranks matter, so the first data set can stay as it is.
    sums = ranks[:1]
    for row in ranks[1:]:
        sums = (sums[:, None, :] + np.array(list(permutations(row)))[None]).reshape(-1, columns)
    spread = np.sum((sums - sums.mean(axis=1, keepdims=True)) ** 2, axis=1)
    observed = float(np.sum((ranks.sum(axis=0) - ranks.sum() / columns) ** 2))
    return float(np.mean(spread >= observed - 1e-9))


def iman_davenport(chi_square: float, data_sets: int, recipes: int) -> float:
    """Return Iman and Davenport's F of Friedman's χ², with k − 1 and (k − 1)(N − 1) degrees of freedom.

    >>> round(iman_davenport(9.28, 14, 4), 2)
    3.69
    """
    left = data_sets * (recipes - 1) - chi_square
    return (data_sets - 1) * chi_square / left if left > 1e-9 else math.inf


def nemenyi_difference(recipes: int, data_sets: int, level: float = LEVEL) -> float:
    """Return Nemenyi's critical difference of mean ranks, q·√(k(k + 1) / 6N).

    >>> round(nemenyi_difference(4, 14), 2)
    1.25
    """
    q = float(stats.studentized_range.ppf(1 - level, recipes, math.inf)) / math.sqrt(2)
    return float(q * math.sqrt(recipes * (recipes + 1) / (6 * data_sets)))


def largest_groups(names: Sequence[str], alike: Sequence[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Return the largest groups of two or more names in which every pair is alike, in the order of the names.

    >>> largest_groups("abc", [("a", "b"), ("b", "c")])
    (('a', 'b'), ('b', 'c'))
    """
    neighbours = {name: {b for a, b in alike if a == name} | {a for a, b in alike if b == name} for name in names}
    cliques: list[tuple[str, ...]] = []

    # The maximal cliques of a graph: Bron and Kerbosch, CACM 16, 1973, without a pivot, since recipes are few. A group
    # that could be extended by a name in `excluded` was already found with that name.
    def extend(group: set[str], candidates: set[str], excluded: set[str]) -> None:
        if not candidates and not excluded:
            cliques.append(tuple(name for name in names if name in group))
        for name in [name for name in names if name in candidates]:
            extend(group | {name}, candidates & neighbours[name], excluded & neighbours[name])
            candidates = candidates - {name}
            excluded = excluded | {name}

    extend(set(), set(names), set())
    index_of = {name: index for index, name in enumerate(names)}
    groups = [clique for clique in cliques if len(clique) > 1]
    return tuple(sorted(groups, key=lambda group: [index_of[name] for name in group]))
