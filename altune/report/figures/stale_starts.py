"""How many trajectories start slowly? The share of stale ones, with Wilson's intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.comparison.stale_starts import StaleStarts
from altune.report.figures import style
from altune.report.figures.rows import Row, by_data, new_rows, rows_of

LEAST_END = 0.3
"""Smallest right end of the axis, so that one stale trajectory does not look like many."""


def stale_starts_numbers(numbers: Mapping[str, Sequence[StaleStarts]]) -> tuple[Row[StaleStarts], ...]:
    """Return the share of each recipe on each data set, with its text."""
    return rows_of(
        numbers,
        lambda starts: (
            f"{starts.share:.0%} [{starts.low:.0%}, {starts.high:.0%}], {starts.stale} of {starts.runs} trajectories"
        ),
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
    rows = stale_starts_numbers(by_data(source, "stale"))
    figure, _ = new_rows(
        "Stale trajectories",
        ["share of the trajectories, Wilson's 95 % interval"],
        x="less than a quarter of the gain<br>by a quarter of the budget (← fewer is better)",
        headings=[(row.label, row.value, style.BETTER) for row in rows],
    )
    for height, (label, value, starts) in enumerate(reversed(rows)):
        style.add_marks(
            figure,
            [starts.share],
            [height],
            {"symbol": "circle", "size": 12, "color": style.BETTER},
            f"<b>{label}</b><br>{value}",
            error_x=style.error_bars(starts.share, starts.low, starts.high, style.BETTER, 2.5),
            cliponaxis=False,
        )
    end = max(LEAST_END, *(row.shows.high for row in rows))
    figure.update_xaxes(range=[-0.015 * end, 1.04 * end], tickformat=".0%", nticks=6)
    return figure
