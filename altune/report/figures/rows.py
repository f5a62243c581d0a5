"""Figures of rows: the name and number of each row are above its mark, which fits a screen of any width."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import plotly.graph_objects as go

from altune.analysis.comparison.result import RecipeComparison
from altune.core.errors import RequestError
from altune.report.figures import style


class OfRecipe(Protocol):
    """Numbers of one recipe."""

    @property
    def recipe(self) -> str:
        """The name of the recipe."""


Item = TypeVar("Item", bound=OfRecipe)
ROOMY_ROWS = 6
"""A figure with at most this many rows has space for a line for the name and one for the number of each."""
LINE = 48
"""Characters of a line on a phone."""


class Strip(NamedTuple):
    """The strip with name and number of a row, in pixels above its mark; ``row`` is the height of the whole row."""

    low: int
    high: int
    row: int


ROOMY, TIGHT, DENSE = Strip(14, 54, 86), Strip(11, 47, 72), Strip(11, 31, 58)


class Row(NamedTuple, Generic[Item]):
    """One row: its name and its number as safe text, and what it shows."""

    label: str
    value: str
    shows: Item


def strip_of(rows: int, longest: int) -> Strip:
    """Return the strip for a number of rows, of which the longest name and number have ``longest`` characters.

    >>> strip_of(4, 60) is ROOMY, strip_of(20, 60) is TIGHT, strip_of(20, 30) is DENSE
    (True, True, True)
    """
    if rows <= ROOMY_ROWS:
        return ROOMY
    return TIGHT if longest > LINE else DENSE


def new_rows(
    title: str, subtitle: Sequence[str], *, x: str, headings: Sequence[tuple[str, str, str]], zero: bool = False
) -> tuple[go.Figure, Strip]:
    """Return a figure with the headings of rows, the last at height 0.

    Parameters
    ----------
    title, subtitle, x : as of :func:`altune.report.figures.style.new_figure`.
    headings : name and number of each row as safe text, and the colour of the number.
    zero : whether to draw a line at zero.
    """
    rows = len(headings)
    strip = strip_of(rows, max(len(label) + len(value) for label, value, _ in headings))
    figure = style.new_figure(title, subtitle, x=x, height=68 + strip.row * rows)
    figure.update_yaxes(visible=False, range=[-0.3, rows - 0.3])
    if zero:
        figure.add_vline(x=0, line={"color": style.INK, "width": 1.5})
    between, font = "  " if strip is DENSE else "<br>", {"size": 13 if strip is ROOMY else 12}
    inside: dict[str, Any] = {"xshift": 6, "yshift": strip.low + 1, "align": "left", "borderpad": 0, "font": font}
    for height, (label, value, colour) in enumerate(reversed(headings)):
        box = {"xref": "x domain", "x0": 0, "x1": 1, "y0": strip.low, "y1": strip.high, "yanchor": height}
        figure.add_shape(type="rect", yref="y", ysizemode="pixel", **box, fillcolor=style.STRIP, line={"width": 0})
        style.add_text(figure, f"{label}{between}<span style='color:{colour}'><b>{value}</b></span>", height, **inside)
    return figure, strip


def name_of(recipe: str, data: str = "") -> str:
    """Return the label of a row as safe text: the recipe, after its data set if there are several."""
    name = style.safe_text(style.words(recipe), 24 if data else 36)
    return f"{style.safe_text(data, 20)}: {name}" if data else name


def by_data(source: RecipeComparison | Mapping[str, Sequence[Item]], name: str) -> Mapping[str, Sequence[Item]]:
    """Return the numbers of each recipe by data set; ``name`` is that of a comparison's, others are returned."""
    if isinstance(source, RecipeComparison):
        return {contest.data: getattr(contest, name) for contest in source.contests}
    return source


def rows_of(numbers: Mapping[str, Sequence[Item]], value: Callable[[Item], str]) -> tuple[Row[Item], ...]:
    """Return a row for each recipe on each data set; labels name the data set if there are several.

    Raises
    ------
    RequestError
        If there are no rows.
    """
    rows = tuple(
        Row(name_of(item.recipe, data if len(numbers) > 1 else ""), value(item), item)
        for data, items in numbers.items()
        for item in items
    )
    if not rows:
        raise RequestError("there is nothing to plot")
    return rows
