"""The figures of a comparison's page, each with its explanation."""

from __future__ import annotations

from altune.analysis.answer import plain_name
from altune.analysis.comparison.contest import Contest
from altune.analysis.comparison.mean_ranks import MeanRanks
from altune.analysis.comparison.over_data import OverData
from altune.analysis.comparison.resources import RESOURCES
from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.comparison.sentences import leader_of
from altune.analysis.comparison.stale_starts import over_data_sets
from altune.analysis.paired import Pair
from altune.report.amounts import Amounts
from altune.report.figures.critical_difference import plot_critical_difference
from altune.report.figures.differences import plot_differences
from altune.report.figures.labels_to_reach import labels_to_reach_numbers, plot_labels_to_reach
from altune.report.figures.learning_curves import plot_learning_curves
from altune.report.figures.pareto_front import plot_pareto_front
from altune.report.figures.points import DifferenceRow, FrontAxis, FrontPoint
from altune.report.figures.spread import plot_spread
from altune.report.figures.stale_starts import plot_stale_starts, stale_starts_numbers
from altune.report.figures.time_and_cost import plot_time_and_cost
from altune.report.figures.win_matrix import plot_win_matrix
from altune.report.html.blocks import FigureBlock
from altune.report.words import named

BEST = "Which recipe is best?"
OVER = "Which recipe is best over data sets?"
LABELS = "How many labels does it take?"
EACH = "Data set by data set"
UNLUCKY = "What if one is unlucky?"
COST = "What does it cost?"
ALL_PAIRS = 4
"""The largest number of recipes of which every pair is drawn; of more, the best is drawn against each other one."""
RESOURCE_AMOUNTS = {
    "labels": Amounts(1, "labels", less_is_better=True),
    "cost": Amounts(2, "", less_is_better=True),
    "seconds": Amounts(2, "s", less_is_better=True),
}


def curves_of(contest: Contest, heading: str) -> FigureBlock:
    """Return the learning curves of every recipe on one data set."""
    quiet = [contest.yardstick] if contest.yardstick == "random_sampling" else []
    return FigureBlock(
        heading,
        f"Test {contest.objective.metric} of the current model at each label count on {contest.data}. A score "
        "holds until the next model is trained, hence the steps.",
        plot_learning_curves(contest.curves, contest.objective.metric, contest.budget, baselines=quiet),
    )


