"""Who wins against whom, over data sets: a matrix of clear wins, ties and losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from altune.analysis.comparison.win_matrix import WinMatrix
from altune.core.errors import RequestError
from altune.report.figures import style
from altune.report.figures.style import safe_text, words

if TYPE_CHECKING:
    from altune.analysis.comparison.result import RecipeComparison

ROW = 64
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TINTS = [[0.0, "#f3b48a"], [0.5, "#f7f8f9"], [1.0, "#8ec1e0"]]
"""From lost everywhere to won everywhere; light, so that dark numbers stay legible on them, and in print."""


class WinCell(NamedTuple):
    """One recipe (row) against another (column), in numbers of data sets."""

    wins: int
    ties: int
    losses: int
    ahead: int


class WinMatrixNumbers(NamedTuple):
    """What the figure shows: the recipes, the one that wins most on top, and their cells; None against itself."""

    names: tuple[str, ...]
    cells: tuple[tuple[WinCell | None, ...], ...]
    data_sets: int


def win_matrix_numbers(found: RecipeComparison | WinMatrix) -> WinMatrixNumbers:
    """Return the matrix in the order of wins less losses, of means ahead among equals."""
    wins = _wins(found)
    places = range(len(wins.names))

    def worth(place: int) -> tuple[int, int]:
        clear = sum(wins.clear[place][other] - wins.clear[other][place] for other in places)
        return clear, sum(wins.ahead[place])

    order = sorted(places, key=worth, reverse=True)
    cells = tuple(
        tuple(
            None if a == b else WinCell(wins.clear[a][b], wins.ties(a, b), wins.clear[b][a], wins.ahead[a][b])
            for b in order
        )
        for a in order
    )
    return WinMatrixNumbers(tuple(wins.names[place] for place in order), cells, wins.data_sets)


def plot_win_matrix(found: RecipeComparison | WinMatrix) -> go.Figure:
    """Plot on how many data sets each recipe beats each other one clearly, and on how many its mean is ahead.

    Parameters
    ----------
    found : a comparison over several data sets, or its win matrix.

    Raises
    ------
    RequestError
        If the comparison has one data set.
    """
    numbers = win_matrix_numbers(found)
    size = len(numbers.names)
    listed = [f"{_letter(place)} {safe_text(words(name), 30)}" for place, name in enumerate(numbers.names)]
    key = [
        "row against column: <b>won–tied–lost</b> by the",
        "95 % interval of each data set; below, means ahead",
        *style.key_lines("", listed),
    ]
    figure = style.new_figure(
        f"Data sets won, of {numbers.data_sets}",
        "<br>".join(key),
        x="",
        y="",
        height=96 + 18 * len(key) + ROW * size,
        top=76 + 18 * len(key),
    )
    shares = [
        [None if one is None else (one.wins - one.losses) / numbers.data_sets for one in row] for row in numbers.cells
    ]
    figure.add_heatmap(
        x=list(range(size)),
        y=list(range(size)),
        z=shares,
        zmin=-1,
        zmax=1,
        colorscale=TINTS,
        showscale=False,
        xgap=3,
        ygap=3,
        text=[[_hover(numbers, a, b) for b in range(size)] for a in range(size)],
        hoverinfo="text",
    )
    for a, row in enumerate(numbers.cells):
        for b, one in enumerate(row):
            text = "–" if one is None else f"<b>{one.wins}–{one.ties}–{one.losses}</b><br>{one.ahead} ahead"
            figure.add_annotation(text=text, x=b, y=a, showarrow=False, font={"size": 12 if size < 6 else 10})
    letters = [f"<b>{_letter(place)}</b>" for place in range(size)]
    names = [f"{safe_text(words(name), 24)}  {letter}" for name, letter in zip(numbers.names, letters, strict=True)]
    axis = {"showgrid": False, "ticks": "", "showline": False, "tickvals": list(range(size))}
    figure.update_xaxes(**axis, ticktext=letters, side="top")
    figure.update_yaxes(**axis, ticktext=names, autorange="reversed")
    # A narrow screen has no room for names beside the cells; the key above has them.
    figure.update_layout(
        meta=figure.layout.meta | {"narrow": {"yaxis.ticktext": letters}, "wide": {"yaxis.ticktext": names}}
    )
    return figure


def _wins(found: RecipeComparison | WinMatrix) -> WinMatrix:
    if isinstance(found, WinMatrix):
        return found
    if found.over_data is None:
        raise RequestError("a win matrix counts data sets, and the comparison has one; compare on several")
    return found.over_data.wins


def _letter(place: int) -> str:
    return LETTERS[place] if place < len(LETTERS) else str(place + 1)


def _hover(numbers: WinMatrixNumbers, a: int, b: int) -> str:
    cell = numbers.cells[a][b]
    if cell is None:
        return ""
    one, other = (safe_text(words(numbers.names[place]), 40) for place in (a, b))
    return (
        f"<b>{one}</b> against {other}<br>clearly better on {cell.wins}, not told apart on {cell.ties}, "
        f"clearly worse on {cell.losses}<br>the better mean on {cell.ahead} of {numbers.data_sets}"
    )
