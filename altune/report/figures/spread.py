"""What does an unlucky user get? Every block of each recipe, with the mean and the worst tenth of the blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.comparison.spread import Spread
from altune.report.amounts import Amounts
from altune.report.figures import style
from altune.report.figures.comparison_inputs import spread_of
from altune.report.figures.rows import add_heading, name_of, new_rows, rows_of

SHIFT = 0.035
"""Vertical distance of successive blocks, so that equal values are both visible."""


class SpreadRow(NamedTuple):
    """One recipe: a mark for each block, their mean, their worst tenth and the worst."""

    label: str
    value: str
    points: tuple[float, ...]
    mean: float
    unlucky: float
    worst: float


def spread_numbers(by_data: Mapping[str, Sequence[Spread]], amounts: Amounts | None = None) -> tuple[SpreadRow, ...]:
    """Return the blocks of each recipe on each data set, with their text."""
    written = Amounts() if amounts is None else amounts
    return tuple(
        SpreadRow(
            name_of(spread.recipe, data),
            f"mean {written.text(spread.mean.mean)}, worst tenth {written.text(spread.unlucky)}, "
            f"worst {written.text(spread.worst)}",
            spread.values,
            spread.mean.mean,
            spread.unlucky,
            spread.worst,
        )
        for data, spread in rows_of(by_data)
    )


def plot_spread(
    source: RecipeComparison | Mapping[str, Sequence[Spread]],
    *,
    value: str = "objective",
    amounts: Amounts | None = None,
) -> go.Figure:
    """Plot the objective of each recipe on every block, its mean, and the value that nine of ten blocks exceed.

    Parameters
    ----------
    source : a comparison; or numbers of each recipe, by data set.
    value : what is measured, for the axis.
    amounts : how its numbers are written, and whether less is better; by default as a score.

    Raises
    ------
    RequestError
        If there is nothing to plot.
    """
    written = Amounts() if amounts is None else amounts
    rows = spread_numbers(spread_of(source), written)
    blocks = {len(row.points) for row in rows}
    count = f"{next(iter(blocks))} blocks each" if len(blocks) == 1 else "all blocks"
    figure, strip = new_rows(
        "Every block",
        f"{count}: ○ one block  ◆ mean  ▮ worst tenth",
        x=f"{style.safe_text(value, 44)}<br>{'← less is better' if written.less_is_better else 'more is better →'}",
        texts=[(row.label, row.value) for row in rows],
    )
    for height, row in enumerate(reversed(rows)):
        _add_row(figure, row, height)
        add_heading(figure, height, strip, row.label, row.value, style.BETTER)
    points = [point for row in rows for point in row.points]
    pad = 0.06 * (max(points) - min(points)) or 0.01
    figure.update_xaxes(range=[min(points) - pad, max(points) + pad], nticks=6)
    return figure


def _add_row(figure: go.Figure, row: SpreadRow, height: int) -> None:
    figure.add_scatter(
        x=row.points,
        y=[height + SHIFT * (block % 3 - 1) for block in range(len(row.points))],
        mode="markers",
        marker={"symbol": "circle-open", "size": 9, "color": style.QUIET, "line": {"width": 1.25}, "opacity": 0.8},
        text=[f"<b>{row.label}</b><br>block {block}: {point:.4g}" for block, point in enumerate(row.points)],
        hoverinfo="text",
    )
    for x, symbol, colour, size, name in (
        (row.unlucky, "line-ns-open", style.WORSE, 20, "worst tenth"),
        (row.mean, "diamond", style.BETTER, 13, "mean"),
    ):
        figure.add_scatter(
            x=[x],
            y=[height],
            mode="markers",
            marker={"symbol": symbol, "size": size, "color": colour, "line": {"width": 4, "color": colour}}
            if symbol == "line-ns-open"
            else {"symbol": symbol, "size": size, "color": colour, "line": {"width": 1, "color": "#ffffff"}},
            text=f"<b>{row.label}</b><br>{name}: {x:.4g}",
            hoverinfo="text",
        )
