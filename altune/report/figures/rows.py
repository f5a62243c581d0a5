"""Figures of rows: the name and number of each row are above its mark, which fits a screen of any width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import plotly.graph_objects as go

from altune.core.errors import RequestError
from altune.report.figures import style

Item = TypeVar("Item")
ROOMY_ROWS = 6
"""A figure with at most this many rows has space for a line for the name and one for the number of each."""


class Strip(NamedTuple):
    """The strip with name and number of a row, in pixels above its mark; ``row`` is the height of the whole row."""

    low: int
    high: int
    row: int


ROOMY, TIGHT, DENSE = Strip(14, 54, 86), Strip(11, 47, 72), Strip(11, 31, 58)
LINE = 48
"""Characters of a line on a phone."""


def strip_of(rows: int, longest: int = 0) -> Strip:
    """Return the strip for a number of rows, of which the longest name and number have ``longest`` characters.

    >>> strip_of(4, 60) is ROOMY, strip_of(20, 60) is TIGHT, strip_of(20, 30) is DENSE
    (True, True, True)
    """
    if rows <= ROOMY_ROWS:
        return ROOMY
    return TIGHT if longest > LINE else DENSE


def new_rows(
    title: str, subtitle: str, *, x: str, texts: Sequence[tuple[str, str]], lines: int = 1
) -> tuple[go.Figure, Strip]:
    """Return an empty figure of rows, the last at height 0.

    Parameters
    ----------
    title, subtitle, x : as of :func:`altune.report.figures.style.new_figure`, as safe text.
    texts : name and number of each row, as safe text.
    lines : lines of the subtitle.
    """
    rows = len(texts)
    strip = strip_of(rows, max(len(label) + len(value) for label, value in texts))
    top = 62 + 18 * (lines - 1)
    figure = style.new_figure(title, subtitle, x=x, y="", height=top + 68 + strip.row * rows, top=top)
    figure.update_yaxes(visible=False, range=[-0.3, rows - 0.3])
    return figure, strip


def add_heading(figure: go.Figure, height: int, strip: Strip, label: str, value: str, colour: str) -> None:
    """Write name and value, given as safe text, on the strip of the row at a height."""
    figure.add_shape(
        type="rect",
        xref="x domain",
        x0=0,
        x1=1,
        yref="y",
        ysizemode="pixel",
        yanchor=height,
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
        y=height,
        yref="y",
        yanchor="bottom",
        yshift=strip.low + 1,
        showarrow=False,
        borderpad=0,
    )


def name_of(recipe: str, data: str = "", *, longest: int = 36) -> str:
    """Return the label of a row as safe text: the recipe, after its data set if there are several."""
    name = style.safe_text(style.words(recipe), 24 if data else longest)
    return f"{style.safe_text(data, 20)}: {name}" if data else name


def rows_of(by_data: Mapping[str, Sequence[Item]]) -> list[tuple[str, Item]]:
    """Return (data set, numbers) of each row; the data set is empty if there is one only.

    Raises
    ------
    RequestError
        If there are no rows.
    """
    several = len(by_data) > 1
    rows = [(data if several else "", item) for data, items in by_data.items() for item in items]
    if not rows:
        raise RequestError("there is nothing to plot")
    return rows
