"""What is won and what it costs: trials by two objectives at a time, and the front that none of them betters."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from altune.core.errors import RequestError
from altune.report.figures import style
from altune.report.figures.inputs import FrontAxis, FrontPoint, front_of
from altune.report.figures.style import Look, safe_text, words
from altune.simulation.objectives import Direction
from altune.tuning.preference import pareto_front

if TYPE_CHECKING:
    from altune.analysis.run import Run

Mark = Literal["trial", "front", "picked", "breaking a bound"]
Array = NDArray[np.float64]
PANEL = 400
"""Height of one pair of objectives, in pixels."""


class FrontPair(NamedTuple):
    """One panel: positions of the objectives along and up, and the corners of the front's line, best along first."""

    along: int
    up: int
    x: tuple[float, ...]
    y: tuple[float, ...]


class FrontNumbers(NamedTuple):
    """What the figure shows: positions of the points on the front of all objectives, and a panel for each pair."""

    front: tuple[int, ...]
    pairs: tuple[FrontPair, ...]


class _MarkLook(NamedTuple):
    symbol: str
    sign: str
    size: int
    colour: str
    words: str


LOOKS: dict[Mark, _MarkLook] = {
    "trial": _MarkLook("circle-open", "○", 8, style.QUIET, "other trials"),
    "breaking a bound": _MarkLook("x-thin-open", "✕", 8, style.WORSE, "breaking a bound"),
    "front": _MarkLook("circle", "●", 10, style.BETTER, "on the front"),
    "picked": _MarkLook("star", "★", 17, style.BETTER, "picked"),
}
"""Looks of trials; baselines have those of other figures."""


def pareto_front_numbers(points: Sequence[FrontPoint], axes: Sequence[FrontAxis]) -> FrontNumbers:
    """Return who is on the front, and a panel for each pair of objectives, the earlier one upwards, with its line.

    The line parts what trials within all bounds have reached, in these two objectives, from what none has: it steps
    at right angles, since nothing between two trials was seen. With three objectives or more a trial may be on the
    front of all and off the line of a pair.

    Parameters
    ----------
    points : trials and baselines.
    axes : the objectives, two or more.
    """
    counted = [place for place, point in enumerate(points) if point.role in ("trial", "picked")]
    values = np.array([points[place].values for place in counted], dtype=np.float64).reshape(-1, len(axes))
    front = pareto_front(values, [axis.direction for axis in axes])
    return FrontNumbers(
        tuple(counted[place] for place in front),
        tuple(_pair(points, values, axes, up, along) for up, along in combinations(range(len(axes)), 2)),
    )


def plot_pareto_front(
    points: Run | Sequence[FrontPoint],
    axes: Sequence[FrontAxis] = (),
    *,
    title: str = "Pareto front of the search",
    of: str = "trials",
    names: bool = False,
) -> go.Figure:
    """Plot all trials by two objectives at a time, the front as a step line, the picked trial and the baselines.

    Parameters
    ----------
    points : a run, or trials and baselines.
    axes : the objectives, two or more; each pair has a panel, one below the other. A run brings its own.
    title : of the figure.
    of : what the points are.
    names : whether every point is named beside its mark, and not only the picked one and the baselines.

    Raises
    ------
    RequestError
        If there are fewer than two objectives or no trials.
    """
    if not isinstance(points, Sequence):
        return plot_pareto_front(*front_of(points), title=title, of=of, names=names)
    if len(axes) < 2 or all(point.role == "baseline" for point in points):
        raise RequestError("a Pareto front needs two objectives or more, and a trial")
    front, pairs = pareto_front_numbers(points, axes)
    marked = _marked(points, front)
    key = _key(marked, any(points[place].role == "picked" for place in front), of)
    figure = style.new_figure(
        safe_text(title, 60),
        "<br>".join(key),
        x="",
        y="",
        height=PANEL * len(pairs) + 40,
        right=24,
        top=62 + 18 * (len(key) - 1),
    )
    figure = _with_panels(figure, len(pairs))
    figure.update_layout(legend_y=-0.22 / len(pairs))
    for row, pair in enumerate(pairs, start=1):
        _add_pair(figure, points, marked, axes, pair, row)
        _add_names(figure, points, axes, pair, row, names)
    return figure


def _pair(points: Sequence[FrontPoint], values: Array, axes: Sequence[FrontAxis], up: int, along: int) -> FrontPair:
    if not len(values):
        return FrontPair(along, up, (), ())
    directions = (axes[along].direction, axes[up].direction)
    own = values[:, [along, up]]
    front = np.unique(own[pareto_front(own, directions)], axis=0)
    # From the best along, at the worst height that is drawn, to the best height, at the worst along.
    ordered = front if directions[0] == "minimize" else front[::-1]
    worst_along, worst_up = (_worst(points, place, axes[place].direction) for place in (along, up))
    x = [ordered[0, 0], *ordered[:, 0], worst_along]
    y = [worst_up, *ordered[:, 1], ordered[-1, 1]]
    return FrontPair(along, up, tuple(map(float, x)), tuple(map(float, y)))


def _worst(points: Sequence[FrontPoint], place: int, direction: Direction) -> float:
    return (max if direction == "minimize" else min)(point.values[place] for point in points)


def _marked(points: Sequence[FrontPoint], front: Sequence[int]) -> dict[Mark, list[FrontPoint]]:
    """Return the trials by how they are drawn: the picked one by its own mark, on the front or not."""
    found: dict[Mark, list[FrontPoint]] = {mark: [] for mark in LOOKS}
    for place, point in enumerate(points):
        if point.role == "trial":
            found["front" if place in front else "trial"].append(point)
        elif point.role != "baseline":
            found[point.role].append(point)
    return found


