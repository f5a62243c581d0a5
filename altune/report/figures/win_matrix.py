"""Which recipe beats which over data sets? A matrix of clear wins, ties and losses."""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.comparison.over_data import OverData
from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.comparison.win_matrix import WinMatrix
from altune.core.errors import RequestError
from altune.report.figures import style
from altune.report.figures.style import safe_text, words

ROW = 64
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TINTS = [[0.0, "#f3b48a"], [0.5, "#f7f8f9"], [1.0, "#8ec1e0"]]
"""From all lost to all won; light, so that dark numbers are legible on them and in print."""


class WinCell(NamedTuple):
    """One recipe (row) against another (column): numbers of data sets."""

    wins: int
    ties: int
    losses: int
    ahead: int


class WinMatrixNumbers(NamedTuple):
    """Numbers of the figure: the recipes, the one with most wins first, and their cells, None on the diagonal."""

    names: tuple[str, ...]
    cells: tuple[tuple[WinCell | None, ...], ...]
    data_sets: int


def win_matrix_numbers(wins: WinMatrix) -> WinMatrixNumbers:
    """Return the matrix in the order of wins minus losses; equals are in the order of better means."""
    recipes = range(len(wins.names))

    def worth(recipe: int) -> tuple[int, int]:
        clear = sum(wins.clear[recipe][other] - wins.clear[other][recipe] for other in recipes)
        return clear, sum(wins.ahead[recipe])

    order = sorted(recipes, key=worth, reverse=True)
    cells = tuple(
        tuple(
            None if a == b else WinCell(wins.clear[a][b], wins.ties(a, b), wins.clear[b][a], wins.ahead[a][b])
            for b in order
        )
        for a in order
    )
    return WinMatrixNumbers(tuple(wins.names[recipe] for recipe in order), cells, wins.data_sets)


def plot_win_matrix(source: RecipeComparison | WinMatrix) -> go.Figure:
    """Plot on how many data sets each recipe clearly beats each other one, and on how many its mean is better.

    Parameters
    ----------
    source : a comparison over several data sets, or its win matrix.

    Raises
    ------
    RequestError
        If the comparison has one data set.
    """
    wins = over_data_of(source).wins if isinstance(source, RecipeComparison) else source
    numbers = win_matrix_numbers(wins)
    size = len(numbers.names)
    letters = [_letter(recipe) for recipe in range(size)]
    named = [
        f"{letter} {safe_text(words(name), style.KEY_WIDTH - 4)}"
        for letter, name in zip(letters, numbers.names, strict=True)
    ]
    key = [
        "row against column: <b>won–tied–lost</b> by the",
        "95 % intervals; below: data sets ahead by mean",
        *style.key_lines("", named),
    ]
    figure = style.new_figure(
        f"Data sets won, of {numbers.data_sets}",
        key,
        height=20 + ROW * size,
        top=76 + 18 * len(key),
    )
    figure.add_heatmap(
        x=list(range(size)),
        y=list(range(size)),
        z=[[cell and (cell.wins - cell.losses) / numbers.data_sets for cell in row] for row in numbers.cells],
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
        for b, cell in enumerate(row):
            text = "–" if cell is None else f"<b>{cell.wins}–{cell.ties}–{cell.losses}</b><br>{cell.ahead} ahead"
            figure.add_annotation(text=text, x=b, y=a, showarrow=False, font={"size": 12 if size < 6 else 10})
    short = [f"<b>{letter}</b>" for letter in letters]
    long = [f"{safe_text(words(name), 24)}  {letter}" for name, letter in zip(numbers.names, short, strict=True)]
    axis = {"showgrid": False, "ticks": "", "showline": False, "tickvals": list(range(size))}
    figure.update_xaxes(**axis, ticktext=short, side="top")
    figure.update_yaxes(**axis, ticktext=long, autorange="reversed")
    # A narrow screen has no space for names beside the cells; the key has them.
    figure.update_layout(
        meta=figure.layout.meta | {"narrow": {"yaxis.ticktext": short}, "wide": {"yaxis.ticktext": long}}
    )
    return figure


def over_data_of(comparison: RecipeComparison) -> OverData:
    """Return what a comparison says over data sets.

    Raises
    ------
    RequestError
        If it has one data set.
    """
    if comparison.over_data is None:
        raise RequestError("the figure is over data sets, and the comparison has one; compare on several")
    return comparison.over_data


def _letter(recipe: int) -> str:
    return LETTERS[recipe] if recipe < len(LETTERS) else str(recipe + 1)


def _hover(numbers: WinMatrixNumbers, a: int, b: int) -> str:
    cell = numbers.cells[a][b]
    if cell is None:
        return ""
    first, second = (safe_text(words(numbers.names[recipe]), 40) for recipe in (a, b))
    return (
        f"<b>{first}</b> against {second}<br>clearly better on {cell.wins}, unclear on {cell.ties}, "
        f"clearly worse on {cell.losses}<br>better mean on {cell.ahead} of {numbers.data_sets} data sets"
    )
