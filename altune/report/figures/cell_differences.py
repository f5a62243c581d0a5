"""Where is it better? The confirmed recipe minus random sampling in each cell of a sweep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from altune.analysis.sweep.result import SweptCell
from altune.analysis.sweep.rows import interval_text
from altune.report.figures import style
from altune.report.figures.differences import LOOKS
from altune.report.figures.rows import Strip, add_heading, new_rows
from altune.report.figures.style import safe_text
from altune.tuning.judging import REFERENCE


class CellDifference(NamedTuple):
    """The confirmed recipe minus random sampling in one cell; ``verdict`` is a key of ``LOOKS``."""

    label: str
    mean: float
    low: float | None
    high: float | None
    verdict: str

    @property
    def text(self) -> str:
        """The numbers as text."""
        return difference_text(self.mean, self.low, self.high)


def difference_text(mean: float, low: float | None, high: float | None) -> str:
    """Return a difference with its interval, written with minus signs."""
    return interval_text(mean, low, high).replace("-", "−")


def reference_row(run: SweptCell) -> Mapping[str, Any] | None:
    """Return the row of a cell's results that compares with random sampling; None if the cell failed."""
    rows = () if run.result is None else run.result.rows
    return next((row for row in rows if row["baseline"] == REFERENCE), None)


def cell_differences(runs: Sequence[SweptCell]) -> tuple[CellDifference, ...]:
    """Return the difference from random sampling in each finished cell, in the order of the sweep."""
    cells = []
    for run in runs:
        if row := reference_row(run):
            bounded = row["low"] is not None and row["high"] is not None
            verdict = row["verdict"] if bounded else "no interval"
            cells.append(CellDifference(str(run.cell), row["difference"], row["low"], row["high"], verdict))
    return tuple(cells)


def plot_cell_differences(cells: Sequence[CellDifference], value: str) -> go.Figure:
    """Plot the confirmed recipe minus random sampling, a row for each cell, with a line at zero.

    Parameters
    ----------
    cells : one or more, the first on top.
    value : name of the objective, for the axis.
    """
    figure, strip = new_rows(
        "Recipe minus random sampling",
        "● better  ■ worse  ◆ unclear",
        x=f"difference, mean with 95 % interval<br>{safe_text(value, 44)}",
        texts=[(safe_text(cell.label, 60), cell.text) for cell in cells],
    )
    figure.add_vline(x=0, line={"color": style.INK, "width": 1.5})
    for position, cell in enumerate(reversed(cells)):
        _add_cell(figure, cell, position, strip)
    figure.update_xaxes(range=_range(cells), tickformat="+.3~f", nticks=6)
    return figure


def _add_cell(figure: go.Figure, cell: CellDifference, position: int, strip: Strip) -> None:
    colour, symbol = LOOKS[cell.verdict]
    figure.add_scatter(
        x=[cell.mean],
        y=[position],
        mode="markers",
        marker={"size": 10, "color": colour, "symbol": symbol, "line": {"width": 1.5, "color": colour}},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [0.0 if cell.high is None else cell.high - cell.mean],
            "arrayminus": [0.0 if cell.low is None else cell.mean - cell.low],
            "thickness": 2,
            "width": 5,
            "color": colour,
        },
        text=f"<b>{safe_text(cell.label, 80)}</b><br>{cell.text}",
        hoverinfo="text",
        showlegend=False,
    )
    add_heading(figure, position, strip, safe_text(cell.label, 60), cell.text, colour)


def _range(cells: Sequence[CellDifference]) -> list[float]:
    ends = [end for cell in cells for end in (cell.mean, cell.low, cell.high, 0.0)]
    finite = [end for end in ends if end is not None and math.isfinite(end)]
    pad = 0.06 * (max(finite) - min(finite)) or 0.01
    return [min(finite) - pad, max(finite) + pad]
