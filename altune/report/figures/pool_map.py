"""Where in the pool the rows lie that were bought: the first sample, the earlier loops, the later ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from altune.analysis.loops.facts import LoopFacts
from altune.analysis.loops.pool_map import PoolMap
from altune.core.errors import RequestError
from altune.report.figures import style
from altune.report.figures.by_loop import PANEL_TITLE, loops_of
from altune.report.figures.style import safe_text

if TYPE_CHECKING:
    from altune.analysis.run import Run

MOST_NAMED = 12
"""Classes whose names stand on the map."""
NARROW_PANEL = 300
SPACE = 0.04
NARROW_GAP = 36
TOP, BOTTOM = 138, 20
EARLIER = "#9aa3ad"
BEHIND = "#d5d9de"


class Phase(NamedTuple):
    """A stretch of loops: its name, and which of the rows bought belong to it (positions in the order of purchase)."""

    name: str
    picks: tuple[int, ...]


class ClassName(NamedTuple):
    """A class's name at the middle of its rows."""

    name: str
    x: float
    y: float


class PoolMapNumbers(NamedTuple):
    """What the figure shows: phases, and names of classes; none of them where there are too many."""

    phases: tuple[Phase, ...]
    names: tuple[ClassName, ...]


def pool_map_numbers(source: LoopFacts | Run) -> PoolMapNumbers:
    """Return what :func:`plot_pool_map` shows.

    Raises
    ------
    RequestError
        If there is no map.
    """
    shown = _map_of(loops_of(source))
    loops = np.asarray(shown.picked_loop)
    last = int(loops.max())
    middle = (last + 1) // 2
    stretches = [("first sample", 0, 0), (_name(1, middle), 1, middle), (_name(middle + 1, last), middle + 1, last)]
    phases = [
        Phase(name, tuple(np.flatnonzero((loops >= low) & (loops <= high)).tolist())) for name, low, high in stretches
    ]
    return PoolMapNumbers(tuple(phase for phase in phases if phase.picks), _names(shown))


def plot_pool_map(source: LoopFacts | Run) -> go.Figure:
    """Plot the pool of the first block in two dimensions, with the rows bought at the start, earlier and later.

    Parameters
    ----------
    source : what :func:`altune.examine` found, or a run.

    Raises
    ------
    RequestError
        If the run was not examined, or has no map.
    """
    facts = loops_of(source)
    shown, numbers = _map_of(facts), pool_map_numbers(facts)
    panels = len(numbers.phases)
    drawn = f"{len(shown.x):,} of {shown.pool_rows:,}" if len(shown.x) < shown.pool_rows else f"all {shown.pool_rows:,}"
    names = "<br>names stand at the middle of their class" if numbers.names else ""
    figure = style.new_figure(
        "Where are the rows that were bought?",
        f"{drawn} rows of one split's pool<br>{_axes(shown)}<br>● bought then, ○ bought before, · the rest{names}",
        x="",
        y="",
        height=TOP + 330 + BOTTOM,
        top=TOP,
    )
    _arrange(figure, panels)
    before: list[int] = []
    for place, phase in enumerate(numbers.phases):
        _add_panel(figure, shown, phase, before, numbers.names, "" if place == 0 else str(place + 1))
        before += phase.picks
    return figure


def _map_of(facts: LoopFacts) -> PoolMap:
    if facts.pool_map is None:
        raise RequestError("a pool of one feature, or of a row or two, has no map")
    return facts.pool_map


def _name(first: int, last: int) -> str:
    return f"loop {first}" if first >= last else f"loops {first} to {last}"


def _names(shown: PoolMap) -> tuple[ClassName, ...]:
    code, x, y = np.asarray(shown.code), np.asarray(shown.x), np.asarray(shown.y)
    if len(shown.classes) > MOST_NAMED:
        return ()
    return tuple(
        ClassName(name, float(np.median(x[code == own])), float(np.median(y[code == own])))
        for own, name in enumerate(shown.classes)
        if (code == own).any()
    )