def _key(marked: Mapping[Mark, Sequence[FrontPoint]], picked_on_front: bool, of: str) -> list[str]:
    """Return which marker is which, and how many there are."""
    said = {mark: f"{len(marked[mark])} {look.words}" for mark, look in LOOKS.items()}
    said["trial"] = f"{len(marked['trial'])} other {of}"
    said["picked"] = LOOKS["picked"].words
    if picked_on_front:
        said["front"] = f"{len(marked['front'])} other{'' if len(marked['front']) == 1 else 's'} on the front"
    order: tuple[Mark, ...] = ("picked", "front", "trial", "breaking a bound")
    return style.key_lines("", [f"{LOOKS[mark].sign} {said[mark]}" for mark in order if marked[mark]])


def _with_panels(figure: go.Figure, rows: int) -> go.Figure:
    """Return the figure with its look kept, and a panel for each pair."""
    gap = 90 / (PANEL * rows) if rows > 1 else 0.0
    panels = make_subplots(rows=rows, cols=1, vertical_spacing=gap)
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
    place: dict[str, int] = {"row": row, "col": 1}
    figure.add_scatter(
        x=pair.x,
        y=pair.y,
        mode="lines",
        name="front",
        line={"shape": "hv", "color": style.BETTER, "width": 2.5},
        hoverinfo="skip",
        showlegend=row == 1,
        **place,
    )
    for mark, shown in marked.items():
        if shown:
            _add_points(figure, shown, axes, pair, _marker(mark), LOOKS[mark].words, row)
    baselines = [point for point in points if point.role == "baseline"]
    for point, look in zip(baselines, style.GREYS * len(baselines), strict=False):
        _add_points(figure, [point], axes, pair, _grey(look), _label(point), row)
    figure.update_xaxes(title_text=_axis_title(along, "←", "→"), range=_range(points, pair.along), **place)
    figure.update_yaxes(title_text=_axis_title(up, "↓", "↑"), range=_range(points, pair.up), **place)


def _marker(mark: Mark) -> dict[str, object]:
    look = LOOKS[mark]
    edge = style.INK if mark == "picked" else look.colour
    return {"symbol": look.symbol, "size": look.size, "color": look.colour, "line": {"width": 1.75, "color": edge}}


def _grey(look: Look) -> dict[str, object]:
    return {"symbol": look.symbol, "size": 12, "color": look.colour, "line": {"width": 2.5, "color": look.colour}}


def _add_points(
    figure: go.Figure,
    points: Sequence[FrontPoint],
    axes: Sequence[FrontAxis],
    pair: FrontPair,
    marker: dict[str, object],
    name: str,
    row: int,
) -> None:
    figure.add_scatter(
        x=[point.values[pair.along] for point in points],
        y=[point.values[pair.up] for point in points],
        mode="markers",
        name=name,
        marker=marker,
        text=[_hover(point, axes) for point in points],
        hoverinfo="text",
        cliponaxis=False,
        showlegend=row == 1,
        row=row,
        col=1,
    )


def _hover(point: FrontPoint, axes: Sequence[FrontAxis]) -> str:
    told = [f"<b>{_label(point)}</b>" + (f", {point.role}" if point.role in ("picked", "breaking a bound") else "")]
    told += [
        f"{safe_text(axis.name, 60)}: {axis.amounts.exact.text(value)}"
        for axis, value in zip(axes, point.values, strict=True)
    ]
    told += [safe_text(line, 80) for line in textwrap.wrap(point.detail, 70)[:4]]
    return "<br>".join(told)


def _label(point: FrontPoint) -> str:
    return safe_text(words(point.name), 26)


def _add_names(
    figure: go.Figure, points: Sequence[FrontPoint], axes: Sequence[FrontAxis], pair: FrontPair, row: int, every: bool
) -> None:
    """Write names beside marks, towards the middle and apart from one another; of the notable unless ``every``."""
    ends, span = _range(points, pair.along), float(np.ptp(_range(points, pair.up)))
    middle = sum(ends) / 2
    named = [point for point in points if every or point.role in ("picked", "baseline")]
    for right in (False, True):
        side = [point for point in named if (point.values[pair.along] > middle) == right]
        # The picked one's name stands where nothing was reached, clear of marks.
        wanted = [_height(point, axes, pair, span) for point in side]
        for point, height in zip(side, style.spread_apart(wanted, 0.07 * span), strict=True):
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
    below = point.role == "picked" and axes[pair.up].amounts.less_is_better
    return point.values[pair.up] + (-0.05 if below else 0.05) * span


def _range(points: Sequence[FrontPoint], place: int) -> tuple[float, float]:
    """Return the ends of an axis, with room for names and large marks."""
    values = [point.values[place] for point in points]
    pad = 0.1 * (max(values) - min(values)) or 0.01 * (abs(values[0]) or 1.0)
    return min(values) - pad, max(values) + pad


def _axis_title(axis: FrontAxis, less: str, more: str) -> str:
    unit = f" ({axis.amounts.unit})" if axis.amounts.unit and axis.amounts.unit not in axis.name else ""
    better = f"{less} less is better" if axis.amounts.less_is_better else f"more is better {more}"
    return f"{safe_text(axis.name + unit, 60)}<br>{better}"
