"""Where in the pool are the rows that were bought? The first sample, the earlier loops, and the later ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from altune.analysis.loops.facts import LoopFacts
from altune.analysis.loops.pool_map import PoolMap
from altune.analysis.run import Run
from altune.core.errors import RequestError
from altune.core.text import counted
from altune.report.figures import style
from altune.report.figures.by_loop import PANEL_TITLE
from altune.report.figures.inputs import loops_of
from altune.report.figures.style import safe_text

MOST_NAMED = 12
"""The map names classes if there are at most this many."""
NARROW_PANEL = 300
SPACE = 0.04
NARROW_GAP = 36
TOP, BOTTOM = 138, 20
EARLIER = "#9aa3ad"
BEHIND = "#d5d9de"


class Phase(NamedTuple):
    """Some successive loops: their name, and the rows bought in them (positions in the order of purchase)."""

    name: str
    picks: tuple[int, ...]


class ClassName(NamedTuple):
    """The name of a class at the median of its rows."""

    name: str
    x: float
    y: float


class PoolMapNumbers(NamedTuple):
    """Numbers of the figure: phases, and names of classes unless there are too many."""

    phases: tuple[Phase, ...]
    names: tuple[ClassName, ...]


def pool_map_numbers(facts: LoopFacts) -> PoolMapNumbers:
    """Return the numbers of :func:`plot_pool_map`."""
    pool_map = _map_of(facts)
    loops = np.asarray(pool_map.picked_loop)
    last = int(loops.max())
    middle = (last + 1) // 2
    ranges = [("first sample", 0, 0), (_name(1, middle), 1, middle), (_name(middle + 1, last), middle + 1, last)]
    phases = [
        Phase(name, tuple(np.flatnonzero((loops >= low) & (loops <= high)).tolist())) for name, low, high in ranges
    ]
    return PoolMapNumbers(tuple(phase for phase in phases if phase.picks), _names(pool_map))


def plot_pool_map(source: Run | LoopFacts) -> go.Figure:
    """Plot the pool of the first block in two dimensions, with the rows bought first, earlier and later.

    Parameters
    ----------
    source : a run, or the result of :func:`altune.examine`.

    Raises
    ------
    RequestError
        If the run was not examined, or has no map.
    """
    facts = loops_of(source)
    pool_map, numbers = _map_of(facts), pool_map_numbers(facts)
    shown, total = len(pool_map.x), pool_map.pool_rows
    rows = f"{shown:,} of {total:,}" if shown < total else f"all {total:,}"
    lines = [f"{rows} rows of one block's pool", _axes(pool_map), "● bought then, ○ bought before, · the rest"]
    lines += ["names are at the median of their class"] if numbers.names else []
    figure = style.new_figure("Where are the rows that were bought?", lines, height=330 + BOTTOM, top=TOP)
    _arrange(figure, len(numbers.phases))
    before: list[int] = []
    for panel, phase in enumerate(numbers.phases):
        _add_panel(figure, pool_map, phase, before, numbers.names, _axis_number(panel))
        before += phase.picks
    return figure


def _map_of(facts: LoopFacts) -> PoolMap:
    if facts.pool_map is None:
        raise RequestError("there is no map: the pool has one feature only, or fewer than three rows")
    return facts.pool_map


def _name(first: int, last: int) -> str:
    return f"loop {first}" if first >= last else f"loops {first} to {last}"


def _names(pool_map: PoolMap) -> tuple[ClassName, ...]:
    codes, x, y = np.asarray(pool_map.code), np.asarray(pool_map.x), np.asarray(pool_map.y)
    if len(pool_map.classes) > MOST_NAMED:
        return ()
    return tuple(
        ClassName(name, float(np.median(x[codes == code])), float(np.median(y[codes == code])))
        for code, name in enumerate(pool_map.classes)
        if (codes == code).any()
    )


def _axes(pool_map: PoolMap) -> str:
    if pool_map.explained is None:
        return "two dimensions by UMAP: rows nearby are alike"
    return f"2 principal components, {100 * sum(pool_map.explained):.0f} % of the variance"


def _axis_number(panel: int) -> str:
    return "" if panel == 0 else str(panel + 1)


def _arrange(figure: go.Figure, panels: int) -> None:
    """Place the panels side by side; on a narrow screen the page places them one below the other."""
    axis = figure.layout.xaxis.to_plotly_json()
    plain = {"showticklabels": False, "ticks": "", "showgrid": False, "mirror": True, "title": {"text": ""}}
    width = (1 - SPACE * (panels - 1)) / panels
    gap = NARROW_GAP / (NARROW_PANEL * panels)
    height = (1 - gap * (panels - 1)) / panels
    wide: dict[str, Any] = {"height": figure.layout.height}
    narrow: dict[str, Any] = {"height": TOP + BOTTOM + NARROW_PANEL * panels}
    for panel in range(panels):
        number = _axis_number(panel)
        left, bottom = panel * (width + SPACE), (panels - 1 - panel) * (height + gap)
        wide |= {f"xaxis{number}.domain": [left, left + width], f"yaxis{number}.domain": [0, 1]}
        narrow |= {f"xaxis{number}.domain": [0, 1], f"yaxis{number}.domain": [bottom, min(1.0, bottom + height)]}
        for name, other in (("x", "y"), ("y", "x")):
            linked = {} if panel == 0 else {"matches": name}
            place = {"anchor": f"{other}{number}", "domain": wide[f"{name}axis{number}.domain"]}
            figure.layout[f"{name}axis{number}"] = axis | plain | linked | place
    figure.layout.meta = {**figure.layout.meta, "wide": wide, "narrow": narrow}


def _add_panel(
    figure: go.Figure, pool_map: PoolMap, phase: Phase, before: Sequence[int], names: Sequence[ClassName], number: str
) -> None:
    axes = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
    quiet = {"showlegend": False, **axes}
    style.add_marks(figure, pool_map.x, pool_map.y, {"size": 3, "color": BEHIND}, **quiet)
    ring = {"size": 6, "symbol": "circle-open", "color": EARLIER, "line": {"width": 1.25, "color": EARLIER}}
    style.add_marks(figure, *_at(pool_map, before), ring, **quiet)
    classes = [safe_text(name, 20) for name in pool_map.classes]
    hover = [
        f"row {pool_map.picked_row[pick]}, class {classes[pool_map.picked_code[pick]]}<br>"
        f"bought in loop {pool_map.picked_loop[pick]}"
        for pick in phase.picks
    ]
    marker = {"size": 7, "color": style.BETTER, "line": {"width": 0.75, "color": style.PAPER}}
    style.add_marks(figure, *_at(pool_map, phase.picks), marker, hover, **quiet)
    for name in names:
        figure.add_annotation(
            text=f"<b>{safe_text(name.name, 14)}</b>",
            x=name.x,
            y=name.y,
            xref=f"x{number}",
            yref=f"y{number}",
            showarrow=False,
            yshift=9,
            bgcolor=style.translucent(style.PAPER, 0.6),
            borderpad=0,
            font={"size": 13, "color": style.INK},
        )
    title = f"<b>{phase.name[:1].upper()}{phase.name[1:]}</b>: {counted(len(phase.picks), 'row')}"
    above: dict[str, Any] = {"yref": f"y{number} domain", "yshift": 3, "font": {"size": 13}}
    style.add_text(figure, title, 1, number, name=PANEL_TITLE, **above)


def _at(pool_map: PoolMap, picks: Sequence[int]) -> tuple[list[float], list[float]]:
    return [pool_map.picked_x[pick] for pick in picks], [pool_map.picked_y[pick] for pick in picks]