def _axes(shown: PoolMap) -> str:
    if shown.explained is None:
        return "two dimensions by UMAP: near is alike"
    return f"2 principal components, {100 * sum(shown.explained):.0f} % of the variance"


def _arrange(figure: go.Figure, panels: int) -> None:
    """Put panels side by side; the page puts them above each other where the screen is narrow."""
    axis = figure.layout.xaxis.to_plotly_json()
    plain = {"showticklabels": False, "ticks": "", "showgrid": False, "mirror": True, "title": {"text": ""}}
    width = (1 - SPACE * (panels - 1)) / panels
    gap = NARROW_GAP / (NARROW_PANEL * panels)
    height = (1 - gap * (panels - 1)) / panels
    wide: dict[str, Any] = {"height": figure.layout.height}
    narrow: dict[str, Any] = {"height": TOP + BOTTOM + NARROW_PANEL * panels}
    for place in range(panels):
        number = "" if place == 0 else str(place + 1)
        left, bottom = place * (width + SPACE), (panels - 1 - place) * (height + gap)
        wide |= {f"xaxis{number}.domain": [left, left + width], f"yaxis{number}.domain": [0, 1]}
        narrow |= {f"xaxis{number}.domain": [0, 1], f"yaxis{number}.domain": [bottom, min(1.0, bottom + height)]}
        linked = {} if place == 0 else {"matches": "x"}
        figure.layout[f"xaxis{number}"] = (
            axis | plain | linked | {"anchor": f"y{number}", "domain": wide[f"xaxis{number}.domain"]}
        )
        linked = {} if place == 0 else {"matches": "y"}
        figure.layout[f"yaxis{number}"] = axis | plain | linked | {"anchor": f"x{number}", "domain": [0, 1]}
    figure.layout.meta = {**figure.layout.meta, "wide": wide, "narrow": narrow}


def _add_panel(
    figure: go.Figure, shown: PoolMap, phase: Phase, before: Sequence[int], names: Sequence[ClassName], number: str
) -> None:
    axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
    quiet = {"mode": "markers", "hoverinfo": "skip", "showlegend": False, **axes}
    figure.add_scatter(x=shown.x, y=shown.y, marker={"size": 3, "color": BEHIND}, **quiet)
    figure.add_scatter(
        x=[shown.picked_x[pick] for pick in before],
        y=[shown.picked_y[pick] for pick in before],
        marker={"size": 6, "symbol": "circle-open", "color": EARLIER, "line": {"width": 1.25, "color": EARLIER}},
        **quiet,
    )
    classes = [safe_text(name, 20) for name in shown.classes]
    figure.add_scatter(
        x=[shown.picked_x[pick] for pick in phase.picks],
        y=[shown.picked_y[pick] for pick in phase.picks],
        mode="markers",
        marker={"size": 7, "color": style.BETTER, "line": {"width": 0.75, "color": "#ffffff"}},
        text=[
            f"row {shown.picked_row[pick]}, class {classes[shown.picked_code[pick]]}<br>"
            f"bought in loop {shown.picked_loop[pick]}"
            for pick in phase.picks
        ],
        hoverinfo="text",
        showlegend=False,
        **axes,
    )
    for name in names:
        figure.add_annotation(
            text=f"<b>{safe_text(name.name, 14)}</b>",
            x=name.x,
            y=name.y,
            xref=f"x{number}",
            yref=f"y{number}",
            showarrow=False,
            yshift=9,
            bgcolor="rgba(255,255,255,0.6)",
            borderpad=0,
            font={"size": 13, "color": style.INK},
        )
    count = len(phase.picks)
    figure.add_annotation(
        name=PANEL_TITLE,
        text=f"<b>{phase.name[:1].upper()}{phase.name[1:]}</b>: {count} row{'' if count == 1 else 's'}",
        x=0,
        xref=f"x{number} domain",
        xanchor="left",
        y=1,
        yref=f"y{number} domain",
        yanchor="bottom",
        yshift=3,
        showarrow=False,
        font={"size": 13},
    )
