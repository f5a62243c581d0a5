"""The look that all figures share.

Colours are Okabe and Ito's, which people with a colour vision deficiency can distinguish; each series also has its own
dash and marker, so that a figure is legible in black and white. Series are named beside their ends; a narrow screen
hides these names and shows the legend instead (see ``page.js``).
"""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

INK = "#1f2328"
QUIET = "#57606a"
GRID = "#e4e7eb"
EDGE = "#8c959f"
PAPER = "#ffffff"
STRIP = "#f3f5f7"
BASELINE = "#6e7781"
BETTER = "#0072B2"
WORSE = "#B34700"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

KEY_WIDTH = 46
"""Characters of a line of the subtitle on a phone."""

TITLE_WIDTH, X_WIDTH, Y_WIDTH = 40, 44, 40
"""Characters of a line of the title, and of the titles of a horizontal and a vertical axis, on a phone."""

DIRECT = "direct"
"""Name of annotations that replace the legend on a wide screen."""


class Look(NamedTuple):
    """Look of one series."""

    colour: str
    dash: str
    symbol: str


class MarkLook(NamedTuple):
    """Look of the marks of one kind; ``sign`` is the mark in a key, whose text is ``words``."""

    symbol: str
    sign: str
    colour: str
    words: str
    size: int = 8

    @property
    def marker(self) -> dict[str, Any]:
        """The marker for plotly."""
        line = {"width": 1.75, "color": self.colour}
        return {"symbol": self.symbol, "size": self.size, "color": self.colour, "line": line}


SERIES: tuple[Look, ...] = (
    Look("#0072B2", "solid", "circle"),
    Look("#D55E00", "dash", "square"),
    Look("#009E73", "dashdot", "diamond"),
    Look("#CC79A7", "longdash", "triangle-up"),
    Look("#E69F00", "dot", "x"),
    Look("#56B4E9", "longdashdot", "star"),
    Look("#000000", "5px 2px", "cross"),
)
"""Looks of equally important series, in order; they repeat after seven."""

GREYS: tuple[Look, ...] = (
    Look(BASELINE, "dash", "square-open"),
    Look("#8c6d1f", "dashdot", "diamond-open"),
    Look(QUIET, "longdash", "triangle-up-open"),
    Look("#8a8f98", "longdashdot", "cross-open"),
)
"""Looks of baselines: grey, dashed, with open markers."""


def safe_text(text: object, longest: int | None = 36) -> str:
    """Return a name for plotly text, which renders some HTML: escaped, and shortened if it is too long; None keeps all.

    >>> safe_text("<b>bold</b>")
    '&lt;b&gt;bold&lt;/b&gt;'
    """
    plain = " ".join(str(text).split())
    if longest is not None and len(plain) > longest:
        plain = plain[: longest - 1].rstrip() + "…"
    return html.escape(plain, quote=False)


def wrapped(text: str, width: int) -> str:
    """Return safe text in lines of at most ``width`` characters; nothing of it is left out.

    >>> wrapped("area under the learning curve (a &lt; b)<br>more is better", 32)
    'area under the learning curve (a<br>&lt; b)<br>more is better'
    """
    parts = [textwrap.wrap(html.unescape(part), width, break_on_hyphens=False) or [""] for part in text.split("<br>")]
    return "<br>".join(html.escape(line, quote=False) for lines in parts for line in lines)


def key_lines(start: str, parts: Sequence[str]) -> list[str]:
    r"""Return a key in lines that fit a phone; a line never breaks inside a part.

    >>> key_lines("9 trials: ", ["○ 7 complete", "▽ 2 dropped early"])
    ['9 trials: ○\xa07\xa0complete, ▽\xa02\xa0dropped\xa0early']
    """
    whole = ", ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)
    return textwrap.wrap(start + whole, KEY_WIDTH)


def words(name: str) -> str:
    """Return an identifier as words: ``balanced_accuracy`` becomes ``balanced accuracy``."""
    return name.replace("_", " ")


def spread_apart(
    positions: Sequence[float], gap: float, within: tuple[float, float] = (-math.inf, math.inf)
) -> list[float]:
    """Return positions in the same order, moved to be ``gap`` apart and within a range if it has the room.

    Plotly does not draw a text beyond the end of an axis.

    >>> spread_apart([1.0, 1.0, 3.0], gap=1.0)
    [0.5, 1.5, 3.0]
    >>> spread_apart([1.0, 1.0, 3.0], gap=1.0, within=(1.0, 3.0))
    [1.0, 2.0, 3.0]
    """
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    # Neighbours that would overlap merge into one group, centred on the mean of their positions.
    groups: list[tuple[list[float], int]] = []
    for index in order:
        wanted, size = [positions[index]], 1
        while groups and _bottom(wanted, size, gap) < _top(*groups[-1], gap) + gap:
            below, count = groups.pop()
            wanted, size = below + wanted, size + count
        groups.append((wanted, size))
    placed = [_bottom(wanted, size, gap) + k * gap for wanted, size in groups for k in range(size)]
    low, high = within
    placed = [min(place, high - gap * k) for k, place in enumerate(reversed(placed))][::-1]
    placed = [max(place, low + gap * k) for k, place in enumerate(placed)]
    result = [0.0] * len(positions)
    for index, position in zip(order, placed, strict=True):
        result[index] = position
    return result


