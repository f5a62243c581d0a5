"""The tables of a comparison's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from altune.analysis.comparison.sentences import plain_name
from altune.report.amounts import Amounts
from altune.report.html.parts import TablePart
from altune.report.pages.comparison.figures import LABELS, OVER, goal_of
from altune.report.words import named

if TYPE_CHECKING:
    from altune.analysis.comparison.contest import Contest
    from altune.analysis.comparison.result import RecipeComparison


def data_table(found: RecipeComparison) -> TablePart:
    """Return the mean of each recipe on each data set, with mean ranks."""
    over = found.over_data
    if over is None:
        raise ValueError("one data set has no table over data sets")
    amounts = Amounts.of(found.objective)
    ranks = dict(zip(over.ranks.names, over.ranks.ranks, strict=True))
    rows = [
        (
            plain_name(name),
            f"{ranks[name]:.2f}",
            amounts.interval(mean.mean, mean.low, mean.high),
            *(amounts.text(contest.comparison.recipes[name].mean) for contest in found.contests),
        )
        for name, mean in over.comparison.recipes.items()
    ]
    return TablePart(
        heading=OVER,
        title="Recipes by data set",
        columns=("recipe", "mean rank", "mean", *(contest.data for contest in found.contests)),
        rows=sorted(rows, key=lambda row: float(row[1])),
        caption=(
            f"{_sentence(named(found.objective))}: means over splits, and over data sets with 95 % intervals of a "
            "bootstrap over data sets, then splits."
        ),
    )


def labels_table(found: RecipeComparison) -> TablePart:
    """Return the labels that each recipe needs on each data set."""
    rows = [
        (plain_name(own[0].recipe), *("–" if one.labels is None else str(one.labels) for one in own))
        for own in zip(*(contest.reach for contest in found.contests), strict=True)
    ]
    budgets = " / ".join(dict.fromkeys(str(contest.budget) for contest in found.contests))
    return TablePart(
        heading=LABELS,
        columns=("recipe", *(contest.data for contest in found.contests)),
        rows=rows,
        caption=(
            f"Labels until the mean curve first has {goal_of(found.contests[0])}; – where it never has within "
            f"{budgets} labels, 0 where the majority class alone has it. Intervals are in each data set's own section."
        ),
    )


def tests_table(found: RecipeComparison) -> TablePart:
    """Return the tests of each pair over data sets."""
    over = found.over_data
    if over is None:
        raise ValueError("one data set has no tests over data sets")
    places = {name: place for place, name in enumerate(over.wins.names)}
    wins = over.wins
    rows = [
        (
            f"{plain_name(pair.a)} − {plain_name(pair.b)}",
            f"{pair.ranks:+.2f}".replace("-", "−"),
            f"{wins.clear[places[pair.a]][places[pair.b]]}–{wins.ties(places[pair.a], places[pair.b])}–"
            f"{wins.clear[places[pair.b]][places[pair.a]]}",
            _p(pair.p),
            _p(pair.p_holm),
        )
        for pair in over.ranks.pairs
    ]
    return TablePart(
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


def means_table(contest: Contest, heading: str) -> TablePart:
    """Return what each recipe is worth on one data set: mean, spread, stale runs."""
    amounts = Amounts.of(contest.objective)
    rows = [
        (
            plain_name(one.recipe),
            amounts.interval(one.mean.mean, one.mean.low, one.mean.high),
            amounts.text(one.unlucky),
            amounts.text(one.worst),
            amounts.text(one.best),
            f"{stale.share:.0%}",
        )
        for one, stale in zip(contest.spread, contest.stale, strict=True)
    ]
    return TablePart(
        heading=heading,
        title="The recipes in numbers",
        columns=("recipe", "mean", "worst tenth", "worst", "best", "stale runs"),
        rows=rows,
        caption=(
            f"{_sentence(named(contest.objective))} over {contest.blocks} splits, with 95 % intervals. Worst tenth: "
            "what nine splits of ten do better than."
        ),
    )


def pairs_table(contest: Contest, heading: str) -> TablePart:
    """Return every pair's difference on one data set."""
    amounts = Amounts.of(contest.objective)
    rows = [
        (
            f"{plain_name(pair.a)} − {plain_name(pair.b)}",
            amounts.signed_interval(pair.difference.mean, pair.difference.low, pair.difference.high),
            f"{pair.difference.better:.0%}",
            _p(pair.difference.p),
            _p(pair.p_holm),
        )
        for pair in contest.comparison.differences
    ]
    return TablePart(
        heading=heading,
        title="Pair by pair",
        columns=("pair", "difference", "splits in which the first has more", "p", "p (Holm)"),
        rows=rows,
        caption="First minus second on the same splits; p (Holm) is adjusted for all pairs of this table.",
    )


def reach_table(contest: Contest, heading: str) -> TablePart:
    """Return the labels that each recipe needs, and what it takes, on one data set."""
    rows = []
    for one, spent in zip(contest.reach, contest.spent, strict=True):
        ends = [f"more than {one.budget}" if end is None else str(end) for end in (one.low, one.high)]
        rows.append(
            (
                plain_name(one.recipe),
                "never" if one.labels is None else str(one.labels),
                "–" if contest.blocks == 1 else ends[0] if one.low is None else f"{ends[0]} to {ends[1]}",
                f"{one.never:.0%}",
                f"{spent.labels:.4g}",
                f"{spent.cost:.4g}",
                f"{spent.seconds:.3g}",
            )
        )
    return TablePart(
        heading=heading,
        title="Labels, money and time",
        columns=("recipe", "labels needed", "95 % interval", "splits that never", "labels", "cost", "seconds"),
        rows=rows,
        caption=(
            f"Labels needed for {contest.reach[0].target:.3f} {contest.objective.metric}; then what a whole run "
            "takes: labels bought, money, seconds of fits and queries on this machine."
        ),
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _p_words(value: float) -> str:
    return f"< {_p(value)[1:]}" if value < 0.001 else f"= {_p(value)}"
