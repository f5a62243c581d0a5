"""Rows of the figures of an ablation: a heading of one or more lines, and a mark or a bar below it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from altune.analysis.ablation import Ablation
from altune.core.text import counted
from altune.numerics.statistics import PairedDifference
from altune.report.figures import style
from altune.report.figures.differences import verdict_of
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
    """Return on which side of zero an interval lies, as :func:`altune.report.figures.differences.verdict_of`."""
    return verdict_of(*difference.together, objective.sign < 0)


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
        figure = style.new_figure(title, key, x=x, height=self._total + 66)
        # A fixed margin for the axis and its title of two lines, so that a unit of y stays one pixel.
        figure.update_layout(margin={"b": 66 + style.extra_height(figure.layout.xaxis.title.text)})
        figure.update_xaxes(automargin=False)
        figure.update_yaxes(visible=False, range=[0, self._total], automargin=False)
        for top_of_row, lines in zip(self.tops, self._headings, strict=True):
            box = {"x0": 0, "x1": 1, "y0": top_of_row, "y1": top_of_row - LINE * len(lines) - 4}
            figure.add_shape(type="rect", xref="x domain", **box, fillcolor=style.STRIP, line={"width": 0})
            inside: dict[str, Any] = {
                "xshift": 6,
                "yanchor": "top",
                "align": "left",
                "borderpad": 0,
                "font": {"size": 13},
            }
            style.add_text(figure, "<br>".join(lines), top_of_row - 2, **inside)
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


def key_of(ablation: Ablation, what: str, verdicts: Sequence[str]) -> list[str]:
    """Return the lines of the subtitle: what is shown, what grey means, and a note if the search had a risk."""
    risk = ablation.objective.risk
    lines = [f"{what} with 95 % interval, {counted(ablation.whole.blocks, 'paired block')}"]
    lines += ["grey: the interval includes zero"] if "unclear" in verdicts else []
    return lines + ([f"means over the blocks, not the {risk.kind} of the search"] if risk.kind != "mean" else [])


def finite_ends(difference: PairedDifference) -> tuple[float | None, float | None]:
    """Return the ends of an interval for all that is compared, None below 5 blocks."""
    return difference.together if difference.known else (None, None)


def axis_name(ablation: Ablation, value: str) -> str:
    """Return what is measured as safe text, by default the objective."""
    return safe_text(value or f"{ablation.objective.kind.plain} ({ablation.objective.metric})", None)
