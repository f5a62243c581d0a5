"""What the figures of a recipe's loops share: where their numbers come from, bands over loops, a second panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from altune.analysis.loops.facts import LoopFacts
from altune.analysis.loops.series import Series
from altune.core.errors import RequestError
from altune.report.figures import style
from altune.report.figures.style import Look

if TYPE_CHECKING:
    from altune.analysis.run import Run

HALF = 0.5
PANEL_TITLE = "panel"
LEGEND_BELOW = 62
"""Pixels from the last panel to the legend of a narrow screen."""


def loops_of(source: LoopFacts | Run) -> LoopFacts:
    """Return the facts of loops, a run's own where a run is given.

    Raises
    ------
    RequestError
        If the run was not examined.
    """
    if isinstance(source, LoopFacts):
        return source
    found = source.loops
    if found is None:
        raise RequestError("the run was not examined: it is not confirmed yet, or an earlier altune made it")
    return found


def common_loops(facts: LoopFacts) -> int:
    """Return how many loops, from the first on, at least half the blocks had; beyond, means are of too few."""
    return sum(count >= HALF * facts.blocks for count in facts.reached)


def blocks_words(count: int) -> str:
    """Return a number of blocks in words.

    >>> blocks_words(1), blocks_words(5)
    ('1 split', 'mean of 5 splits')
    """
    return "1 split" if count == 1 else f"mean of {count} splits"


def spread_words(count: int) -> str:
    """Return what bars and bands over blocks are; nothing for a single one.

    >>> spread_words(5)
    ', bars: 10 to 90 % of them'
    """
    return "" if count == 1 else ", bars: 10 to 90 % of them"


def add_band(figure: go.Figure, x: Sequence[float], series: Series, colour: str, *, axis: str = "") -> None:
    """Fill from the low to the high end of a series; loops without one are left out."""
    known = [place for place in range(len(x)) if series.low[place] is not None]
    edge: dict[str, Any] = {
        "mode": "lines",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
        "x": [x[place] for place in known],
        "xaxis": f"x{axis}",
        "yaxis": f"y{axis}",
    }
    figure.add_scatter(y=[series.low[place] for place in known], **edge)
    figure.add_scatter(
        y=[series.high[place] for place in known], fill="tonexty", fillcolor=style.translucent(colour, 0.16), **edge
    )


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
    """Draw one line over loops; a loop without a number leaves a gap."""
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
    """Write the names of lines beside their ends, kept apart.

    Parameters
    ----------
    ends : name, last value and colour of each line.
    height : the range of the panel's values.
    axis : the panel, ``""`` or ``"2"``.
    share : least distance of two names, as a share of the height.
    """
    places = style.spread_apart([value for _, value, _ in ends], share * height)
    # Plotly leaves out a text that stands below the axis.
    lift = max(0.0, HALF * share * height - min(places))
    places = [place + lift for place in places]
    for (name, _, colour), place in zip(ends, places, strict=True):
        style.add_direct_label(figure, name, place, colour, axis=axis)


def split_panels(
    figure: go.Figure, lower: float, gap: float, titles: tuple[str, str], *, x: str, y: str, shared: bool = False
) -> None:
    """Put a second panel below the figure's own.

    Parameters
    ----------
    lower : share of the height that the lower panel takes.
    gap : share that lies between.
    titles : what stands above each panel, safe text already.
    x, y : titles of the lower panel's axes.
    shared : whether both have the same horizontal axis, whose numbers and title then stand below alone.
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
        figure.add_annotation(
            name=PANEL_TITLE,
            text=title,
            x=0,
            xref="paper",
            xanchor="left",
            y=top,
            yref="paper",
            yanchor="bottom",
            yshift=4,
            showarrow=False,
            align="left",
            font={"size": 13, "color": style.INK},
        )


def loop_ticks(figure: go.Figure, last: int, axis: str = "xaxis") -> None:
    """Let an axis of loops show whole numbers, with room for the first and the last mark."""
    step = max(1, -(-last // 10))
    figure.update_layout({axis: {"range": [-0.6, last + 0.6], "tick0": 0, "dtick": step}})
