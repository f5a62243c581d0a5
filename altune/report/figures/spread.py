"""What does an unlucky user get? Every block of each recipe, with the mean and the worst tenth of the blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.comparison.spread import Spread
from altune.report.amounts import Amounts
from altune.report.figures import style
from altune.report.figures.rows import Row, by_data, new_rows, rows_of

SHIFT = 0.035
"""Vertical distance of successive blocks, so that equal values are both visible."""


def spread_numbers(numbers: Mapping[str, Sequence[Spread]], amounts: Amounts) -> tuple[Row[Spread], ...]:
    """Return the blocks of each recipe on each data set, with their text."""
    return rows_of(
        numbers,
        lambda spread: (
            f"mean {amounts.text(spread.mean.mean)}, worst tenth {amounts.text(spread.unlucky)}, "
            f"worst {amounts.text(spread.worst)}"
        ),
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
    written = amounts or Amounts()
    rows = spread_numbers(by_data(source, "spread"), written)
    blocks = {len(row.shows.values) for row in rows}
    count = f"{next(iter(blocks))} blocks each" if len(blocks) == 1 else "all blocks"
    figure, _ = new_rows(
        "Every block",
        [f"{count}: ○ one block  ◆ mean  ▮ worst tenth"],
        x=f"{style.safe_text(value, None)}<br>{'← less is better' if written.less_is_better else 'more is better →'}",
        headings=[(row.label, row.value, style.BETTER) for row in rows],
    )
    for height, row in enumerate(reversed(rows)):
        _add_row(figure, row, height)
    figure.update_xaxes(range=style.padded_range(point for row in rows for point in row.shows.values), nticks=6)
    return figure


def _add_row(figure: go.Figure, row: Row[Spread], height: int) -> None:
    values = row.shows.values
    style.add_marks(
        figure,
        values,
        [height + SHIFT * (block % 3 - 1) for block in range(len(values))],
        {"symbol": "circle-open", "size": 9, "color": style.QUIET, "line": {"width": 1.25}, "opacity": 0.8},
        [f"<b>{row.label}</b><br>block {block}: {value:.4g}" for block, value in enumerate(values)],
    )
    bar = {"symbol": "line-ns-open", "size": 20, "color": style.WORSE, "line": {"width": 4, "color": style.WORSE}}
    diamond = {"symbol": "diamond", "size": 13, "color": style.BETTER, "line": {"width": 1, "color": style.PAPER}}
    marks = (("worst tenth", row.shows.unlucky, bar), ("mean", row.shows.mean.mean, diamond))
    for name, x, marker in marks:
        style.add_marks(figure, [x], [height], marker, f"<b>{row.label}</b><br>{name}: {x:.4g}")
