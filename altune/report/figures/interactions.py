"""Which knobs act together? What each pair of knobs explains beyond both alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from altune.analysis.importance.knob_importance import KnobImportance
from altune.report.figures import style
from altune.report.figures.explained import OPEN, importance_of, percent
from altune.report.figures.knob_importance import interval_text, wrapped_warning
from altune.report.figures.style import safe_text, words

if TYPE_CHECKING:
    from altune.analysis.run import Run

CELL = 46
"""Height of a knob's line, in pixels."""
DIAGONAL = "#f3f5f7"
MANY = 6
"""From so many knobs on the cells say less."""


class PairCell(NamedTuple):
    """One cell: its text, and whether it is told apart from noise; on the diagonal what the knob explains alone."""

    a: int
    b: int
    share: float
    text: str
    told_apart: bool
    hover: str


class InteractionNumbers(NamedTuple):
    """What the figure shows: the knobs, the largest share first, and the cells on and below the diagonal."""

    knobs: tuple[str, ...]
    cells: tuple[PairCell, ...]

    @property
    def told_apart(self) -> tuple[PairCell, ...]:
        """The pairs that are told apart from noise."""
        return tuple(cell for cell in self.cells if cell.told_apart and cell.a != cell.b)


def interaction_numbers(importance: KnobImportance) -> InteractionNumbers:
    """Return each pair of knobs; a pair is told apart where its interval lies above that of the noise floor."""
    names = [one.knob for one in importance.knobs]
    cells = [
        PairCell(place, place, one.main, percent(one.main), one.matters, f"{_name(one.knob)} alone")
        for place, one in enumerate(importance.knobs)
    ]
    for pair in importance.interactions:
        a, b = sorted((names.index(pair.a), names.index(pair.b)), reverse=True)
        told_apart = pair.low > importance.floor.high
        hover = f"{_name(pair.a)} and {_name(pair.b)}: {interval_text(pair.share, pair.low, pair.high)}"
        cells.append(PairCell(a, b, pair.share, percent(pair.share), told_apart, hover))
    return InteractionNumbers(tuple(_name(name) for name in names), tuple(cells))


def plot_interactions(source: Run | KnobImportance) -> go.Figure:
    """Plot the share that each pair of knobs explains together beyond both alone, and on the diagonal each alone.

    Parameters
    ----------
    source : a run, or the importance of its knobs; of a run it is computed at each call.
    """
    importance = importance_of(source)
    numbers = interaction_numbers(importance)
    lines = [
        "share of the variance; diagonal: a knob alone",
        f"grey: not above the noise floor of {_shown(percent(importance.floor.high))}",
        f"{importance.n_trials} recipes; R² {importance.r2:.2f} on unseen recipes",
    ]
    if importance.dependent:
        lines.append("combinations are forbidden, so parts overlap")
    warned = [f"<span style='color:{style.WORSE}'><b>{line}</b></span>" for line in wrapped_warning(importance.warning)]
    extra = 18 * (len(lines) + len(warned) - 1)
    count = len(numbers.knobs)
    figure = style.new_figure(
        "What pairs of knobs explain together",
        "<br>".join([*lines, *warned]),
        x="",
        y="",
        height=62 + extra + CELL * count + 90,
        top=62 + extra,
    )
    figure.add_heatmap(
        z=_matrix(numbers),
        x=list(range(count)),
        y=list(range(count)),
        text=_hovers(numbers),
        hoverinfo="text",
        colorscale=[[0, OPEN], [1, style.BETTER]],
        zmin=0,
        zmax=max([0.1, *(cell.share for cell in numbers.told_apart)]),
        showscale=False,
        xgap=2,
        ygap=2,
        hoverongaps=False,
    )
    for cell in numbers.cells:
        _add_cell(figure, cell, numbers)
    named = {"tickmode": "array", "tickvals": list(range(count)), "ticktext": list(numbers.knobs), "showgrid": False}
    figure.update_xaxes(**named, tickangle=0 if count <= 2 else -40, range=[-0.5, count - 0.5])
    figure.update_yaxes(**named, range=[count - 0.5, -0.5])
    return figure


def _name(knob: str) -> str:
    return safe_text(words(knob), 24)


def _shown(text: str) -> str:
    return text.replace("<", "&lt;")


def _matrix(numbers: InteractionNumbers) -> NDArray[np.float64]:
    """Return the shares that are coloured: pairs that are told apart; all else is left white."""
    table = np.full((len(numbers.knobs), len(numbers.knobs)), np.nan)
    for cell in numbers.cells:
        table[cell.a, cell.b] = cell.share if cell in numbers.told_apart else 0.0
    return table


def _hovers(numbers: InteractionNumbers) -> list[list[str]]:
    table = [["" for _ in numbers.knobs] for _ in numbers.knobs]
    for cell in numbers.cells:
        table[cell.a][cell.b] = cell.hover
    return table


def _add_cell(figure: go.Figure, cell: PairCell, numbers: InteractionNumbers) -> None:
    alone = cell.a == cell.b
    if alone:
        place = {"x0": cell.b - 0.48, "x1": cell.b + 0.48, "y0": cell.a - 0.48, "y1": cell.a + 0.48}
        figure.add_shape(type="rect", **place, fillcolor=DIAGONAL, line={"color": style.BASELINE, "width": 1})
    top = max([0.1, *(one.share for one in numbers.told_apart)])
    dark = not alone and cell.told_apart and cell.share > 0.5 * top
    colour = OPEN if dark else style.INK if cell.told_apart else style.BASELINE
    text = _shown(cell.text)
    figure.add_annotation(
        text=f"<b>{text}</b>" if cell.told_apart else text,
        x=cell.b,
        y=cell.a,
        showarrow=False,
        font={"color": colour, "size": 13 if len(numbers.knobs) < MANY else 10},
    )
