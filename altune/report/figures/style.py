"""The look that all figures share.

Colours are Okabe and Ito's, which people with a colour vision deficiency can distinguish; each series also has its own
dash and marker, so that a figure is legible in black and white. Series are named beside their ends; a narrow screen
hides these names and shows the legend instead (see ``page.js``).
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

INK = "#1f2328"
QUIET = "#57606a"
GRID = "#e4e7eb"
BASELINE = "#6e7781"
BETTER = "#0072B2"
WORSE = "#B34700"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

KEY_WIDTH = 46
"""Characters of a line of the subtitle on a phone."""

DIRECT = "direct"
"""Name of annotations that replace the legend on a wide screen."""


class Look(NamedTuple):
    """Look of one series."""

    colour: str
    dash: str
    symbol: str


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

GREYS: tuple[Look, ...] = tuple(
    Look(colour, dash, symbol)
    for colour, dash, symbol in (
        (BASELINE, "dash", "square-open"),
        ("#8c6d1f", "dashdot", "diamond-open"),
        (QUIET, "longdash", "triangle-up-open"),
        ("#8a8f98", "longdashdot", "cross-open"),
    )
)
"""Looks of baselines: grey, dashed, with open markers."""


def safe_text(text: object, longest: int = 36) -> str:
    """Return a name for plotly text, which renders some HTML: escaped, and shortened if it is too long.

    >>> safe_text("<b>bold</b>")
    '&lt;b&gt;bold&lt;/b&gt;'
    """
    plain = " ".join(str(text).split())
    if len(plain) > longest:
        plain = plain[: longest - 1].rstrip() + "…"
    return html.escape(plain, quote=False)


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


def spread_apart(positions: Sequence[float], gap: float) -> list[float]:
    """Return positions in the same order, moved as little as possible to be ``gap`` apart.

    >>> spread_apart([1.0, 1.0, 3.0], gap=1.0)
    [0.5, 1.5, 3.0]
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


def new_figure(title: str, subtitle: str, *, x: str, y: str, height: int, right: int = 24, top: int = 62) -> go.Figure:
    """Return an empty figure in the common style; ``title``, ``subtitle``, ``x`` and ``y`` are safe text."""
    axis: dict[str, Any] = {
        "gridcolor": GRID,
        "linecolor": "#8c959f",
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": "#8c959f",
        "automargin": True,
        "fixedrange": True,
    }
    axis_title = {"standoff": 10, "font": {"size": 13}}
    layout: dict[str, Any] = {
        "template": "none",
        "height": height,
        "font": {"family": FONT, "size": 13, "color": INK},
        "title": {
            "text": f"<b>{title}</b><br><span style='font-size:13px;color:{QUIET}'>{subtitle}</span>",
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
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "showlegend": False,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.22, "yanchor": "top"},
        "hoverlabel": {"bgcolor": "#ffffff", "bordercolor": "#8c959f", "font": {"color": INK}},
        "dragmode": False,
        "meta": {"wide_right": right, "narrow_right": 12},
    }
    # A figure made without a layout gets plotly's default template first, which is slow to load.
    return go.Figure(layout=layout)


def add_direct_label(
    figure: go.Figure, text: str, y: float, colour: str, bold: bool = False, *, axis: str = ""
) -> None:
    """Write the name of a series at the right edge of the plot, at height ``y``.

    ``axis`` is the number of the panel, empty for the first.
    """
    figure.add_annotation(
        name=DIRECT,
        text=f"<b>{text}</b>" if bold else text,
        x=1,
        xref=f"x{axis} domain",
        xanchor="left",
        xshift=6,
        y=y,
        yref=f"y{axis}",
        yanchor="middle",
        align="left",
        showarrow=False,
        font={"color": colour, "size": 13},
    )
