"""How many trajectories start slowly? The share of stale ones, with Wilson's intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.comparison.stale_starts import StaleStarts
from altune.report.figures import style
from altune.report.figures.comparison_inputs import stale_of
from altune.report.figures.rows import add_heading, name_of, new_rows, rows_of

LEAST_END = 0.3
"""Smallest right end of the axis, so that one stale trajectory does not look like many."""


class StaleRow(NamedTuple):
    """One recipe; shares are in [0, 1]."""

    label: str
    value: str
    share: float
    low: float
    high: float


def stale_starts_numbers(by_data: Mapping[str, Sequence[StaleStarts]]) -> tuple[StaleRow, ...]:
    """Return the share of each recipe on each data set, with its text."""
    return tuple(
        StaleRow(
            name_of(starts.recipe, data),
            f"{starts.share:.0%} [{starts.low:.0%}, {starts.high:.0%}], {starts.stale} of {starts.runs} trajectories",
            starts.share,
            starts.low,
            starts.high,
        )
        for data, starts in rows_of(by_data)
    )


def plot_stale_starts(source: RecipeComparison | Mapping[str, Sequence[StaleStarts]]) -> go.Figure:
    """Plot the share of each recipe's trajectories that are stale.

    Parameters
    ----------
    source : a comparison; or numbers of each recipe, by data set.

    Raises
    ------
    RequestError
        If there is nothing to plot.
    """
    rows = stale_starts_numbers(stale_of(source))
    figure, strip = new_rows(
        "Stale trajectories",
        "share of the trajectories, Wilson's 95 % interval",
        x="less than a quarter of the gain<br>by a quarter of the budget (← fewer is better)",
        texts=[(row.label, row.value) for row in rows],
    )
    for height, row in enumerate(reversed(rows)):
        figure.add_scatter(
            x=[row.share],
            y=[height],
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
        add_heading(figure, height, strip, row.label, row.value, style.BETTER)
    end = max(LEAST_END, *(row.high for row in rows))
    figure.update_xaxes(range=[-0.015 * end, 1.04 * end], tickformat=".0%", nticks=6)
    return figure
