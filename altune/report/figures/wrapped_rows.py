"""Rows of the figures of an ablation: a heading of one or more lines, and a mark or a bar below it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from altune.analysis.ablation import Ablation
from altune.numerics.statistics import PairedDifference
from altune.report.figures import style
from altune.report.figures.style import safe_text
from altune.simulation.objectives import Objective

LINE, ZONE, GAP = 18, 36, 10
"""Heights of a line of a heading, of the mark below it, and of the gap between rows, in pixels."""


class RowLook(NamedTuple):
    """Look of a row; the pattern distinguishes bars in print without colour."""

    colour: str
    fill: str
    pattern: str
    symbol: str


LOOKS = {
    "better": RowLook(style.BETTER, style.BETTER, "", "circle"),
    "worse": RowLook(style.WORSE, "#ffffff", "/", "square"),
    "unclear": RowLook(style.QUIET, "#e4e7eb", "", "diamond-open"),
    "no interval": RowLook(style.QUIET, "#e4e7eb", "", "x-thin-open"),
}


def verdict(difference: PairedDifference, objective: Objective) -> str:
    """Return ``better`` or ``worse`` if the interval excludes zero, else ``unclear``; ``no interval`` without one."""
    if not math.isfinite(difference.high - difference.low):
        return "no interval"
    if difference.low > 0 or difference.high < 0:
        return "better" if objective.sign * difference.mean > 0 else "worse"
    return "unclear"


class WrappedRows:
    """Rows with headings of different heights, and space below each for a mark; one unit of y is one pixel.

    Parameters
    ----------
    headings : lines of each heading as safe text, the top row first.

    Attributes
    ----------
    tops, middles : y of the upper end of each row, and of its mark.
    """

    def __init__(self, headings: Sequence[Sequence[str]]) -> None:
        self._headings = headings
        heights = [LINE * len(lines) + 6 + ZONE + GAP for lines in headings]
        self._total = sum(heights)
        self.tops = [self._total - sum(heights[:row]) for row in range(len(heights))]
        self.middles = [top - LINE * len(lines) - 6 - ZONE / 2 for top, lines in zip(self.tops, headings, strict=True)]

    def figure(self, title: str, key: Sequence[str], x: str) -> go.Figure:
        """Return a figure with the headings."""
        top = 44 + 18 * len(key)
        figure = style.new_figure(title, "<br>".join(key), x=x, y="", height=self._total + top + 66, top=top)
        # A fixed margin for the axis and its title of two lines, so that a unit of y stays one pixel.
        figure.update_layout(margin={"b": 66})
        figure.update_xaxes(automargin=False)
        figure.update_yaxes(visible=False, range=[0, self._total], automargin=False)
        for top_of_row, lines in zip(self.tops, self._headings, strict=True):
            figure.add_shape(
                type="rect",
                xref="x domain",
                x0=0,
                x1=1,
                y0=top_of_row,
                y1=top_of_row - LINE * len(lines) - 4,
                fillcolor="#f3f5f7",
                line={"width": 0},
            )
            figure.add_annotation(
                text="<br>".join(lines),
                x=0,
                xref="x domain",
                xanchor="left",
                xshift=6,
                align="left",
                y=top_of_row - 2,
                yanchor="top",
                showarrow=False,
                borderpad=0,
                font={"size": 13},
            )
        return figure


def heading_lines(label: str, value: str, outcome: str) -> list[str]:
    """Return the name and number of a row in lines that fit a phone."""
    colour = style.INK if outcome == "end" else LOOKS[outcome].colour
    if outcome == "end" and len(label) + len(value) < style.KEY_WIDTH - 2:
        return [f"{safe_text(label)}  <b>{value}</b>"]
    names, values = (
        [safe_text(line, style.KEY_WIDTH) for line in textwrap.wrap(text, style.KEY_WIDTH)[:3]]
        for text in (label, value)
    )
    return [*names, *(f"<span style='color:{colour}'><b>{line}</b></span>" for line in values)]


def error_bars(value: float, low: float | None, high: float | None, colour: str) -> dict[str, Any] | None:
    """Return plotly's error bars of an interval; None without an interval."""
    if low is None or high is None:
        return None
    lengths = {"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low]}
    return lengths | {"thickness": 2, "width": 6, "color": colour}


def key_of(ablation: Ablation, what: str, verdicts: Sequence[str]) -> list[str]:
    """Return the lines of the subtitle: what is shown, what grey means, and a note if the search had a risk."""
    count, risk = ablation.whole.blocks, ablation.objective.risk
    lines = [f"{what} with 95 % interval, {count} paired block{'' if count == 1 else 's'}"]
    lines += ["grey: the interval includes zero"] if "unclear" in verdicts else []
    return lines + ([f"means over the blocks, not the {risk.kind} of the search"] if risk.kind != "mean" else [])


def padded_range(ends: Sequence[float | None]) -> list[float]:
    """Return the range of an axis that shows all values."""
    known = [end for end in ends if end is not None]
    pad = 0.06 * (max(known) - min(known)) or 0.01
    return [min(known) - pad, max(known) + pad]


def finite_ends(difference: PairedDifference) -> tuple[float | None, float | None]:
    """Return the ends of an interval, None for a single block."""
    if not math.isfinite(difference.high - difference.low):
        return None, None
    return difference.low, difference.high
