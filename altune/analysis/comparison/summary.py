"""A comparison in a line and in a small table: what a Python prompt and a notebook show of it."""

from __future__ import annotations

from collections.abc import Sequence

from altune.analysis.comparison.contest import Contest
from altune.analysis.comparison.sentences import leader_of
from altune.analysis.paired import Comparison
from altune.core.text import amount_within, counted


def comparison_line(contests: Sequence[Contest], result: Comparison) -> str:
    """Return one line: data, number of recipes and of blocks, and the recipe with the best mean.

    Parameters
    ----------
    contests : all numbers of each data set.
    result : means and differences; of several data sets over these.
    """
    data = ", ".join(repr(contest.data) for contest in contests)
    blocks, objective = sum(contest.blocks for contest in contests), contests[0].objective
    best = leader_of(result, objective.sign).name
    of = result.recipes[best]
    value = f"{objective.words} {amount_within(of.mean, of.low, of.high)}"
    return (
        f"RecipeComparison({data}, {len(result.recipes)} recipes on {counted(blocks, 'block')}, best {best!r}: {value})"
    )


def comparison_rows(contests: Sequence[Contest], result: Comparison) -> list[tuple[str, ...]]:
    """Return the titles of the columns, and a row for each recipe: name, mean, and difference from the best recipe."""
    objective = contests[0].objective
    leader = leader_of(result, objective.sign)
    behind = {pair.b: pair.turned().difference for pair in (*leader.ahead, *leader.alike)}
    rows: list[tuple[str, ...]] = [("recipe", objective.words, f"difference from {leader.name}")]
    for name, of in sorted(result.recipes.items(), key=lambda item: -objective.sign * item[1].mean):
        other = behind.get(name)
        gap = "" if other is None else amount_within(other.mean, other.low, other.high, signed=True)
        rows.append((name, amount_within(of.mean, of.low, of.high), gap))
    return rows
