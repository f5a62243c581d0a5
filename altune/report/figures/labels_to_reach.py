"""How many labels does each recipe need? The label counts at which one score is reached, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.comparison.labels_to_reach import LabelsToReach
from altune.analysis.comparison.result import RecipeComparison
from altune.report.figures import style
from altune.report.figures.comparison_inputs import reach_of
from altune.report.figures.rows import add_heading, name_of, new_rows, rows_of

REACHED, NEVER = (style.BETTER, "circle"), (style.WORSE, "x")


class ReachRow(NamedTuple):
    """One recipe.

    ``x`` is the label count of its mark, the budget if it never reaches the score. ``low`` and ``high`` are the ends
    of its interval; if the interval ends ``beyond`` the budget, ``high`` is the budget.
    """

    label: str
    value: str
    x: int
    low: int
    high: int
    reached: bool
    beyond: bool


def labels_to_reach_numbers(by_data: Mapping[str, Sequence[LabelsToReach]]) -> tuple[ReachRow, ...]:
    """Return the mark, the interval and the text of each recipe on each data set."""
    return tuple(_row(data, reach) for data, reach in rows_of(by_data))


def plot_labels_to_reach(source: RecipeComparison | Mapping[str, Sequence[LabelsToReach]]) -> go.Figure:
    """Plot the label count at which the mean curve of each recipe first reaches the score, with 95 % intervals.

    Parameters
    ----------
    source : a comparison; or numbers of each recipe, by data set.

    Raises
    ------
    RequestError
        If there is nothing to plot.
    """
    by_data = reach_of(source)
    rows = labels_to_reach_numbers(by_data)
    every = [reach for recipes in by_data.values() for reach in recipes]
    targets = {reach.target for reach in every}
    blocks = {len(reach.on_blocks) for reach in every}
    budget = max(reach.budget for reach in every)
    goal = f"a score of {next(iter(targets)):.3f}" if len(targets) == 1 else "each data set's score"
    count = f"{next(iter(blocks))} blocks" if len(blocks) == 1 else "all blocks"
    figure, strip = new_rows(
        f"Labels to reach {goal}",
        f"● mean curve of {count}, 95 % interval<br>✕ never on average  ▶ beyond the budget",
        x="labels bought<br>← fewer is better",
        texts=[(row.label, row.value) for row in rows],
        lines=2,
    )
    for height, row in enumerate(reversed(rows)):
        _add_row(figure, row, height)
        add_heading(figure, height, strip, row.label, row.value, (REACHED if row.reached else NEVER)[0])
    figure.update_xaxes(range=[0, 1.05 * budget], nticks=6)
    return figure


def _row(data: str, reach: LabelsToReach) -> ReachRow:
    budget = reach.budget
    single = len(reach.on_blocks) == 1
    interval = ""
    if reach.low is not None:
        low, high = (f"over {budget}" if end is None else str(end) for end in (reach.low, reach.high))
        interval = f" [{low}, {high}]"
    never = f"; {reach.never:.0%} of blocks never" if reach.never and not single else ""
    missed = f"not by {budget}{interval}" if interval else f"not within {budget} labels"
    text = f"{reach.labels} labels{interval}" if reach.labels is not None else missed
    x = budget if reach.labels is None else reach.labels
    low_end = x if single else budget if reach.low is None else reach.low
    high_end = x if single else budget if reach.high is None else reach.high
    return ReachRow(
        name_of(reach.recipe, data),
        text + never,
        x,
        low_end,
        high_end,
        reach.labels is not None,
        not single and reach.high is None and reach.low is not None,
    )


def _add_row(figure: go.Figure, row: ReachRow, height: int) -> None:
    colour, symbol = REACHED if row.reached else NEVER
    figure.add_scatter(
        x=[row.low, row.high],
        y=[height, height],
        mode="lines",
        line={"color": colour, "width": 2.5},
        hoverinfo="skip",
    )
    if row.beyond:
        figure.add_scatter(
            x=[row.high],
            y=[height],
            mode="markers",
            marker={"symbol": "triangle-right", "size": 13, "color": colour},
            hoverinfo="skip",
            cliponaxis=False,
        )
    if row.reached or not row.beyond:
        figure.add_scatter(
            x=[row.x],
            y=[height],
            mode="markers",
            marker={"symbol": symbol, "size": 12, "color": colour},
            text=f"<b>{row.label}</b><br>{row.value}",
            hoverinfo="text",
            cliponaxis=False,
        )
