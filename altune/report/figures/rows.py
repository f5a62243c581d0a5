"""Figures of rows: each has its name and number on a strip above its mark, which fits any width of screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import plotly.graph_objects as go

from altune.core.errors import RequestError
from altune.report.figures import style

if TYPE_CHECKING:
    from altune.analysis.comparison.result import RecipeComparison

One = TypeVar("One")
ROOMY_ROWS = 6
"""Up to so many rows name and number have a line each; beyond, they share one."""


class Strip(NamedTuple):
    """Where name and number of a row stand, in pixels above its mark; ``row`` is the height of a whole row."""

    low: int
    high: int
    row: int


ROOMY, TIGHT, DENSE = Strip(14, 54, 86), Strip(11, 47, 72), Strip(11, 31, 58)
LINE = 48
"""Characters of name and number that share a line of a phone."""


def strip_of(rows: int, longest: int = 0) -> Strip:
    """Return the strip for so many rows, whose longest name and number have so many characters together.

    >>> strip_of(4, 60) is ROOMY, strip_of(20, 60) is TIGHT, strip_of(20, 30) is DENSE
    (True, True, True)
    """
    if rows <= ROOMY_ROWS:
        return ROOMY
    return TIGHT if longest > LINE else DENSE


def new_rows(
    title: str, subtitle: str, *, x: str, texts: Sequence[tuple[str, str]], lines: int = 1
) -> tuple[go.Figure, Strip]:
    """Return an empty figure of so many rows, the last at height 0; texts must be safe already.

    Parameters
    ----------
    title, subtitle, x : as of :func:`altune.report.figures.style.new_figure`.
    texts : name and number of each row.
    lines : lines of the subtitle.
    """
    rows = len(texts)
    strip = strip_of(rows, max(len(label) + len(value) for label, value in texts))
    top = 62 + 18 * (lines - 1)
    figure = style.new_figure(title, subtitle, x=x, y="", height=top + 68 + strip.row * rows, top=top)
    figure.update_yaxes(visible=False, range=[-0.3, rows - 0.3])
    return figure, strip


def add_heading(figure: go.Figure, place: int, strip: Strip, label: str, value: str, colour: str) -> None:
    """Write name and value on a strip above a row; both must be safe text already."""
    figure.add_shape(
        type="rect",
        xref="x domain",
        x0=0,
        x1=1,
        yref="y",
        ysizemode="pixel",
        yanchor=place,
        y0=strip.low,
        y1=strip.high,
        fillcolor="#f3f5f7",
        line={"width": 0},
    )
    between = "  " if strip is DENSE else "<br>"
    figure.add_annotation(
        text=f"{label}{between}<span style='color:{colour}'><b>{value}</b></span>",
        font={"size": 13 if strip is ROOMY else 12},
        x=0,
        xref="x domain",
        xanchor="left",
        xshift=6,
        align="left",
        y=place,
        yref="y",
        yanchor="bottom",
        yshift=strip.low + 1,
        showarrow=False,
        borderpad=0,
    )


def name_of(recipe: str, data: str = "", *, longest: int = 36) -> str:
    """Return the label of a row, safe: the recipe, behind its data set where there are several."""
    name = style.safe_text(style.words(recipe), 24 if data else longest)
    return f"{style.safe_text(data, 20)}: {name}" if data else name


def rows_of(found: RecipeComparison | Mapping[str, Sequence[One]] | Sequence[One], part: str) -> list[tuple[str, One]]:
    """Return (data set, numbers) of each row, the data set empty where there is one alone.

    Parameters
    ----------
    found : a comparison, numbers by data set, or those of one data set.
    part : the attribute of a comparison's contests that holds them.

    Raises
    ------
    RequestError
        If there are none.
    """
    contests: Any = getattr(found, "contests", None)
    named: dict[str, Sequence[One]]
    if contests is not None:
        named = {one.data: getattr(one, part) for one in contests}
    elif isinstance(found, Mapping):
        named = dict(found)
    else:
        named = {"": list(found)}  # type: ignore[arg-type]
    several = len(named) > 1
    rows = [(data if several else "", one) for data, own in named.items() for one in own]
    if not rows:
        raise RequestError("there is nothing to plot")
    return rows
