"""The page of a comparison: which recipe is best and how sure that is, then every number behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from altune.analysis.comparison.sentences import leader_of, plain_name
from altune.core.version import __version__
from altune.report.amounts import Amounts
from altune.report.html.page import PageContent, Verdict, render_page
from altune.report.html.parts import FactsPart, Part
from altune.report.pages.comparison.figures import (
    BEST,
    LABELS,
    UNLUCKY,
    curves_of,
    differences_of,
    front_of,
    ranks_of,
    reach_of,
    spread_of_data,
    stale_of,
    time_of,
)
from altune.report.pages.comparison.tables import (
    data_table,
    labels_table,
    means_table,
    pairs_table,
    reach_table,
    tests_table,
)
from altune.report.words import named

if TYPE_CHECKING:
    from altune.analysis.comparison.contest import Contest
    from altune.analysis.comparison.result import RecipeComparison

MOST_NAMED = 4
MEASURED = "How was it measured?"


def compare_page(found: RecipeComparison) -> str:
    """Return the self-contained HTML page of a comparison."""
    return render_page(compare_content(found))


def compare_content(found: RecipeComparison) -> PageContent:
    """Return what the page of a comparison says."""
    verdict, text = verdict_of(found)
    return PageContent(
        title=f"{len(found.recipes)} recipes on {_data_words(found)}",
        answer=found.sentences,
        verdict=verdict,
        verdict_text=text,
        highlights=highlights_of(found),
        advice=found.notes,
        parts=_parts(found),
    )


def verdict_of(found: RecipeComparison) -> tuple[Verdict, str]:
    """Return whether one recipe is sure to be the best, and the same in a few words."""
    others = len(found.recipes) - 1
    if found.over_data is not None:
        ranks = found.over_data.ranks
        best = ranks.names[0]
        ahead = sum(pair.a == best and pair.p_holm <= ranks.level for pair in ranks.pairs)
        where = f" over {ranks.data_sets} data sets"
    else:
        leader = leader_of(found.result, found.objective.sign)
        best, ahead, where = leader.name, len(leader.ahead), ""
    name = plain_name(best)
    if ahead == others:
        return "better", f"✓ {name} is better than {'every other recipe' if others > 1 else 'the other recipe'}{where}"
    if ahead:
        return "unclear", f"? {name} is better than {ahead} of {others} others{where}, and not told apart from the rest"
    return "unclear", f"? No recipe is told apart from the best{where}"


def highlights_of(found: RecipeComparison) -> list[tuple[str, str]]:
    """Return up to three numbers that a reader meets first, each with what it is."""
    if found.over_data is not None:
        ranks, wins = found.over_data.ranks, found.over_data.wins
        best = ranks.names[0]
        place = wins.names.index(best)
        second = ranks.names[1]
        other = wins.names.index(second)
        return [
            (f"{ranks.ranks[0]:.2f}", f"mean rank of {plain_name(best)}, of {len(ranks.names)} recipes"),
            (
                f"{wins.ahead[place][other]} of {wins.data_sets}",
                f"data sets on which its mean is ahead of {plain_name(second)}, the next by rank",
            ),
            (
                f"{wins.clear[place][other]} of {wins.data_sets}",
                "on which that is clear: the whole interval of the difference says so",
            ),
        ]
    contest = found.contests[0]
    amounts = Amounts.of(found.objective)
    leader = leader_of(found.result, found.objective.sign)
    nearest = min([*leader.ahead, *leader.alike], key=lambda pair: abs(pair.difference.mean))
    reach = next(one for one in contest.reach if one.recipe == leader.name)
    usual = next(one for one in contest.reach if one.recipe == contest.yardstick)
    shown = [
        (
            amounts.headline(found.result.recipes[leader.name].mean),
            f"{plain_name(leader.name)}: {named(found.objective)}",
        ),
        (amounts.signed_headline(nearest.difference.mean), f"beside {plain_name(nearest.b)}, the next best"),
    ]
    if reach.labels is not None and leader.name != contest.yardstick:
        beside = f"; {plain_name(contest.yardstick)} needs {usual.labels}" if usual.labels is not None else ""
        shown.append((str(reach.labels), f"labels to {reach.target:.3f} {contest.objective.metric}{beside}"))
    return shown


def _parts(found: RecipeComparison) -> list[Part]:
    """Return the sections in the order in which a person asks."""
    measured = FactsPart(MEASURED, _facts(found))
    if found.over_data is None:
        contest = found.contests[0]
        return [
            curves_of(contest, BEST),
            *differences_of(found),
            means_table(contest, BEST),
            pairs_table(contest, BEST),
            reach_of(contest, LABELS),
            reach_table(contest, LABELS),
            spread_of_data(contest, UNLUCKY),
            stale_of(found),
            time_of(found),
            *front_of(found),
            measured,
        ]
    over: list[Part] = [
        *ranks_of(found),
        data_table(found),
        tests_table(found),
        *differences_of(found),
        labels_table(found),
    ]
    each = [part for contest in found.contests for part in _on(contest)]
    return [*over, stale_of(found), time_of(found), *each, measured]


def _on(contest: Contest) -> list[Part]:
    """Return what is said of one data set of several."""
    heading = f"On {contest.data}"
    figures: list[Part] = [curves_of(contest, heading), reach_of(contest, heading), spread_of_data(contest, heading)]
    return [*figures, means_table(contest, heading), pairs_table(contest, heading), reach_table(contest, heading)]


def _facts(found: RecipeComparison) -> list[tuple[str, str]]:
    facts = []
    for one in found.contests:
        facts.append(
            (
                f"Data: {one.data}" if found.over_data is not None else "Data",
                f"{one.data}: {one.blocks} fresh splits into pools of {one.n_train} rows, scored on {one.n_test} rows; "
                f"{one.budget} labels",
            )
        )
    first = found.contests[0]
    less = " (less is better)" if found.objective.direction == "minimize" else ""
    facts += [
        ("Objective", f"{named(found.objective)}{less}"),
        (
            "Differences",
            "of the same splits, with the corrected resampled t interval and test (Nadeau & Bengio 2003: variance of "
            f"the mean (1/J + n_test/n_train)·s², here n_test/n_train = {first.overlap:.2f}); told apart where p after "
            "Holm's correction for all pairs on a data set is 0.05 or less",
        ),
        (
            "Labels to reach",
            "first label count at which the mean curve has the score; intervals of 2000 resamples of the splits",
        ),
        ("Stale runs", "less than a quarter of the run's own gain by a quarter of the budget; Wilson's interval"),
    ]
    if found.over_data is not None:
        by = "Wilcoxon's signed-rank test with Holm's correction for all pairs (Benavoli, Corani & Mangili 2016)"
        facts.append(
            (
                "Over data sets",
                f"{found.over_data.ranks.test}; pairs by "
                + (by if found.post_hoc == "wilcoxon" else "Nemenyi's critical difference (Demšar 2006)")
                + "; means with a bootstrap over data sets, then splits",
            )
        )
    facts += [(f"Recipe: {plain_name(name)}", recipe.describe()) for name, recipe in found.recipes.items()]
    return [*facts, ("Made by", f"altune {__version__}")]


def _data_words(found: RecipeComparison) -> str:
    names = [one.data for one in found.contests]
    if len(names) > MOST_NAMED:
        return f"{len(names)} data sets"
    return f"{', '.join(names[:-1])}{' and ' if len(names) > 1 else ''}{names[-1]}"
