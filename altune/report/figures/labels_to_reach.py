"""How many labels does each recipe need? Label counts at which one score is reached, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from altune.analysis.comparison.labels_to_reach import LabelsToReach
from altune.report.figures import style
from altune.report.figures.rows import add_heading, name_of, new_rows, rows_of

if TYPE_CHECKING:
    from altune.analysis.comparison.result import RecipeComparison

REACHED, NEVER = (style.BETTER, "circle"), (style.WORSE, "x")


class ReachRow(NamedTuple):
    """One recipe as it is drawn.

    ``x`` is where its mark stands, at the budget where the score is never reached; ``low`` and ``high`` are the ends of
    the line, at the budget where ``beyond`` says that it goes on.
    """

    label: str
    value: str
    x: int
    low: int
    high: int
    reached: bool
    beyond: bool


def labels_to_reach_numbers(
    found: RecipeComparison | Mapping[str, Sequence[LabelsToReach]] | Sequence[LabelsToReach],
) -> tuple[ReachRow, ...]:
    """Return each recipe with its mark, its interval and its text; arguments as of :func:`plot_labels_to_reach`."""
    return tuple(_row(data, one) for data, one in rows_of(found, "reach"))


def plot_labels_to_reach(
    found: RecipeComparison | Mapping[str, Sequence[LabelsToReach]] | Sequence[LabelsToReach],
) -> go.Figure:
    """Plot the label count at which each recipe's mean curve first has the score, with 95 % intervals.

    Parameters
    ----------
    found : a comparison, numbers of several data sets by name, or those of one.

    Raises
    ------
    RequestError
        If there is nothing to plot.
    """
    listed = rows_of(found, "reach")
    rows = labels_to_reach_numbers(found)
    targets = {one.target for _, one in listed}
    blocks = {len(one.on_blocks) for _, one in listed}
    budget = max(one.budget for _, one in listed)
    goal = f"a score of {next(iter(targets)):.3f}" if len(targets) == 1 else "each data set's score"
    count = f"{next(iter(blocks))} blocks" if len(blocks) == 1 else "all blocks"
    figure, strip = new_rows(
        f"Labels to reach {goal}",
        f"● mean curve of {count}, 95 % interval<br>✕ never on average  ▶ on beyond the budget",
        x="labels bought<br>← fewer is better",
        texts=[(row.label, row.value) for row in rows],
        lines=2,
    )
    for place, row in enumerate(reversed(rows)):
        _add_row(figure, row, place)
        add_heading(figure, place, strip, row.label, row.value, (REACHED if row.reached else NEVER)[0])
    figure.update_xaxes(range=[0, 1.05 * budget], nticks=6)
    return figure


def _row(data: str, one: LabelsToReach) -> ReachRow:
    budget = one.budget
    single = len(one.on_blocks) == 1
    interval = ""
    if one.low is not None:
        low, high = (f"over {budget}" if end is None else str(end) for end in (one.low, one.high))
        interval = f" [{low}, {high}]"
    never = f"; {one.never:.0%} of blocks never" if one.never and not single else ""
    none = f"not by {budget}{interval}" if interval else f"not within {budget} labels"
    said = f"{one.labels} labels{interval}" if one.labels is not None else none
    x = budget if one.labels is None else one.labels
    low_end = x if single else budget if one.low is None else one.low
    high_end = x if single else budget if one.high is None else one.high
    return ReachRow(
        name_of(one.recipe, data),
        said + never,
        x,
        low_end,
        high_end,
        one.labels is not None,
        not single and one.high is None and one.low is not None,
    )


def _add_row(figure: go.Figure, row: ReachRow, place: int) -> None:
    colour, symbol = REACHED if row.reached else NEVER
    figure.add_scatter(
        x=[row.low, row.high],
        y=[place, place],
        mode="lines",
        line={"color": colour, "width": 2.5},
        hoverinfo="skip",
    )
    if row.beyond:
        figure.add_scatter(
            x=[row.high],
            y=[place],
            mode="markers",
            marker={"symbol": "triangle-right", "size": 13, "color": colour},
            hoverinfo="skip",
            cliponaxis=False,
        )
    if row.reached or not row.beyond:
        figure.add_scatter(
            x=[row.x],
            y=[place],
            mode="markers",
            marker={"symbol": symbol, "size": 12, "color": colour},
            text=f"<b>{row.label}</b><br>{row.value}",
            hoverinfo="text",
            cliponaxis=False,
        )
