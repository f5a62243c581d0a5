"""Which knobs interact? What each pair of knobs explains together beyond both alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from altune.analysis.importance.knob_importance import KnobImportance
from altune.analysis.run import Run
from altune.report.figures import style
from altune.report.figures.explained import OPEN, percent
from altune.report.figures.inputs import importance_of
from altune.report.figures.knob_importance import interval_text, wrapped_warning
from altune.report.figures.style import safe_text, words

CELL = 46
"""Height of the row of a knob, in pixels."""
DIAGONAL = "#f3f5f7"
MANY = 6
"""The text of cells is smaller from this number of knobs on."""


class PairCell(NamedTuple):
    """One cell: a pair of knobs, or on the diagonal a knob alone; it is clear if it is above the noise floor."""

    a: int
    b: int
    share: float
    text: str
    is_clear: bool
    hover: str


class InteractionNumbers(NamedTuple):
    """Numbers of the figure: the knobs, the largest share first, and the cells on and below the diagonal."""

    knobs: tuple[str, ...]
    cells: tuple[PairCell, ...]

    @property
    def clear_pairs(self) -> tuple[PairCell, ...]:
        """The pairs that are above the noise floor."""
        return tuple(cell for cell in self.cells if cell.is_clear and cell.a != cell.b)


def interaction_numbers(importance: KnobImportance) -> InteractionNumbers:
    """Return each pair of knobs; it is clear if its interval is above the interval of the noise floor."""
    names = [knob.knob for knob in importance.knobs]
    cells = [
        PairCell(index, index, knob.main, percent(knob.main), knob.matters, f"{_name(knob.knob)} alone")
        for index, knob in enumerate(importance.knobs)
    ]
    for pair in importance.interactions:
        a, b = sorted((names.index(pair.a), names.index(pair.b)), reverse=True)
        is_clear = pair.low > importance.floor.high
        hover = f"{_name(pair.a)} and {_name(pair.b)}: {interval_text(pair.share, pair.low, pair.high)}"
        cells.append(PairCell(a, b, pair.share, percent(pair.share), is_clear, hover))
    return InteractionNumbers(tuple(_name(name) for name in names), tuple(cells))


def plot_interactions(source: Run | KnobImportance) -> go.Figure:
    """Plot the share that each pair of knobs explains together beyond both alone, and each knob alone on the diagonal.

    Parameters
    ----------
    source : a run, or ``run.importance()``, which takes a while to compute.
    """
    importance = importance_of(source)
    numbers = interaction_numbers(importance)
    lines = [
        "share of the variance; diagonal: a knob alone",
        f"grey: not above the noise floor of {percent(importance.floor.high)}",
        f"{importance.n_trials} recipes; R² {importance.r2:.2f} on unseen recipes",
    ]
    if importance.dependent:
        lines.append("combinations are forbidden, so shares overlap")
    lines += style.warned(wrapped_warning(importance.warning))
    count = len(numbers.knobs)
    figure = style.new_figure("What pairs of knobs explain together", lines, height=CELL * count + 90)
    shares, hovers = np.full((count, count), np.nan), [["" for _ in range(count)] for _ in range(count)]
    for cell in numbers.cells:
        # Only clear pairs are not white.
        shares[cell.a, cell.b] = cell.share if cell in numbers.clear_pairs else 0.0
        hovers[cell.a][cell.b] = cell.hover
    figure.add_heatmap(
        z=shares,
        x=list(range(count)),
        y=list(range(count)),
        text=hovers,
        hoverinfo="text",
        colorscale=[[0, OPEN], [1, style.BETTER]],
        zmin=0,
        zmax=_largest(numbers),
        showscale=False,
        xgap=2,
        ygap=2,
        hoverongaps=False,
    )
    for cell in numbers.cells:
        _add_cell(figure, cell, numbers)
    ticks = {"tickmode": "array", "tickvals": list(range(count)), "ticktext": list(numbers.knobs), "showgrid": False}
    figure.update_xaxes(**ticks, tickangle=0 if count <= 2 else -40, range=[-0.5, count - 0.5])
    figure.update_yaxes(**ticks, range=[count - 0.5, -0.5])
    return figure


def _name(knob: str) -> str:
    return safe_text(words(knob), 24)


def _largest(numbers: InteractionNumbers) -> float:
    """Return the share with the darkest colour."""
    return max([0.1, *(cell.share for cell in numbers.clear_pairs)])


def _add_cell(figure: go.Figure, cell: PairCell, numbers: InteractionNumbers) -> None:
    alone = cell.a == cell.b
    if alone:
        corners = {"x0": cell.b - 0.48, "x1": cell.b + 0.48, "y0": cell.a - 0.48, "y1": cell.a + 0.48}
        figure.add_shape(type="rect", **corners, fillcolor=DIAGONAL, line={"color": style.BASELINE, "width": 1})
    dark = not alone and cell.is_clear and cell.share > 0.5 * _largest(numbers)
    colour = OPEN if dark else style.INK if cell.is_clear else style.BASELINE
    figure.add_annotation(
        text=f"<b>{cell.text}</b>" if cell.is_clear else cell.text,
        x=cell.b,
        y=cell.a,
        showarrow=False,
        font={"color": colour, "size": 13 if len(numbers.knobs) < MANY else 10},
    )
