"""A comparison as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from altune.analysis.paired import Comparison
from altune.numerics.statistics import LEAST_BLOCKS, PairedDifference
from altune.report.texts.aligned import table

if TYPE_CHECKING:
    from altune.analysis.comparison.contest import Contest
    from altune.analysis.comparison.labels_to_reach import LabelsToReach
    from altune.analysis.comparison.over_data import OverData
    from altune.analysis.comparison.result import RecipeComparison


def comparison_table(comparison: Comparison) -> str:
    """Return means with intervals, and the difference of each pair with its interval and p values."""
    means = [
        {
            "recipe": name,
            "mean": interval.mean,
            "95 % interval": f"{interval.low:.4f} to {interval.high:.4f}" if interval.known else "-",
            "blocks": interval.blocks,
        }
        for name, interval in comparison.recipes.items()
    ]
    pairs = [
        {
            "difference": f"{pair.a} - {pair.b}",
            "mean": f"{pair.difference.mean:+.4f}",
            "95 % interval, all pairs": _together(pair.difference),
            "p": pair.difference.p,
            "p (Holm)": pair.difference.p_holm,
        }
        for pair in comparison.differences
    ]
    return f"{table(means)}\n\n{table(pairs)}"


def _together(difference: PairedDifference) -> str:
    low, high = difference.together
    return f"{low:+.4f} to {high:+.4f}" if difference.known else "-"


def compared_text(comparison: RecipeComparison) -> str:
    """Return the answer of a comparison, its tables for each data set and over data sets, and its notes."""
    parts = [comparison.answer]
    for contest in comparison.contests:
        title = [contest.data] if comparison.over_data is not None else []
        parts.append("\n".join([*title, comparison_table(contest.comparison), "", _reach_table(contest)]))
    if comparison.over_data is not None:
        parts += [f"over {len(comparison.contests)} data sets\n{_rank_table(comparison.over_data)}"]
    parts += ["\n".join(f"note: {note}" for note in comparison.notes)] if comparison.notes else []
    return "\n\n".join(parts)


def _reach_table(contest: Contest) -> str:
    return table(
        [
            {
                "recipe": reach.recipe,
                f"labels to {reach.target:.4f}": "never" if reach.labels is None else reach.reached.words,
                "95 % interval": _ends(reach),
                "never": f"{reach.never:.0%}",
                "10 % quantile": spread.unlucky,
                "worst": spread.worst,
                "stale": f"{stale.share:.0%}",
                "seconds": spent.seconds,
            }
            for reach, spread, stale, spent in zip(
                contest.reach, contest.spread, contest.stale, contest.spent, strict=True
            )
        ]
    )


def _ends(reach: LabelsToReach) -> str:
    if len(reach.on_blocks) < LEAST_BLOCKS:
        return "-"
    if reach.low is None:
        return f"> {reach.budget}"
    low, high = (f"> {reach.budget}" if end is None else str(end) for end in (reach.low, reach.high))
    return f"{low} to {high}"


def _rank_table(over: OverData) -> str:
    wins, ranks = over.wins, over.ranks
    index_of = {name: index for index, name in enumerate(wins.names)}
    rows = []
    for name, rank in zip(ranks.names, ranks.ranks, strict=True):
        row: dict[str, str | float] = {"recipe": name, "mean rank": rank}
        for other in ranks.names:
            a, b = index_of[name], index_of[other]
            row[f"against {other}"] = "-" if a == b else f"{wins.clear[a][b]} won, {wins.clear[b][a]} lost"
        rows.append(row)
    pairs = [{"pair": f"{pair.a} - {pair.b}", "p": pair.p, "p (Holm)": pair.p_holm} for pair in ranks.pairs]
    p = "< 0.0001" if ranks.p < 0.0001 else f"= {ranks.p:.4f}"
    friedman = f"any difference between ranks ({ranks.test}): p {p}"
    nemenyi = f"critical difference of mean ranks (Nemenyi): {ranks.critical_difference:.2f}"
    return f"{table(rows)}\n\n{friedman}\n{nemenyi}\nWilcoxon's signed-rank test over data sets\n{table(pairs)}"
