"""How many runs start too slowly? Shares of stale runs with Wilson's intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from altune.analysis.comparison.stale_starts import StaleStarts
from altune.report.figures import style
from altune.report.figures.rows import add_heading, name_of, new_rows, rows_of

if TYPE_CHECKING:
    from altune.analysis.comparison.result import RecipeComparison

LEAST_END = 0.3
"""The axis shows at least so much, so that one stale run does not look like many."""


class StaleRow(NamedTuple):
    """One recipe as it is drawn, shares in [0, 1]."""

    label: str
    value: str
    share: float
    low: float
    high: float


def stale_starts_numbers(
    found: RecipeComparison | Mapping[str, Sequence[StaleStarts]] | Sequence[StaleStarts],
) -> tuple[StaleRow, ...]:
    """Return each recipe's share with its text."""
    return tuple(
        StaleRow(
            name_of(one.recipe, data),
            f"{one.share:.0%} [{one.low:.0%}, {one.high:.0%}], {one.stale} of {one.runs} runs",
            one.share,
            one.low,
            one.high,
        )
        for data, one in rows_of(found, "stale")
    )


def plot_stale_starts(
    found: RecipeComparison | Mapping[str, Sequence[StaleStarts]] | Sequence[StaleStarts],
) -> go.Figure:
    """Plot the share of runs of each recipe that are stale.

    Parameters
    ----------
    found : a comparison, numbers of several data sets by name, or those of one.

    Raises
    ------
    RequestError
        If there is nothing to plot.
    """
    rows = stale_starts_numbers(found)
    figure, strip = new_rows(
        "Stale runs",
        "share of runs, Wilson's 95 % interval",
        x="runs with less than a quarter of their own gain<br>by a quarter of the budget  (← fewer is better)",
        texts=[(row.label, row.value) for row in rows],
    )
    for place, row in enumerate(reversed(rows)):
        figure.add_scatter(
            x=[row.share],
            y=[place],
            mode="markers",
            marker={"symbol": "circle", "size": 12, "color": style.BETTER},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [row.high - row.share],
                "arrayminus": [row.share - row.low],
                "thickness": 2.5,
                "width": 6,
                "color": style.BETTER,
            },
            text=f"<b>{row.label}</b><br>{row.value}",
            hoverinfo="text",
            cliponaxis=False,
        )
        add_heading(figure, place, strip, row.label, row.value, style.BETTER)
    end = max(LEAST_END, *(row.high for row in rows))
    figure.update_xaxes(range=[-0.015 * end, 1.04 * end], tickformat=".0%", nticks=6)
    return figure
