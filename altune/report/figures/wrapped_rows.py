"""Rows of an ablation's figures: what is changed in a heading of as many lines as it needs, a mark or a bar below."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import plotly.graph_objects as go

from altune.analysis.ablation import Ablation
from altune.core.errors import RequestError
from altune.numerics.statistics import PairedDifference
from altune.report.figures import style
from altune.report.figures.style import safe_text
from altune.simulation.objectives import Objective

if TYPE_CHECKING:
    from altune.analysis.run import Run

LINE, ZONE, GAP = 18, 36, 10
"""Pixels of a heading's line, of what is drawn below it, and between rows."""


class RowLook(NamedTuple):
    """How a row is drawn; the pattern tells bars apart where there is no colour."""

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


def ablation_of(source: Run | Ablation, data: str | None = None) -> Ablation:
    """Return the ablation of a run on a data set, by default the first; an ablation as it is.

    Raises
    ------
    RequestError
        If there is none.
    """
    if isinstance(source, Ablation):
        return source
    found = source.ablations
    if not found:
        raise RequestError("the run has no ablation; run.ablate() plays it after the confirmation")
    if data is not None and data not in found:
        raise RequestError(f"no data set {data!r} in the run; it has {', '.join(found)}")
    return found[data] if data is not None else next(iter(found.values()))


def verdict(difference: PairedDifference, objective: Objective) -> str:
    """Return ``better`` or ``worse`` where the interval lies on one side of zero, else ``unclear``."""
    if not math.isfinite(difference.high - difference.low):
        return "no interval"
    if difference.low > 0 or difference.high < 0:
        return "better" if objective.sign * difference.mean > 0 else "worse"
    return "unclear"


class WrappedRows:
    """Rows of headings, each as high as it needs, with room below for what is drawn; one unit of y is one pixel.

    Parameters
    ----------
    headings : lines of each row, safe text already, the row on top first.

    Attributes
    ----------
    tops, middles : y of each row's upper end, and of what is drawn in it.
    """

    def __init__(self, headings: Sequence[Sequence[str]]) -> None:
        self._headings = headings
        heights = [LINE * len(lines) + 6 + ZONE + GAP for lines in headings]
        self._total = sum(heights)
        self.tops = [self._total - sum(heights[:place]) for place in range(len(heights))]
        self.middles = [top - LINE * len(lines) - 6 - ZONE / 2 for top, lines in zip(self.tops, headings, strict=True)]

    def figure(self, title: str, key: Sequence[str], x: str) -> go.Figure:
        """Return a figure with the headings written."""
        top = 44 + 18 * len(key)
        figure = style.new_figure(title, "<br>".join(key), x=x, y="", height=self._total + top + 66, top=top)
        # The axis and its two lines of title stand below the rows, so that a unit stays a pixel.
        figure.update_layout(margin={"b": 66})
        figure.update_xaxes(automargin=False)
        figure.update_yaxes(visible=False, range=[0, self._total], automargin=False)
        for place, lines in enumerate(self._headings):
            figure.add_shape(
                type="rect",
                xref="x domain",
                x0=0,
                x1=1,
                y0=self.tops[place],
                y1=self.tops[place] - LINE * len(lines) - 4,
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
                y=self.tops[place] - 2,
                yanchor="top",
                showarrow=False,
                borderpad=0,
                font={"size": 13},
            )
        return figure


def heading_lines(label: str, value: str, said: str) -> list[str]:
    """Return name and number of a row in lines that fit a phone."""
    colour = style.INK if said == "end" else LOOKS[said].colour
    if said == "end" and len(label) + len(value) < style.KEY_WIDTH - 2:
        return [f"{safe_text(label)}  <b>{value}</b>"]
    lines = [safe_text(line, style.KEY_WIDTH) for line in textwrap.wrap(label, style.KEY_WIDTH)[:3]]
    told = [safe_text(line, style.KEY_WIDTH) for line in textwrap.wrap(value, style.KEY_WIDTH)[:3]]
    return [*lines, *(f"<span style='color:{colour}'><b>{line}</b></span>" for line in told)]


def error_bars(value: float, low: float | None, high: float | None, colour: str) -> dict[str, Any] | None:
    """Return plotly's error bars of an interval; None where there is none."""
    if low is None or high is None:
        return None
    own = {"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low]}
    return own | {"thickness": 2, "width": 6, "color": colour}


def key_of(ablation: Ablation, what: str, verdicts: Sequence[str]) -> list[str]:
    """Return the lines of the subtitle: what is shown, what grey means, and that a risk is not what is shown."""
    count, risk = ablation.whole.blocks, ablation.objective.risk
    lines = [f"{what} with 95 % interval, {count} paired block{'' if count == 1 else 's'}"]
    lines += ["grey: the interval includes zero"] if "unclear" in verdicts else []
    return lines + ([f"means over the blocks, not the {risk.kind} of the search"] if risk.kind != "mean" else [])


def padded_range(ends: Sequence[float | None]) -> list[float]:
    """Return the range of an axis that shows all ends."""
    known = [end for end in ends if end is not None]
    pad = 0.06 * (max(known) - min(known)) or 0.01
    return [min(known) - pad, max(known) + pad]


def finite_ends(difference: PairedDifference) -> tuple[float | None, float | None]:
    """Return the ends of an interval, None where a single block gives none."""
    if not math.isfinite(difference.high - difference.low):
        return None, None
    return difference.low, difference.high
