"""Where is it better? The confirmed recipe minus random sampling in each cell of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from altune.analysis.sweep.result import SweptCell
from altune.analysis.sweep.rows import interval_text
from altune.report.figures import style
from altune.report.figures.differences import LOOKS
from altune.report.figures.rows import new_rows
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
    figure, _ = new_rows(
        "Recipe minus random sampling",
        ["● better  ■ worse  ◆ unclear"],
        x=f"difference, mean with 95 % interval<br>{safe_text(value, 44)}",
        headings=[(safe_text(cell.label, 60), cell.text, LOOKS[cell.verdict][0]) for cell in cells],
        zero=True,
    )
    for height, cell in enumerate(reversed(cells)):
        colour, symbol = LOOKS[cell.verdict]
        known = cell.low is not None and cell.high is not None
        style.add_marks(
            figure,
            [cell.mean],
            [height],
            {"size": 10, "color": colour, "symbol": symbol, "line": {"width": 1.5, "color": colour}},
            f"<b>{safe_text(cell.label, 80)}</b><br>{cell.text}",
            error_x=style.error_bars(cell.mean, cell.low, cell.high, colour, width=5) if known else None,
            showlegend=False,
        )
    ends = [0.0, *(end for cell in cells for end in (cell.mean, cell.low, cell.high))]
    figure.update_xaxes(range=style.padded_range(ends), tickformat="+.3~f", nticks=6)
    return figure
