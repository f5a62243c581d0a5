"""The page of a comparison: which recipe is best, how sure that is, and the numbers behind it."""

from __future__ import annotations

from altune.analysis.answer import plain_name
from altune.analysis.comparison.contest import Contest
from altune.analysis.comparison.over_data import OverData
from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.comparison.sentences import leader_of
from altune.analysis.paired import Comparison
from altune.core.text import counted, join_words
from altune.core.version import __version__
from altune.data.description import Encoding
from altune.report.amounts import Amounts
from altune.report.encodings import column_tables, encoding_facts
from altune.report.html.blocks import FactsBlock, PageBlock
from altune.report.html.page import PageContent, Verdict, render_page
from altune.report.pages.comparison.figures import (
    BEST,
    LABELS,
    UNLUCKY,
    curves_of,
    differences_of,
    front_of,
    heading_of,
    ranks_of,
    reach_of,
    spread_of_data,
    stale_of,
    time_of,
)
from altune.report.pages.comparison.intros import intros_of
from altune.report.pages.comparison.tables import (
    data_table,
    labels_table,
    means_table,
    pairs_table,
    reach_table,
    tests_table,
)
from altune.report.words import MEASURED, interval_words, named

MOST_NAMED = 4


def compare_page(comparison: RecipeComparison) -> str:
    """Return the self-contained HTML page of a comparison."""
    return render_page(compare_content(comparison))


def compare_content(comparison: RecipeComparison) -> PageContent:
    """Return the content of the page of a comparison."""
    verdict, text = verdict_of(comparison)
    return PageContent(
        title=f"{len(comparison.recipes)} recipes on {_data_words(comparison)}",
        answer=comparison.sentences,
        verdict=verdict,
        verdict_text=text,
        highlights=highlights_of(comparison),
        advice=comparison.notes,
        parts=_blocks(comparison),
        intros=intros_of(comparison),
    )


def verdict_of(comparison: RecipeComparison) -> tuple[Verdict, str]:
    """Return whether one recipe is better than every other, and the same in words."""
    others = len(comparison.recipes) - 1
    if comparison.over_data is not None:
        ranks = comparison.over_data.ranks
        best = ranks.names[0]
        ahead = sum(pair.a == best and pair.p_holm <= ranks.level for pair in ranks.pairs)
        where = f" over {ranks.data_sets} data sets"
    else:
        leader = leader_of(comparison.result, comparison.objective.sign)
        best, ahead, where = leader.name, len(leader.ahead), ""
    name = plain_name(best)
    if ahead == others:
        return "better", f"✓ {name} is better than {'every other recipe' if others > 1 else 'the other recipe'}{where}"
    if ahead:
        return (
            "unclear",
            f"? {name} is better than {ahead} of {others} others{where}, and not clearly better than the rest",
        )
    return "unclear", f"? No recipe clearly differs from the best{where}"


def highlights_of(comparison: RecipeComparison) -> list[tuple[str, str]]:
    """Return the most important numbers, at most three, each with what it is."""
    if comparison.over_data is not None:
        return _highlights_over(comparison.over_data)
    contest = comparison.contests[0]
    amounts = Amounts.of(comparison.objective)
    leader = leader_of(comparison.result, comparison.objective.sign)
    nearest = min([*leader.ahead, *leader.alike], key=lambda pair: abs(pair.difference.mean))
    reaches = {reach.recipe: reach for reach in contest.reach}
    reach, usual = reaches[leader.name], reaches[contest.yardstick]
    mean = amounts.headline(comparison.result.recipes[leader.name].mean)
    highlights = [
        (mean, f"{plain_name(leader.name)}: {named(comparison.objective)}"),
        (amounts.signed_headline(nearest.difference.mean), f"beside {plain_name(nearest.b)}, the next best"),
    ]
    if reach.labels is not None and leader.name != contest.yardstick:
        beside = f"; {plain_name(contest.yardstick)} needs {usual.labels}" if usual.labels is not None else ""
        highlights.append((str(reach.labels), f"labels to {reach.target:.3f} {contest.objective.metric}{beside}"))
    return highlights


