"""One sentence below each heading of a comparison's page: what the section shows, in numbers of this comparison."""

from __future__ import annotations

from altune.analysis.answer import plain_name
from altune.analysis.comparison.contest import Contest
from altune.analysis.comparison.result import RecipeComparison
from altune.core.text import counted
from altune.report.pages.comparison.figures import BEST, COST, EACH, LABELS, OVER, UNLUCKY, goal_of, heading_of
from altune.report.words import MEASURED


def intros_of(comparison: RecipeComparison) -> dict[str, str]:
    """Return one sentence for each heading that the page of a comparison may have."""
    contests = comparison.contests
    first, recipes = contests[0], counted(len(comparison.recipes), "recipe")
    data = first.data if len(contests) == 1 else f"each of {len(contests)} data sets"
    blocks = counted(first.blocks, "fresh block")
    played = sum(contest.blocks * len(contest.curves) for contest in contests)
    return {
        BEST: f"{recipes} on {blocks} of {data}, scored on the same {first.n_test} rows.",
        OVER: f"{recipes}, ranked by their means on {data}.",
        EACH: f"Each recipe minus {plain_name(first.yardstick)} on {data}.",
        LABELS: f"The labels that each recipe needs on {data} for {goal_of(first)}.",
        UNLUCKY: f"Each of {counted(played, 'simulated campaign')} by itself, instead of their means.",
        COST: f"What a whole campaign of each recipe takes, as a mean of {counted(first.blocks, 'block')} of {data}.",
        MEASURED: f"{recipes} on {blocks} of {data}, which are {counted(played, 'simulated campaign')}.",
        **{heading_of(contest): _of_data(contest) for contest in contests},
    }


def _of_data(contest: Contest) -> str:
    blocks, labels = counted(contest.blocks, "fresh block"), counted(contest.budget, "label")
    return f"{blocks} with pools of {contest.n_train} rows, {labels} each, scored on {contest.n_test} rows."
