"""Is it better? The recipe minus each baseline, as a forest plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.run import Run
from altune.core.errors import RequestError
from altune.core.text import counted
from altune.report.amounts import Amounts
from altune.report.figures import style
from altune.report.figures.inputs import differences_of
from altune.report.figures.points import DifferenceRow
from altune.report.figures.rows import name_of, new_rows
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

    By default they are differences of a score.
    """
    written = amounts or Amounts()
    return tuple(
        DifferenceNumbers(
            name_of(row.name, row.data) + (", matched" if row.matched else ""),
            written.signed_interval(row.mean, row.low, row.high),
            verdict_of(row.low, row.high, written.less_is_better),
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
    written = amounts or Amounts()
    numbers = difference_numbers(rows, written)
    paired = f", {counted(blocks, 'paired block')}" if blocks else ""
    less = "; below zero is better" if written.less_is_better else ""
    return forest(
        numbers,
        safe_text(title, None),
        f"95 % intervals for all{paired}{less}",
        x=f"difference in {safe_text(value, None)}<br>{_sides(written, sides)}",
        ticks=written.ticks,
    )


def forest(numbers: Sequence[DifferenceNumbers], title: str, subtitle: str, *, x: str, ticks: str) -> go.Figure:
    """Plot differences with a line at zero; ``title``, ``subtitle`` and ``x`` are safe text."""
    headings = [(number.label, number.value, LOOKS[number.verdict][0]) for number in numbers]
    figure, _ = new_rows(title, [subtitle], x=x, headings=headings, zero=True)
    for height, number in enumerate(reversed(numbers)):
        _add_row(figure, number, height)
    rows = [number.row for number in numbers]
    ends = [0.0, *(end for row in rows for end in (row.mean, row.low, row.high))]
    figure.update_xaxes(range=style.padded_range(ends, 0.08), tickformat=ticks, nticks=6)
    return figure


def _sides(amounts: Amounts, sides: tuple[str, str]) -> str:
    first, second = (safe_text(side, 20) for side in sides)
    left, right = (first, second) if amounts.less_is_better else (second, first)
    return f"← {left} better  |  {right} better →"


def verdict_of(low: float | None, high: float | None, less_is_better: bool) -> str:
    """Return ``better`` or ``worse`` if an interval excludes zero, else ``unclear``; ``no interval`` without one."""
    if low is None or high is None or not math.isfinite(high - low):
        return "no interval"
    if low > 0 or high < 0:
        return "better" if (low > 0) != less_is_better else "worse"
    return "unclear"


def _add_row(figure: go.Figure, number: DifferenceNumbers, height: int) -> None:
    row, (colour, symbol) = number.row, LOOKS[number.verdict]
    test = "" if row.p is None else f"<br>p = {row.p:.3g}"
    known = number.verdict != "no interval"
    hollow = "-open" if row.matched and known else ""
    style.add_marks(
        figure,
        [row.mean],
        [height],
        {"size": 12, "color": colour, "symbol": symbol + hollow, "line": {"width": 2, "color": colour}},
        f"<b>{number.label}</b><br>{number.value}{test}",
        error_x=style.error_bars(row.mean, row.low, row.high, colour, 2.5) if known else None,
        showlegend=False,
    )