def _bottom(wanted: list[float], size: int, gap: float) -> float:
    return sum(wanted) / size - gap * (size - 1) / 2


def _top(wanted: list[float], size: int, gap: float) -> float:
    return _bottom(wanted, size, gap) + gap * (size - 1)


def translucent(colour: str, alpha: float) -> str:
    """Return a ``#rrggbb`` colour with opacity ``alpha`` in [0, 1]."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def new_figure(
    title: str, subtitle: Sequence[str], *, x: str = "", y: str = "", height: int, right: int = 24, top: int = 0
) -> go.Figure:
    """Return an empty figure in the common style.

    Parameters
    ----------
    title, subtitle, x, y : the title, the lines below it, and the titles of the axes, as safe text. Titles are wrapped
        to fit a phone.
    height : pixels below the title and its lines, with two lines of a title of the horizontal axis.
    right : right margin, for names of series.
    top : pixels of a title of one line and of its lines; by default as many as they need.
    """
    title, x, y = wrapped(title, TITLE_WIDTH), wrapped(x, X_WIDTH), wrapped(y, Y_WIDTH)
    top = (top or 44 + 18 * len(subtitle)) + 20 * title.count("<br>")
    height += extra_height(x)
    ticks = {"ticks": "outside", "tickcolor": EDGE, "linecolor": EDGE}
    axis: dict[str, Any] = {"gridcolor": GRID, "zeroline": False, "automargin": True, "fixedrange": True, **ticks}
    axis_title = {"standoff": 10, "font": {"size": 13}}
    layout: dict[str, Any] = {
        "template": "none",
        "height": top + height,
        "font": {"family": FONT, "size": 13, "color": INK},
        "title": {
            "text": f"<b>{title}</b><br><span style='font-size:13px;color:{QUIET}'>{'<br>'.join(subtitle)}</span>",
            "font": {"size": 15},
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"l": 4, "t": 20},
        },
        "margin": {"l": 12, "r": right, "t": top, "b": 12},
        "xaxis": axis | {"title": {"text": x, **axis_title}},
        "yaxis": axis | {"title": {"text": y, **axis_title}},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "showlegend": False,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.22, "yanchor": "top"},
        "hoverlabel": {"bgcolor": PAPER, "bordercolor": EDGE, "font": {"color": INK}},
        "dragmode": False,
        "meta": {"wide_right": right, "narrow_right": 12},
    }
    # A figure made without a layout gets plotly's default template first, which is slow to load.
    return go.Figure(layout=layout)


def extra_height(x: str) -> int:
    """Return the pixels that the title of a horizontal axis takes beyond two lines."""
    return 17 * max(0, x.count("<br>") - 1)


def add_marks(figure: go.Figure, x: Any, y: Any, marker: Mapping[str, Any], hover: Any = None, **more: Any) -> None:
    """Draw markers; without a ``hover`` text they have none. ``more`` are other properties of the scatter."""
    info = "skip" if hover is None else "text"
    figure.add_scatter(x=x, y=y, mode="markers", marker=marker, text=hover, hoverinfo=info, **more)


def error_bars(value: Any, low: Any, high: Any, colour: str, thickness: float = 2, width: float = 6) -> dict[str, Any]:
    """Return plotly's error bars from ``low`` to ``high``, of one value or of several."""
    values, lows, highs = (np.atleast_1d(numbers) for numbers in (value, low, high))
    ends = {"array": (highs - values).tolist(), "arrayminus": (values - lows).tolist()}
    return {"type": "data", "symmetric": False, **ends, "thickness": thickness, "width": width, "color": colour}


def add_text(figure: go.Figure, text: str, y: float, axis: str = "", **more: Any) -> None:
    """Write a text above height ``y`` from the left edge of a panel on; ``more`` are properties of the annotation."""
    place = {"x": 0, "xref": f"x{axis} domain", "xanchor": "left", "y": y, "yref": f"y{axis}", "yanchor": "bottom"}
    figure.add_annotation(text=text, showarrow=False, **place | more)


def add_direct_label(
    figure: go.Figure, text: str, y: float, colour: str, bold: bool = False, *, axis: str = ""
) -> None:
    """Write the name of a series at the right edge of a panel, at height ``y``."""
    text, font = f"<b>{text}</b>" if bold else text, {"color": colour, "size": 13}
    add_text(figure, text, y, axis, name=DIRECT, x=1, xshift=6, yanchor="middle", align="left", font=font)


def warned(lines: Sequence[str]) -> list[str]:
    """Return the lines of a warning, marked as one."""
    return [f"<span style='color:{WORSE}'><b>{line}</b></span>" for line in lines]


def padded_range(ends: Iterable[float | None], pad: float = 0.06) -> list[float]:
    """Return the range of an axis that shows all values, with a share of it free at both ends."""
    known = [end for end in ends if end is not None and math.isfinite(end)]
    space = pad * (max(known) - min(known)) or 0.01
    return [min(known) - space, max(known) + space]
