"""What does an unlucky user get? Every block of each recipe, with the mean and the worst tenth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from altune.analysis.comparison.spread import Spread
from altune.report.amounts import Amounts
from altune.report.figures import style
from altune.report.figures.rows import add_heading, name_of, new_rows, rows_of

if TYPE_CHECKING:
    from altune.analysis.comparison.result import RecipeComparison

SHIFT = 0.035
"""How far apart neighbouring blocks are set, so that equal ones are both seen."""


class SpreadRow(NamedTuple):
    """One recipe as it is drawn: a mark for each block, and three that sum them up."""

    label: str
    value: str
    points: tuple[float, ...]
    mean: float
    unlucky: float
    worst: float


def spread_numbers(
    found: RecipeComparison | Mapping[str, Sequence[Spread]] | Sequence[Spread], amounts: Amounts | None = None
) -> tuple[SpreadRow, ...]:
    """Return each recipe's blocks with their text; arguments as of :func:`plot_spread`."""
    written = Amounts() if amounts is None else amounts
    return tuple(
        SpreadRow(
            name_of(one.recipe, data),
            f"mean {written.text(one.mean.mean)}, worst tenth {written.text(one.unlucky)}, "
            f"worst {written.text(one.worst)}",
            one.values,
            one.mean.mean,
            one.unlucky,
            one.worst,
        )
        for data, one in rows_of(found, "spread")
    )


def plot_spread(
    found: RecipeComparison | Mapping[str, Sequence[Spread]] | Sequence[Spread],
    *,
    value: str = "objective",
    amounts: Amounts | None = None,
) -> go.Figure:
    """Plot the objective of each recipe on every block, its mean, and what nine blocks of ten do better than.

    Parameters
    ----------
    found : a comparison, numbers of several data sets by name, or those of one.
    value : what is measured, for the axis.
    amounts : how its numbers are written, and whether less is better; by default they are those of a score.

    Raises
    ------
    RequestError
        If there is nothing to plot.
    """
    written = Amounts() if amounts is None else amounts
    rows = spread_numbers(found, written)
    blocks = {len(row.points) for row in rows}
    count = f"{next(iter(blocks))} blocks each" if len(blocks) == 1 else "all blocks"
    figure, strip = new_rows(
        "Every block",
        f"{count}: ○ one block  ◆ mean  ▮ worst tenth",
        x=f"{style.safe_text(value, 44)}<br>{'← less is better' if written.less_is_better else 'more is better →'}",
        texts=[(row.label, row.value) for row in rows],
    )
    for place, row in enumerate(reversed(rows)):
        _add_row(figure, row, place)
        add_heading(figure, place, strip, row.label, row.value, style.BETTER)
    points = [point for row in rows for point in row.points]
    pad = 0.06 * (max(points) - min(points)) or 0.01
    figure.update_xaxes(range=[min(points) - pad, max(points) + pad], nticks=6)
    return figure


def _add_row(figure: go.Figure, row: SpreadRow, place: int) -> None:
    figure.add_scatter(
        x=row.points,
        y=[place + SHIFT * (block % 3 - 1) for block in range(len(row.points))],
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
            y=[place],
            mode="markers",
            marker={"symbol": symbol, "size": size, "color": colour, "line": {"width": 4, "color": colour}}
            if symbol == "line-ns-open"
            else {"symbol": symbol, "size": size, "color": colour, "line": {"width": 1, "color": "#ffffff"}},
            text=f"<b>{row.label}</b><br>{name}: {x:.4g}",
            hoverinfo="text",
        )
