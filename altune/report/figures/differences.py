"""Is it better? The recipe minus each baseline, as a forest plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.run import Run
from altune.core.errors import RequestError
from altune.report.amounts import Amounts
from altune.report.figures import style
from altune.report.figures.inputs import differences_of
from altune.report.figures.points import DifferenceRow
from altune.report.figures.rows import Strip, add_heading, name_of, new_rows
from altune.report.figures.style import safe_text


class DifferenceNumbers(NamedTuple):
    """One row; ``verdict`` is ``better``, ``worse``, ``unclear`` or ``no interval``."""

    label: str
    value: str
    verdict: str
    row: DifferenceRow


LOOKS = {
    "better": (style.BETTER, "circle"),
    "worse": (style.WORSE, "square"),
    "unclear": (style.QUIET, "diamond"),
    "no interval": (style.QUIET, "x-thin-open"),
}


def difference_numbers(rows: Sequence[DifferenceRow], amounts: Amounts | None = None) -> tuple[DifferenceNumbers, ...]:
    """Return each row with its text and its verdict, which says on which side of zero its interval lies.

    Parameters
    ----------
    rows : the differences.
    amounts : how they are written, and whether less is better; by default they are differences of a score.
    """
    written = Amounts() if amounts is None else amounts
    return tuple(
        DifferenceNumbers(
            _label(row),
            written.signed_interval(row.mean, row.low, row.high),
            _verdict(row, written.less_is_better),
            row,
        )
        for row in rows
    )


def plot_differences(
    source: Run | Sequence[DifferenceRow],
    *,
    value: str = "objective",
    blocks: int = 0,
    amounts: Amounts | None = None,
    title: str = "Recipe minus baseline",
    sides: tuple[str, str] = ("recipe", "baseline"),
) -> go.Figure:
    """Plot the recipe minus each baseline with 95 % intervals and a line at zero.

    Parameters
    ----------
    source : a confirmed run; or differences, the first on top.
    value : what is measured, for the axis; a run has its own, and its own ``blocks`` and ``amounts``.
    blocks : number of paired blocks, for the subtitle; 0 leaves it out.
    amounts : how differences are written, and whether less is better; by default as differences of a score.
    title : of the figure.
    sides : names of the first and of the second term of each difference.

    Raises
    ------
    RequestError
        If there are no differences, or the run is not confirmed.
    """
    if isinstance(source, Sequence):
        rows = source
    else:
        rows, value, blocks, amounts = differences_of(source)
    if not rows:
        raise RequestError("there are no differences to plot")
    written = Amounts() if amounts is None else amounts
    numbers = difference_numbers(rows, written)
    figure, strip = new_rows(
        safe_text(title, 60),
        _subtitle(blocks, written),
        x=f"difference in {safe_text(value, 44)}<br>{_sides(written, sides)}",
        texts=[(number.label, number.value) for number in numbers],
    )
    figure.add_vline(x=0, line={"color": style.INK, "width": 1.5})
    for height, number in enumerate(reversed(numbers)):
        _add_row(figure, number, height, strip)
    figure.update_xaxes(range=_range(rows), tickformat=written.ticks, nticks=6)
    return figure


def _subtitle(blocks: int, amounts: Amounts) -> str:
    paired = f", {blocks} paired block{'' if blocks == 1 else 's'}" if blocks else ""
    return f"mean with 95 % interval{paired}" + ("; below zero is better" if amounts.less_is_better else "")


def _sides(amounts: Amounts, sides: tuple[str, str]) -> str:
    first, second = (safe_text(side, 20) for side in sides)
    left, right = (first, second) if amounts.less_is_better else (second, first)
    return f"← {left} better  |  {right} better →"


def _label(row: DifferenceRow) -> str:
    return name_of(row.name, row.data) + (", matched" if row.matched else "")


def _verdict(row: DifferenceRow, less_is_better: bool) -> str:
    if row.low is None or row.high is None or not math.isfinite(row.high - row.low):
        return "no interval"
    if row.low > 0:
        return "worse" if less_is_better else "better"
    if row.high < 0:
        return "better" if less_is_better else "worse"
    return "unclear"


def _add_row(figure: go.Figure, number: DifferenceNumbers, height: int, strip: Strip) -> None:
    row, (colour, symbol) = number.row, LOOKS[number.verdict]
    test = "" if row.p is None else f"<br>p = {row.p:.3g}"
    bars = None
    if row.low is not None and row.high is not None and number.verdict != "no interval":
        bars = {
            "type": "data",
            "symmetric": False,
            "array": [row.high - row.mean],
            "arrayminus": [row.mean - row.low],
            "thickness": 2.5,
            "width": 6,
            "color": colour,
        }
    figure.add_scatter(
        x=[row.mean],
        y=[height],
        mode="markers",
        marker={
            "size": 12,
            "color": colour,
            "symbol": symbol + ("-open" if row.matched and number.verdict != "no interval" else ""),
            "line": {"width": 2, "color": colour},
        },
        error_x=bars,
        text=f"<b>{number.label}</b><br>{number.value}{test}",
        hoverinfo="text",
        showlegend=False,
    )
    add_heading(figure, height, strip, number.label, number.value, colour)


def _range(rows: Sequence[DifferenceRow]) -> list[float]:
    ends = [end for row in rows for end in (row.mean, row.low, row.high, 0.0) if end is not None and math.isfinite(end)]
    low, high = min(ends), max(ends)
    pad = 0.08 * (high - low) or 0.01
    return [low - pad, high + pad]
