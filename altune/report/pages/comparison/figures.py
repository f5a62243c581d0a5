"""The figures of a comparison's page, each with what to see in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from altune.analysis.comparison.resources import RESOURCES
from altune.analysis.comparison.sentences import leader_of, plain_name, turned
from altune.analysis.comparison.stale_starts import over_data_sets
from altune.report.amounts import Amounts
from altune.report.figures.critical_difference import plot_critical_difference
from altune.report.figures.differences import plot_differences
from altune.report.figures.inputs import DifferenceRow, FrontAxis, FrontPoint
from altune.report.figures.labels_to_reach import labels_to_reach_numbers, plot_labels_to_reach
from altune.report.figures.learning_curves import plot_learning_curves
from altune.report.figures.pareto_front import plot_pareto_front
from altune.report.figures.spread import plot_spread
from altune.report.figures.stale_starts import plot_stale_starts, stale_starts_numbers
from altune.report.figures.time_and_cost import plot_time_and_cost
from altune.report.figures.win_matrix import plot_win_matrix
from altune.report.html.parts import FigurePart
from altune.report.words import named

if TYPE_CHECKING:
    from altune.analysis.comparison.contest import Contest
    from altune.analysis.comparison.result import RecipeComparison
    from altune.analysis.paired import Pair

BEST = "Which recipe is best?"
OVER = "Which recipe is best over data sets?"
LABELS = "How many labels does it take?"
UNLUCKY = "What if one is unlucky?"
COST = "What does it cost?"
ALL_PAIRS = 4
"""Up to so many recipes every pair is drawn; beyond, the best against each other one."""
RESOURCE_AMOUNTS = {
    "labels": Amounts(1, "labels", less_is_better=True),
    "cost": Amounts(2, "", less_is_better=True),
    "seconds": Amounts(2, "s", less_is_better=True),
}


def curves_of(contest: Contest, heading: str) -> FigurePart:
    """Return the learning curves of every recipe on one data set."""
    quiet = [contest.yardstick] if contest.yardstick == "random_sampling" else []
    return FigurePart(
        heading=heading,
        explanation=(
            f"Test {contest.objective.metric} of the model in hand at each label count on {contest.data}. A score "
            "holds until the next model is trained, hence the steps."
        ),
        figure=plot_learning_curves(contest.curves, contest.objective.metric, contest.budget, baselines=quiet),
    )


def differences_of(found: RecipeComparison) -> list[FigurePart]:
    """Return the differences of pairs on one data set; of several, each recipe minus the yardstick on each."""
    objective = found.objective
    amounts = Amounts.of(objective)
    better = "below" if amounts.less_is_better else "above"
    said = f"An interval that does not cross the line at zero is a clear difference; {better} zero is better."
    if found.over_data is None:
        pairs = _ordered_pairs(found.contests[0])
        rows = [_row(pair, f"{plain_name(pair.a)} − {plain_name(pair.b)}") for pair in pairs]
        figure = plot_differences(
            rows,
            value=named(objective),
            blocks=found.contests[0].blocks,
            amounts=amounts,
            title="First minus second",
            sides=("first", "second"),
        )
        return [FigurePart(BEST, f"Pairs of recipes on the same splits. {said}", figure)]
    yardstick = found.contests[0].yardstick
    rows = [
        _row(turned(pair) if pair.b != yardstick else pair, pair.a if pair.b == yardstick else pair.b, contest.data)
        for contest in found.contests
        for pair in contest.comparison.differences
        if yardstick in (pair.a, pair.b)
    ]
    figure = plot_differences(
        rows,
        value=named(objective),
        amounts=amounts,
        title=f"Recipe minus {plain_name(yardstick)}",
        sides=("recipe", plain_name(yardstick)),
    )
    return [FigurePart("Data set by data set", f"Each recipe on the same splits as the other. {said}", figure)]


def ranks_of(found: RecipeComparison) -> list[FigurePart]:
    """Return mean ranks and wins over several data sets."""
    over = found.over_data
    if over is None:
        return []
    short = ""
    if over.ranks.post_hoc == "wilcoxon" and over.ranks.least_p > over.ranks.level:
        short = (
            f" With {over.ranks.data_sets} data sets no test of {len(over.ranks.pairs)} pairs can tell any apart: it "
            f"takes {over.ranks.enough_data_sets} or more."
        )
    names = zip(over.ranks.names, over.ranks.ranks, strict=True)
    return [
        FigurePart(
            OVER,
            f"Recipes are ranked on each data set by their mean; recipes that a bar joins are not told apart.{short}",
            plot_critical_difference(over.ranks),
            "; ".join(f"{plain_name(name)}: mean rank {rank:.2f}" for name, rank in names),
        ),
        FigurePart(
            OVER,
            "A data set is won where the whole interval of the difference says so, tied where it crosses zero. Below: "
            "on how many the mean is ahead, clearly or not.",
            plot_win_matrix(over.wins),
        ),
    ]


def reach_of(contest: Contest, heading: str) -> FigurePart:
    """Return how many labels each recipe needs on one data set."""
    return FigurePart(
        heading=heading,
        explanation=(
            f"Labels until the mean curve first has {goal_of(contest)}. Beside it, in how many splits the recipe's own "
            "curve never gets there."
        ),
        figure=plot_labels_to_reach(contest.reach),
        description="; ".join(f"{row.label}: {row.value}" for row in labels_to_reach_numbers(contest.reach)),
    )


def goal_of(contest: Contest) -> str:
    """Return the score that is to be reached, in words."""
    objective = contest.objective
    if objective.target is not None:
        return f"{objective.target:g} {objective.metric}"
    return f"the {objective.metric} that {plain_name(contest.yardstick)} has at the whole budget"


def spread_of_data(contest: Contest, heading: str) -> FigurePart:
    """Return every split of every recipe on one data set."""
    return FigurePart(
        heading=heading,
        explanation=(
            "Each ring is one split: luck of the split and of the first sample. Nine splits of ten are better than the "
            "bar."
        ),
        figure=plot_spread(contest.spread, value=named(contest.objective), amounts=Amounts.of(contest.objective)),
    )


def stale_of(found: RecipeComparison) -> FigurePart:
    """Return how many runs are stale, over all data sets."""
    stale = over_data_sets([one.stale for one in found.contests])
    pooled = " Runs of all data sets are put together." if len(found.contests) > 1 else ""
    return FigurePart(
        heading=UNLUCKY,
        explanation=(
            "A run is stale that by a quarter of the budget has realised less than a quarter of what it gains in the "
            f"end. A recipe that starts high has little left to gain: read it beside the curves.{pooled}"
        ),
        figure=plot_stale_starts(stale),
        description="; ".join(f"{row.label}: {row.value}" for row in stale_starts_numbers(stale)),
    )


def time_of(found: RecipeComparison) -> FigurePart:
    """Return what each recipe takes, mean over data sets."""
    mean = " Means over the data sets." if len(found.contests) > 1 else ""
    return FigurePart(
        heading=COST,
        explanation=(
            "Seconds of a whole run on this machine, by what they are spent on; evaluation is the simulation's own and "
            f"no campaign pays it.{mean}"
        ),
        figure=plot_time_and_cost(found),
    )


def front_of(found: RecipeComparison) -> list[FigurePart]:
    """Return score against what is spent, on one data set; nothing where all take the same."""
    contest = found.contests[0]
    resources = contest.resources
    if not resources:
        return []
    points = [
        FrontPoint(
            name,
            (float(values.mean()), *(float(getattr(spent, one)) for one in resources)),
            detail=found.recipes[name].describe(),
        )
        for (name, values), spent in zip(contest.values.items(), contest.spent, strict=True)
    ]
    axes = [FrontAxis(named(contest.objective), Amounts.of(contest.objective))]
    axes += [FrontAxis(RESOURCES[one], RESOURCE_AMOUNTS[one]) for one in resources]
    return [
        FigurePart(
            heading=COST,
            explanation=(
                "On the front no other recipe is better in the objective and in everything that is spent. Seconds are "
                "those of this machine."
            ),
            figure=plot_pareto_front(points, axes, title="What is won, and what it takes", of="recipes", names=True),
        )
    ]


def _ordered_pairs(contest: Contest) -> list[Pair]:
    """Return pairs, the better recipe first: those of the best recipe, then the others where they are few."""
    sign = contest.objective.sign
    leader = leader_of(contest.comparison, sign)
    found = [*leader.ahead, *reversed(leader.alike)]
    if len(contest.curves) <= ALL_PAIRS:
        rest = [pair for pair in contest.comparison.differences if leader.name not in (pair.a, pair.b)]
        found += [pair if sign * pair.difference.mean >= 0 else turned(pair) for pair in rest]
    return found


def _row(pair: Pair, name: str, data: str = "") -> DifferenceRow:
    one = pair.difference
    return DifferenceRow(name, one.mean, one.low, one.high, p=one.p, data=data)
