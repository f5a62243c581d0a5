"""What does it cost? Trials by two objectives at a time, and their Pareto front."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from altune.analysis.run import Run
from altune.core.errors import RequestError
from altune.core.text import counted
from altune.report.figures import style
from altune.report.figures.front_numbers import FrontPair, pareto_front_numbers
from altune.report.figures.inputs import front_of
from altune.report.figures.points import FrontAxis, FrontPoint
from altune.report.figures.style import MarkLook, safe_text, words

Mark = Literal["trial", "front", "picked", "infeasible"]
Array = NDArray[np.float64]
PANEL = 400
"""Height of the panel of a pair of objectives, in pixels."""


LOOKS: dict[Mark, MarkLook] = {
    "trial": MarkLook("circle-open", "○", style.QUIET, "other trials"),
    "infeasible": MarkLook("x-thin-open", "✕", style.WORSE, "infeasible"),
    "front": MarkLook("circle", "●", style.BETTER, "on the front", 10),
    "picked": MarkLook("star", "★", style.BETTER, "picked", 17),
}
"""Looks of trials; baselines look as in other figures."""


def plot_pareto_front(
    source: Run | Sequence[FrontPoint],
    axes: Sequence[FrontAxis] = (),
    *,
    title: str = "Pareto front of the search",
    of: str = "trials",
    names: bool = False,
) -> go.Figure:
    """Plot all trials by two objectives at a time, the front as a step line, the picked trial and the baselines.

    Parameters
    ----------
    source : a run, or trials and baselines.
    axes : the objectives, two or more; each pair has a panel, one below the other. A run has its own.
    title : of the figure.
    of : what the points are, in the plural.
    names : whether to name every point, not only the picked one and the baselines.

    Raises
    ------
    RequestError
        If there are fewer than two objectives, or no trials.
    """
    if isinstance(source, Sequence):
        points = source
    else:
        points, axes = front_of(source)
    if len(axes) < 2 or all(point.role == "baseline" for point in points):
        raise RequestError("a Pareto front needs two or more objectives, and a trial")
    front, pairs = pareto_front_numbers(points, axes)
    marked = _marked(points, front)
    key = _key(marked, any(points[index].role == "picked" for index in front), of)
    # The key takes its lines from the panels, beyond the first.
    height = PANEL * len(pairs) - 4 - 18 * len(key)
    figure = _with_panels(style.new_figure(safe_text(title, None), key, height=height), len(pairs))
    figure.update_layout(legend_y=-0.22 / len(pairs))
    for row, pair in enumerate(pairs, start=1):
        _add_pair(figure, points, marked, axes, pair, row)
        _add_names(figure, points, axes, pair, row, names)
    return figure


def _marked(points: Sequence[FrontPoint], front: Sequence[int]) -> dict[Mark, list[FrontPoint]]:
    """Return the trials by their mark; the picked one has its own, on the front or not."""
    marked: dict[Mark, list[FrontPoint]] = {mark: [] for mark in LOOKS}
    for index, point in enumerate(points):
        if point.role == "trial":
            marked["front" if index in front else "trial"].append(point)
        elif point.role != "baseline":
            marked[point.role].append(point)
    return marked


def _key(marked: Mapping[Mark, Sequence[FrontPoint]], picked_on_front: bool, of: str) -> list[str]:
    """Return the lines that explain the marks, with the number of points of each."""
    texts = {mark: f"{len(marked[mark])} {look.words}" for mark, look in LOOKS.items()}
    texts["trial"] = f"{len(marked['trial'])} other {of if len(marked['trial']) != 1 else of.removesuffix('s')}"
    texts["picked"] = LOOKS["picked"].words
    if picked_on_front:
        texts["front"] = f"{counted(len(marked['front']), 'other')} on the front"
    order: tuple[Mark, ...] = ("picked", "front", "trial", "infeasible")
    return style.key_lines("", [f"{LOOKS[mark].sign} {texts[mark]}" for mark in order if marked[mark]])


def _with_panels(figure: go.Figure, rows: int) -> go.Figure:
    """Return a figure with the same layout and a panel for each pair."""
    panels = make_subplots(rows=rows, cols=1, vertical_spacing=90 / (PANEL * rows) if rows > 1 else 0.0)
    kept = figure.layout.to_plotly_json()
    x, y = kept.pop("xaxis"), kept.pop("yaxis")
    panels.update_layout(kept)
    panels.update_xaxes(x)
    panels.update_yaxes(y)
    return panels


def _add_pair(
    figure: go.Figure,
    points: Sequence[FrontPoint],
    marked: Mapping[Mark, Sequence[FrontPoint]],
    axes: Sequence[FrontAxis],
    pair: FrontPair,
    row: int,
) -> None:
    along, up = axes[pair.along], axes[pair.up]
    panel: dict[str, int] = {"row": row, "col": 1}
    figure.add_scatter(
        x=pair.x,
        y=pair.y,
        mode="lines",
        name="front",
        line={"shape": "hv", "color": style.BETTER, "width": 2.5},
        hoverinfo="skip",
        showlegend=row == 1,
        **panel,
    )
    for mark, shown in marked.items():
        look = LOOKS[mark]
        marker = look.marker | ({"line": {"width": 1.75, "color": style.INK}} if mark == "picked" else {})
        if shown:
            _add_points(figure, shown, axes, pair, marker, look.words, row)
    baselines = [point for point in points if point.role == "baseline"]
    for point, grey in zip(baselines, style.GREYS * len(baselines), strict=False):
        line = {"width": 2.5, "color": grey.colour}
        marker = {"symbol": grey.symbol, "size": 12, "color": grey.colour, "line": line}
        _add_points(figure, [point], axes, pair, marker, _label(point), row)
    figure.update_xaxes(
        title_text=_axis_title(along, "←", "→", style.X_WIDTH), range=_range(points, pair.along), **panel
    )
    figure.update_yaxes(title_text=_axis_title(up, "↓", "↑", style.Y_WIDTH), range=_range(points, pair.up), **panel)


def _add_points(
    figure: go.Figure,
    points: Sequence[FrontPoint],
    axes: Sequence[FrontAxis],
    pair: FrontPair,
    marker: dict[str, object],
    name: str,
    row: int,
) -> None:
    style.add_marks(
        figure,
        [point.values[pair.along] for point in points],
        [point.values[pair.up] for point in points],
        marker,
        [_hover(point, axes) for point in points],
        name=name,
        cliponaxis=False,
        showlegend=row == 1,
        row=row,
        col=1,
    )


def _hover(point: FrontPoint, axes: Sequence[FrontAxis]) -> str:
    lines = [f"<b>{_label(point)}</b>" + (f", {point.role}" if point.role in ("picked", "infeasible") else "")]
    lines += [
        f"{safe_text(axis.name, 60)}: {axis.amounts.exact.text(value)}"
        for axis, value in zip(axes, point.values, strict=True)
    ]
    lines += [safe_text(line, 80) for line in textwrap.wrap(point.detail, 70)[:4]]
    return "<br>".join(lines)


def _label(point: FrontPoint) -> str:
    return safe_text(words(point.name), 26)


def _add_names(
    figure: go.Figure, points: Sequence[FrontPoint], axes: Sequence[FrontAxis], pair: FrontPair, row: int, every: bool
) -> None:
    """Write names beside marks, towards the middle and without overlap.

    Named are the picked trial and the baselines, or ``every`` point.
    """
    ends, (low, high) = _range(points, pair.along), _range(points, pair.up)
    span = high - low
    middle = sum(ends) / 2
    named = [point for point in points if every or point.role in ("picked", "baseline")]
    for right in (False, True):
        side = [point for point in named if (point.values[pair.along] > middle) == right]
        wanted = [_height(point, axes, pair, span) for point in side]
        for point, height in zip(side, style.spread_apart(wanted, 0.07 * span, (low, high)), strict=True):
            picked = point.role == "picked"
            figure.add_annotation(
                name=None if every else style.DIRECT,
                text=f"<b>{_label(point)}, picked</b>" if picked else _label(point),
                x=point.values[pair.along],
                y=height,
                xanchor="right" if right else "left",
                xshift=-9 if right else 9,
                yanchor="middle",
                showarrow=False,
                font={"color": style.BETTER if picked else style.QUIET, "size": 13},
                row=row,
                col=1,
            )


def _height(point: FrontPoint, axes: Sequence[FrontAxis], pair: FrontPair, span: float) -> float:
    # The name of the picked trial is on the side that no trial reached, where there are no marks.
    below = point.role == "picked" and axes[pair.up].amounts.less_is_better
    return point.values[pair.up] + (-0.05 if below else 0.05) * span


def _range(points: Sequence[FrontPoint], axis: int) -> tuple[float, float]:
    """Return the ends of an axis, with space for names and large marks."""
    values = [point.values[axis] for point in points]
    pad = 0.1 * (max(values) - min(values)) or 0.01 * (abs(values[0]) or 1.0)
    return min(values) - pad, max(values) + pad


def _axis_title(axis: FrontAxis, less: str, more: str, width: int) -> str:
    unit = f" ({axis.amounts.unit})" if axis.amounts.unit and axis.amounts.unit not in axis.name else ""
    better = f"{less} less is better" if axis.amounts.less_is_better else f"more is better {more}"
    return f"{style.wrapped(safe_text(axis.name + unit, None), width)}<br>{better}"