def _highlights_over(over: OverData) -> list[tuple[str, str]]:
    ranks, wins = over.ranks, over.wins
    best, second = ranks.names[:2]
    row, column = wins.names.index(best), wins.names.index(second)
    return [
        (f"{ranks.ranks[0]:.2f}", f"mean rank of {plain_name(best)}, of {len(ranks.names)} recipes"),
        (
            f"{wins.ahead[row][column]} of {wins.data_sets}",
            f"data sets on which its mean is ahead of {plain_name(second)}, the next by rank",
        ),
        (
            f"{wins.clear[row][column]} of {wins.data_sets}",
            "on which that is clear: the whole interval of the difference says so",
        ),
    ]


def _blocks(comparison: RecipeComparison) -> list[PageBlock]:
    """Return the sections in the order of a reader's questions."""
    measured = [FactsBlock(MEASURED, _facts(comparison)), *column_tables(_encodings(comparison), MEASURED)]
    spent = [stale_of(comparison), time_of(comparison)]
    over = comparison.over_data
    if over is None:
        contest = comparison.contests[0]
        return [
            curves_of(contest, BEST),
            differences_of(comparison),
            means_table(contest, BEST),
            pairs_table(contest, BEST),
            reach_of(contest, LABELS),
            reach_table(contest, LABELS),
            spread_of_data(contest, UNLUCKY),
            *spent,
            *front_of(comparison),
            *measured,
        ]
    tables = [data_table(comparison, over), tests_table(over)]
    each = [block for contest in comparison.contests for block in _section_of(contest)]
    return [*ranks_of(over), *tables, differences_of(comparison), labels_table(comparison), *spent, *each, *measured]


def _section_of(contest: Contest) -> list[PageBlock]:
    """Return the section of one data set of several."""
    heading = heading_of(contest)
    blocks = (curves_of, reach_of, spread_of_data, means_table, pairs_table, reach_table)
    return [block(contest, heading) for block in blocks]


def _encodings(comparison: RecipeComparison) -> dict[str, Encoding]:
    return {contest.data: contest.encoding for contest in comparison.contests if contest.encoding is not None}


def _facts(comparison: RecipeComparison) -> list[tuple[str, str]]:
    over = comparison.over_data
    data = [
        (
            "Data" if over is None else f"Data: {contest.data}",
            f"{contest.data}: {counted(contest.blocks, 'fresh block')} with pools of {contest.n_train} rows, scored on "
            f"{contest.n_test} rows; {contest.budget} labels",
        )
        for contest in comparison.contests
    ]
    less = " (less is better)" if comparison.objective.direction == "minimize" else ""
    return [
        *data,
        *encoding_facts(_encodings(comparison)),
        ("Objective", f"{named(comparison.objective)}{less}"),
        *_method_facts(comparison.contests[0].comparison),
        *([] if over is None else [("Over data sets", _over_data_text(over, comparison.post_hoc))]),
        *((f"Recipe: {plain_name(name)}", recipe.describe()) for name, recipe in comparison.recipes.items()),
        ("Made by", f"altune {__version__}"),
    ]


def _method_facts(comparison: Comparison) -> list[tuple[str, str]]:
    return [
        (
            "Differences",
            f"of the same blocks; {interval_words(comparison.differences[0].difference.basis)}; clear if p after "
            "Holm's correction for all pairs on a data set is 0.05 or less, and drawn with the interval of that test",
        ),
        (
            "Labels to reach",
            "the labels of the loop in which the mean curve first has the score; intervals of 1000 resamples of blocks "
            "and test rows",
        ),
        ("Stale trajectories", "less than a quarter of their gain by a quarter of the budget; Wilson's interval"),
    ]


def _over_data_text(over: OverData, post_hoc: str) -> str:
    wilcoxon = "Wilcoxon's signed-rank test with Holm's correction for all pairs (Benavoli, Corani & Mangili 2016)"
    pairs = wilcoxon if post_hoc == "wilcoxon" else "Nemenyi's critical difference (Demšar 2006)"
    return f"{over.ranks.test}; pairs by {pairs}; means with a bootstrap over data sets, then blocks"


def _data_words(comparison: RecipeComparison) -> str:
    names = [contest.data for contest in comparison.contests]
    return f"{len(names)} data sets" if len(names) > MOST_NAMED else join_words(names)
