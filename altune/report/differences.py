"""Is it better? The recipe minus each baseline, as a forest plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import plotly.graph_objects as go

from altune.errors import RequestError
from altune.report import style
from altune.report.style import safe_text, words


@dataclass(frozen=True)
class DifferenceRow:
    """The recipe minus one baseline.

    Attributes
    ----------
    name : the baseline's name.
    mean : mean difference over blocks; positive where the recipe is better.
    low, high : ends of the 95 % interval; infinite or None where a single block gives none.
    matched : whether the baseline was played with the recipe's own start and loop sizes.
    p : p value of no difference, in [0, 1], shown when pointed at.
    """

    name: str
    mean: float
    low: float | None
    high: float | None
    matched: bool = False
    p: float | None = None


class DifferenceNumbers(NamedTuple):
    """One row as it is drawn; ``verdict`` is ``better``, ``worse``, ``unclear`` or ``no interval``."""

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


def difference_numbers(rows: Sequence[DifferenceRow]) -> tuple[DifferenceNumbers, ...]:
    """Return each row with its text and its verdict: on which side of zero its interval lies."""
    return tuple(
        DifferenceNumbers(
            safe_text(words(row.name)) + (", matched" if row.matched else ""),
            _value_text(row),
            _verdict(row),
            row,
        )
        for row in rows
    )


def plot_differences(rows: Sequence[DifferenceRow], *, value: str = "objective", blocks: int = 0) -> go.Figure:
    """Plot the recipe minus each baseline with 95 % intervals and the line of no difference.

    Parameters
    ----------
    rows : one for each baseline and matched baseline, the first on top.
    value : what is measured, for the axis.
    blocks : number of paired blocks, for the subtitle; 0 leaves it out.
    """
    if not rows:
        raise RequestError("there are no differences to plot")
    numbers = difference_numbers(rows)
    paired = f", {blocks} paired block{'' if blocks == 1 else 's'}" if blocks else ""
    figure = style.new_figure(
        "Recipe minus baseline",
        f"mean with 95 % interval{paired}",
        x=f"difference in {safe_text(value, 44)}<br>← baseline better  |  recipe better →",
        y="",
        height=130 + 86 * len(rows),
    )
    figure.add_vline(x=0, line={"color": style.INK, "width": 1.5})
    for place, number in enumerate(reversed(numbers)):
        _add_row(figure, number, place)
    figure.update_yaxes(visible=False, range=[-0.3, len(rows) - 0.3])
    figure.update_xaxes(range=_range(rows), tickformat="+.3~f", nticks=6)
    return figure


def _verdict(row: DifferenceRow) -> str:
    if row.low is None or row.high is None or not math.isfinite(row.high - row.low):
        return "no interval"
    if row.low > 0:
        return "better"
    return "worse" if row.high < 0 else "unclear"


def _value_text(row: DifferenceRow) -> str:
    if _verdict(row) == "no interval":
        return f"{row.mean:+.3f} (one block, no interval)"
    return f"{row.mean:+.3f} [{row.low:+.3f}, {row.high:+.3f}]".replace("-", "−")


def _add_row(figure: go.Figure, number: DifferenceNumbers, place: int) -> None:
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
        y=[place],
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
    _add_heading(figure, number, place)


def _add_heading(figure: go.Figure, number: DifferenceNumbers, place: int) -> None:
    """Write name and value on a strip above the row's interval, which fits any width of screen."""
    figure.add_shape(
        type="rect",
        xref="x domain",
        x0=0,
        x1=1,
        yref="y",
        ysizemode="pixel",
        yanchor=place,
        y0=14,
        y1=54,
        fillcolor="#f3f5f7",
        line={"width": 0},
    )
    figure.add_annotation(
        text=f"{number.label}<br><span style='color:{LOOKS[number.verdict][0]}'><b>{number.value}</b></span>",
        x=0,
        xref="x domain",
        xanchor="left",
        xshift=6,
        align="left",
        y=place,
        yref="y",
        yanchor="bottom",
        yshift=15,
        showarrow=False,
        borderpad=0,
    )


def _range(rows: Sequence[DifferenceRow]) -> list[float]:
    ends = [end for row in rows for end in (row.mean, row.low, row.high, 0.0) if end is not None and math.isfinite(end)]
    low, high = min(ends), max(ends)
    pad = 0.08 * (high - low) or 0.01
    return [low - pad, high + pad]
