"""The tables of a comparison's page."""

from __future__ import annotations

from altune.analysis.answer import plain_name
from altune.analysis.comparison.contest import Contest
from altune.analysis.comparison.over_data import OverData
from altune.analysis.comparison.result import RecipeComparison
from altune.core.text import capitalized, counted
from altune.numerics.statistics import LEAST_BLOCKS
from altune.report.amounts import Amounts
from altune.report.html.blocks import TableBlock
from altune.report.pages.comparison.figures import LABELS, OVER, goal_of
from altune.report.words import named


def data_table(comparison: RecipeComparison, over: OverData) -> TableBlock:
    """Return the mean of each recipe on each data set, with mean ranks."""
    amounts = Amounts.of(comparison.objective)
    ranks = dict(zip(over.ranks.names, over.ranks.ranks, strict=True))
    rows = [
        (
            plain_name(name),
            f"{ranks[name]:.2f}",
            amounts.interval(mean.mean, mean.low, mean.high),
            *(amounts.text(contest.comparison.recipes[name].mean) for contest in comparison.contests),
        )
        for name, mean in over.comparison.recipes.items()
    ]
    return TableBlock(
        heading=OVER,
        title="Recipes by data set",
        columns=("recipe", "mean rank", "mean", *(contest.data for contest in comparison.contests)),
        rows=sorted(rows, key=lambda row: float(row[1])),
        caption=(
            f"{capitalized(named(comparison.objective))}: means over blocks, and over data sets with 95 % intervals of "
            "a bootstrap over data sets, then blocks and test rows."
        ),
    )


def labels_table(comparison: RecipeComparison) -> TableBlock:
    """Return the labels that each recipe needs on each data set."""
    rows = [
        (plain_name(reaches[0].recipe), *("–" if reach.labels is None else reach.reached.words for reach in reaches))
        for reaches in zip(*(contest.reach for contest in comparison.contests), strict=True)
    ]
    budgets = " / ".join(dict.fromkeys(str(contest.budget) for contest in comparison.contests))
    return TableBlock(
        heading=LABELS,
        columns=("recipe", *(contest.data for contest in comparison.contests)),
        rows=rows,
        caption=(
            f"Labels until the mean curve first has {goal_of(comparison.contests[0])}; – where it never has within "
            f"{budgets} labels, 0 where the majority class alone has it. Intervals are in each data set's own section."
        ),
    )


def tests_table(over: OverData) -> TableBlock:
    """Return the tests of each pair over data sets."""
    wins = over.wins
    indices = {name: index for index, name in enumerate(wins.names)}
    rows = []
    for pair in over.ranks.pairs:
        names, (a, b) = f"{plain_name(pair.a)} − {plain_name(pair.b)}", (indices[pair.a], indices[pair.b])
        won = f"{wins.clear[a][b]}–{wins.ties(a, b)}–{wins.clear[b][a]}"
        rows.append((names, f"{pair.ranks:+.2f}".replace("-", "−"), won, _p(pair.p), _p(pair.p_holm)))
    return TableBlock(
        heading=OVER,
        title="Tests over data sets",
        columns=("pair", "difference of mean ranks", "won–tied–lost", "p", "p (Holm)"),
        rows=rows,
        caption=(
            "Wilcoxon's signed-rank test of the means over data sets, adjusted for all pairs. Mean ranks that differ "
            f"by {over.ranks.critical_difference:.2f} or more differ by Nemenyi's test. Any difference at all: "
            f"Friedman's χ² = {over.ranks.chi_square:.2f}, p {_p_words(over.ranks.p)} ({over.ranks.test})."
        ),
    )


def means_table(contest: Contest, heading: str) -> TableBlock:
    """Return the mean, the spread and the share of stale trajectories of each recipe on one data set."""
    amounts = Amounts.of(contest.objective)
    rows = [
        (
            plain_name(spread.recipe),
            amounts.interval(spread.mean.mean, spread.mean.low, spread.mean.high),
            amounts.text(spread.unlucky),
            amounts.text(spread.worst),
            amounts.text(spread.best),
            f"{stale.share:.0%}",
        )
        for spread, stale in zip(contest.spread, contest.stale, strict=True)
    ]
    return TableBlock(
        heading=heading,
        title="The recipes in numbers",
        columns=("recipe", "mean", "worst tenth", "worst", "best", "stale"),
        rows=rows,
        caption=(
            f"{capitalized(named(contest.objective))} over {counted(contest.blocks, 'block')}, with 95 % intervals. "
            "Worst tenth: what nine blocks of ten do better than."
        ),
    )


def pairs_table(contest: Contest, heading: str) -> TableBlock:
    """Return the difference of each pair of recipes on one data set."""
    amounts = Amounts.of(contest.objective)
    rows = [
        (
            f"{plain_name(pair.a)} − {plain_name(pair.b)}",
            amounts.signed_interval(pair.difference.mean, *pair.difference.together),
            f"{pair.difference.better:.0%}",
            _p(pair.difference.p),
            _p(pair.difference.p_holm),
        )
        for pair in contest.comparison.differences
    ]
    return TableBlock(
        heading=heading,
        title="Pair by pair",
        columns=("pair", "difference", "blocks in which the first has more", "p", "p (Holm)"),
        rows=rows,
        caption="First minus second on the same blocks; intervals and p (Holm) are for all pairs of the table.",
    )


def reach_table(contest: Contest, heading: str) -> TableBlock:
    """Return the labels that each recipe needs and the resources that it takes on one data set."""
    rows = []
    for reach, spent in zip(contest.reach, contest.spent, strict=True):
        low, high = (f"more than {reach.budget}" if end is None else str(end) for end in (reach.low, reach.high))
        rows.append(
            (
                plain_name(reach.recipe),
                "never" if reach.labels is None else reach.reached.words,
                "–" if contest.blocks < LEAST_BLOCKS else low if reach.low is None else f"{low} to {high}",
                f"{reach.never:.0%}",
                f"{spent.labels:.4g}",
                f"{spent.cost:.4g}",
                f"{spent.seconds:.3g}",
            )
        )
    return TableBlock(
        heading=heading,
        title="Labels, money and time",
        columns=("recipe", "labels needed", "95 % interval", "blocks that never", "labels", "cost", "seconds"),
        rows=rows,
        caption=(
            f"Labels needed for {contest.reach[0].target:.3f} {contest.objective.metric}; then what a whole run "
            "takes: labels bought, money, seconds of fits and queries on this machine."
        ),
    )


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _p_words(value: float) -> str:
    return f"< {_p(value)[1:]}" if value < 0.001 else f"= {_p(value)}"