def differences_of(comparison: RecipeComparison) -> FigureBlock:
    """Return the differences of pairs on one data set, or of each recipe from the yardstick on several."""
    objective = comparison.objective
    amounts = Amounts.of(objective)
    better = "below" if amounts.less_is_better else "above"
    note = (
        "Intervals are of 95 % for all pairs together (Holm): one that does not cross the line at zero is a clear "
        f"difference; {better} zero is better."
    )
    if comparison.over_data is None:
        pairs = _ordered_pairs(comparison.contests[0])
        rows = [_row(pair, f"{plain_name(pair.a)} − {plain_name(pair.b)}") for pair in pairs]
        figure = plot_differences(
            rows,
            value=named(objective),
            blocks=comparison.contests[0].blocks,
            amounts=amounts,
            title="First minus second",
            sides=("first", "second"),
        )
        return FigureBlock(BEST, f"Pairs of recipes on the same blocks. {note}", figure)
    yardstick = comparison.contests[0].yardstick
    rows = [
        _row(pair, pair.a, contest.data) if pair.b == yardstick else _row(pair.turned(), pair.b, contest.data)
        for contest in comparison.contests
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
    return FigureBlock(EACH, f"Each recipe on the same blocks as the other. {note}", figure)


def heading_of(contest: Contest) -> str:
    """Return the heading of the section of one data set of several."""
    return f"On {contest.data}"


def ranks_of(over: OverData) -> list[FigureBlock]:
    """Return the mean ranks and the wins over several data sets."""
    won = (
        "A data set is won where the difference is clear, tied where its interval crosses zero. Below: on how many the "
        "mean is ahead, clearly or not."
    )
    ranked = "Recipes are ranked on each data set by their mean; a bar joins recipes without a clear difference."
    return [rank_block(over.ranks, OVER, ranked), FigureBlock(OVER, won, plot_win_matrix(over.wins))]


def rank_block(ranks: MeanRanks, heading: str, explanation: str, over: str = "data sets") -> FigureBlock:
    """Return mean ranks, with a note if no test of so few data sets, or cells, can find a difference."""
    if ranks.post_hoc == "wilcoxon" and ranks.least_p > ranks.level:
        explanation += (
            f" With {ranks.data_sets} {over} no test of {len(ranks.pairs)} pairs can tell any apart: it takes "
            f"{ranks.enough_data_sets} or more."
        )
    names = zip(ranks.names, ranks.ranks, strict=True)
    described = "; ".join(f"{plain_name(name)}: mean rank {rank:.2f}" for name, rank in names)
    return FigureBlock(heading, explanation, plot_critical_difference(ranks, over=over), described)


def reach_of(contest: Contest, heading: str) -> FigureBlock:
    """Return the number of labels that each recipe needs on one data set."""
    reach = {contest.data: contest.reach}
    return FigureBlock(
        heading,
        f"Labels until the mean curve first has {goal_of(contest)}. Beside it, in how many blocks the recipe's own "
        "curve never gets there.",
        plot_labels_to_reach(reach),
        description="; ".join(f"{row.label}: {row.value}" for row in labels_to_reach_numbers(reach)),
    )


def goal_of(contest: Contest) -> str:
    """Return the score to reach, in words."""
    objective = contest.objective
    if objective.target is not None:
        return f"{objective.target:g} {objective.metric}"
    return f"the {objective.metric} that {plain_name(contest.yardstick)} has at the whole budget"


def spread_of_data(contest: Contest, heading: str) -> FigureBlock:
    """Return the value of each recipe on each block of one data set."""
    return FigureBlock(
        heading,
        "Each ring is one block: luck of the pool and of the first sample. Nine blocks of ten are better than the bar.",
        plot_spread(
            {contest.data: contest.spread}, value=named(contest.objective), amounts=Amounts.of(contest.objective)
        ),
    )


def stale_of(comparison: RecipeComparison) -> FigureBlock:
    """Return the share of stale trajectories over all data sets."""
    stale = {"": over_data_sets([contest.stale for contest in comparison.contests])}
    pooled = " Runs of all data sets are put together." if len(comparison.contests) > 1 else ""
    return FigureBlock(
        UNLUCKY,
        "A run is stale that by a quarter of the budget has realised less than a quarter of what it gains in the "
        f"end. A recipe that starts high has little left to gain: read it beside the curves.{pooled}",
        plot_stale_starts(stale),
        description="; ".join(f"{row.label}: {row.value}" for row in stale_starts_numbers(stale)),
    )


def time_of(comparison: RecipeComparison) -> FigureBlock:
    """Return the time that each recipe takes, as a mean over data sets."""
    mean = " Means over the data sets." if len(comparison.contests) > 1 else ""
    return FigureBlock(
        COST,
        "Seconds of a whole run on this machine, by what they are spent on; evaluation is the simulation's own and "
        f"no campaign pays it.{mean}",
        plot_time_and_cost(comparison),
    )


def front_of(comparison: RecipeComparison) -> list[FigureBlock]:
    """Return the objective against the resources on one data set; nothing if all recipes take the same."""
    contest = comparison.contests[0]
    resources = contest.resources
    if not resources:
        return []
    points = [
        FrontPoint(
            name,
            (float(values.mean()), *(float(getattr(spent, resource)) for resource in resources)),
            detail=comparison.recipes[name].describe(),
        )
        for (name, values), spent in zip(contest.values.items(), contest.spent, strict=True)
    ]
    axes = [FrontAxis(named(contest.objective), Amounts.of(contest.objective))]
    axes += [FrontAxis(RESOURCES[resource], RESOURCE_AMOUNTS[resource]) for resource in resources]
    return [
        FigureBlock(
            COST,
            "On the front no other recipe is better in the objective and in everything that is spent. Seconds are "
            "those of this machine.",
            plot_pareto_front(points, axes, title="What is won, and what it takes", of="recipes", names=True),
        )
    ]


def _ordered_pairs(contest: Contest) -> list[Pair]:
    """Return pairs with the better recipe first: those of the best recipe, then the others if recipes are few."""
    sign = contest.objective.sign
    leader = leader_of(contest.comparison, sign)
    pairs = [*leader.ahead, *reversed(leader.alike)]
    if len(contest.curves) <= ALL_PAIRS:
        rest = [pair for pair in contest.comparison.differences if leader.name not in (pair.a, pair.b)]
        pairs += [pair if sign * pair.difference.mean >= 0 else pair.turned() for pair in rest]
    return pairs


def _row(pair: Pair, name: str, data: str = "") -> DifferenceRow:
    difference = pair.difference
    return DifferenceRow(name, difference.mean, *difference.together, p=difference.p_holm, data=data)
