"""What does each recipe take? Seconds of fits, queries and evaluation, and the labels and money spent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.comparison.resources import Spent, spent_over
from altune.analysis.comparison.result import RecipeComparison
from altune.report.figures import style
from altune.report.figures.rows import name_of, new_rows


class Share(NamedTuple):
    """One part of the time, and its look."""

    field: str
    name: str
    sign: str
    colour: str
    pattern: str


PARTS = (
    Share("fit_seconds", "fits", "■", style.SERIES[0].colour, ""),
    Share("query_seconds", "queries", "▨", style.SERIES[1].colour, "/"),
    Share("evaluation_seconds", "evaluation", "░", style.BASELINE, "."),
)


class TimeRow(NamedTuple):
    """One recipe: seconds of each part of :data:`PARTS`."""

    label: str
    value: str
    seconds: tuple[float, ...]


def time_and_cost_numbers(recipes: Sequence[Spent]) -> tuple[TimeRow, ...]:
    """Return the seconds of each recipe with their text."""
    return tuple(
        TimeRow(
            name_of(spent.recipe),
            f"{_seconds(spent.seconds)}; {spent.labels:.4g} labels in {spent.loops + 1:.3g} fits, "
            f"cost {spent.cost:.4g}",
            tuple(getattr(spent, part.field) for part in PARTS),
        )
        for spent in recipes
    )


def plot_time_and_cost(source: RecipeComparison | Sequence[Spent]) -> go.Figure:
    """Plot the seconds that a trajectory of each recipe takes, by what they are spent on.

    Parameters
    ----------
    source : a comparison, whose data sets are averaged; or what each recipe takes.
    """
    recipes = _spent_of(source)
    rows = time_and_cost_numbers(recipes)
    blocks = {spent.blocks for spent in recipes}
    count = f"{next(iter(blocks))} trajectories" if len(blocks) == 1 else "all trajectories"
    figure, strip = new_rows(
        "Seconds of computing in a trajectory",
        [f"typical of {count}", "  ".join(f"{part.sign} {part.name}" for part in PARTS)],
        x="seconds on this machine<br>← less is better",
        headings=[(row.label, row.value, style.INK) for row in rows],
    )
    for height, row in enumerate(reversed(rows)):
        for part, seconds in zip(PARTS, row.seconds, strict=True):
            pattern = {"shape": part.pattern, "fgcolor": style.PAPER, "size": 6, "fillmode": "overlay"}
            figure.add_bar(
                x=[seconds],
                y=[height],
                orientation="h",
                width=16 / strip.row,
                marker={"color": part.colour, "line": {"width": 1, "color": style.PAPER}, "pattern": pattern},
                hovertext=f"<b>{row.label}</b><br>{part.name}: {seconds:.3g} s",
                hoverinfo="text",
            )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(range=[0, 1.04 * max(sum(row.seconds) for row in rows) or 1.0], nticks=6)
    return figure


def _spent_of(source: RecipeComparison | Sequence[Spent]) -> Sequence[Spent]:
    if not isinstance(source, RecipeComparison):
        return source
    contests = source.contests
    return contests[0].spent if len(contests) == 1 else spent_over([contest.spent for contest in contests])


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 100 else f"{seconds:.3g} s"
