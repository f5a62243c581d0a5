"""How many labels does each recipe need? The label counts at which one score is reached, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.comparison.labels_to_reach import LabelsToReach
from altune.analysis.comparison.result import RecipeComparison
from altune.report.figures import style
from altune.report.figures.rows import Row, by_data, new_rows, rows_of

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


def labels_to_reach_numbers(numbers: Mapping[str, Sequence[LabelsToReach]]) -> tuple[ReachRow, ...]:
    """Return the mark, the interval and the text of each recipe on each data set."""
    return tuple(_row(row) for row in rows_of(numbers, _text))


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
    numbers = by_data(source, "reach")
    rows = labels_to_reach_numbers(numbers)
    every = [reach for recipes in numbers.values() for reach in recipes]
    targets = {reach.target for reach in every}
    blocks = {len(reach.on_blocks) for reach in every}
    goal = f"a score of {next(iter(targets)):.3f}" if len(targets) == 1 else "each data set's score"
    count = f"{next(iter(blocks))} blocks" if len(blocks) == 1 else "all blocks"
    figure, _ = new_rows(
        f"Labels to reach {goal}",
        [f"● mean curve of {count}, 95 % interval", "✕ never on average  ▶ beyond the budget"],
        x="labels bought<br>← fewer is better",
        headings=[(row.label, row.value, _look(row)[0]) for row in rows],
    )
    for height, row in enumerate(reversed(rows)):
        _add_row(figure, row, height)
    figure.update_xaxes(range=[0, 1.05 * max(reach.budget for reach in every)], nticks=6)
    return figure


def _text(reach: LabelsToReach) -> str:
    interval, budget = "", reach.budget
    if reach.low is not None:
        low, high = (f"over {budget}" if end is None else str(end) for end in (reach.low, reach.high))
        interval = f" [{low}, {high}]"
    never = f"; {reach.never:.0%} of blocks never" if reach.never and len(reach.on_blocks) > 1 else ""
    missed = f"not by {budget}{interval}" if interval else f"not within {budget} labels"
    return (f"{reach.reached.words} labels{interval}" if reach.labels is not None else missed) + never


def _row(row: Row[LabelsToReach]) -> ReachRow:
    reach = row.shows
    x, low, high = (reach.budget if end is None else end for end in (reach.labels, reach.low, reach.high))
    beyond = reach.high is None and reach.low is not None
    if reach.low is None and reach.labels is not None:
        low, high = min(reach.reached.after + 1, x), x
    return ReachRow(row.label, row.value, x, low, high, reach.labels is not None, beyond)


def _look(row: ReachRow) -> tuple[str, str]:
    return REACHED if row.reached else NEVER


def _add_row(figure: go.Figure, row: ReachRow, height: int) -> None:
    colour, symbol = _look(row)
    line = {"color": colour, "width": 2.5}
    figure.add_scatter(x=[row.low, row.high], y=[height, height], mode="lines", line=line, hoverinfo="skip")
    if row.beyond:
        marker = {"symbol": "triangle-right", "size": 13, "color": colour}
        style.add_marks(figure, [row.high], [height], marker, cliponaxis=False)
    if row.reached or not row.beyond:
        marker, hover = {"symbol": symbol, "size": 12, "color": colour}, f"<b>{row.label}</b><br>{row.value}"
        style.add_marks(figure, [row.x], [height], marker, hover, cliponaxis=False)
