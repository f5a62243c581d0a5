"""Lines, bands and panels that the figures of a recipe's loops share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from altune.analysis.loops.facts import LoopFacts
from altune.analysis.loops.series import Series
from altune.report.figures import style
from altune.report.figures.style import Look

HALF = 0.5
PANEL_TITLE = "panel"
"""Name of annotations that are titles of panels; the page's script looks for it."""
LEGEND_BELOW = 62
"""Distance from the last panel to the legend of a narrow screen, in pixels."""


def common_loops(facts: LoopFacts) -> int:
    """Return the number of loops that at least half the blocks had; means over fewer blocks say too little."""
    return sum(count >= HALF * facts.blocks for count in facts.reached)


def blocks_words(count: int) -> str:
    """Return a number of blocks in words.

    >>> blocks_words(1), blocks_words(5)
    ('1 block', 'mean of 5 blocks')
    """
    return "1 block" if count == 1 else f"mean of {count} blocks"


def spread_words(count: int) -> str:
    """Return what bars and bands over blocks show; an empty text for a single block.

    >>> spread_words(5)
    ', bars: 10 to 90 %'
    """
    return "" if count == 1 else ", bars: 10 to 90 %"


def add_band(figure: go.Figure, x: Sequence[float], series: Series, colour: str, *, axis: str = "") -> None:
    """Fill from the low to the high end of a series; loops without a value are left out."""
    known = [index for index in range(len(x)) if series.low[index] is not None]
    edge: dict[str, Any] = {"mode": "lines", "line": {"width": 0}, "xaxis": f"x{axis}", "yaxis": f"y{axis}"}
    edge |= {"x": [x[index] for index in known], "hoverinfo": "skip", "showlegend": False}
    fill = style.translucent(colour, 0.16)
    figure.add_scatter(y=[series.low[index] for index in known], **edge)
    figure.add_scatter(y=[series.high[index] for index in known], fill="tonexty", fillcolor=fill, **edge)


def add_line(
    figure: go.Figure,
    x: Sequence[float],
    y: Sequence[float | None],
    name: str,
    look: Look,
    hover: Sequence[str],
    *,
    axis: str = "",
    width: float = 2.5,
) -> None:
    """Draw one line over loops; a loop without a value leaves a gap."""
    figure.add_scatter(
        x=list(x),
        y=list(y),
        name=name,
        mode="lines+markers",
        line={"color": look.colour, "dash": look.dash, "width": width},
        marker={"symbol": look.symbol, "size": 8, "maxdisplayed": 8, "color": look.colour},
        text=list(hover),
        hoverinfo="text",
        xaxis=f"x{axis}",
        yaxis=f"y{axis}",
    )


def label_ends(
    figure: go.Figure, ends: Sequence[tuple[str, float, str]], height: float, *, axis: str = "", share: float = 0.07
) -> None:
    """Write the names of lines beside their ends, without overlap.

    Parameters
    ----------
    ends : name, last value and colour of each line.
    height : upper end of the panel's axis, which begins at 0.
    axis : the panel, ``""`` or ``"2"``.
    share : smallest distance of two names, as a share of the height.
    """
    gap = share * height
    heights = style.spread_apart([value for _, value, _ in ends], gap, (HALF * gap, height))
    for (name, _, colour), y in zip(ends, heights, strict=True):
        style.add_direct_label(figure, name, y, colour, axis=axis)


def split_panels(
    figure: go.Figure, lower: float, gap: float, titles: tuple[str, str], *, x: str, y: str, shared: bool = False
) -> None:
    """Add a second panel below the first.

    Parameters
    ----------
    lower : share of the height that the lower panel takes.
    gap : share of the height between the panels.
    titles : title of each panel, as safe text.
    x, y : titles of the lower panel's axes.
    shared : whether both panels have the same horizontal axis, which is then written below the lower one only.
    """
    axes = {name: figure.layout[name].to_plotly_json() for name in ("xaxis", "yaxis")}
    figure.update_layout(
        yaxis={"domain": [lower + gap, 1.0]},
        yaxis2=axes["yaxis"] | {"domain": [0.0, lower], "anchor": "x2", "title": axes["yaxis"]["title"] | {"text": y}},
        xaxis2=axes["xaxis"] | {"anchor": "y2", "title": axes["xaxis"]["title"] | {"text": x}},
    )
    below = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
    figure.update_layout(xaxis={"anchor": "y"}, legend={"y": -LEGEND_BELOW / below})
    if shared:
        figure.update_layout(xaxis={"matches": "x2", "showticklabels": False, "title": {"text": ""}})
    for title, top in zip(titles, (1.0, lower), strict=True):
        place: dict[str, Any] = {"xref": "paper", "yref": "paper", "yshift": 4, "align": "left"}
        style.add_text(figure, title, top, name=PANEL_TITLE, **place, font={"size": 13, "color": style.INK})


def loop_ticks(figure: go.Figure, last: int, axis: str = "xaxis") -> None:
    """Give an axis of loops whole numbers, and space for the first and the last mark."""
    step = max(1, -(-last // 10))
    figure.update_layout({axis: {"range": [-0.6, last + 0.6], "tick0": 0, "dtick": step}})
