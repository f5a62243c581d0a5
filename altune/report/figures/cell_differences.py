"""Where is it better? The confirmed recipe minus random sampling in each cell of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from altune.analysis.sweep.result import SweptCell
from altune.analysis.sweep.rows import interval_text
from altune.report.figures.differences import DifferenceNumbers, forest
from altune.report.figures.points import DifferenceRow
from altune.report.figures.style import safe_text
from altune.tuning.judging import REFERENCE


def difference_text(mean: float, low: float | None, high: float | None) -> str:
    """Return a difference with its interval, written with minus signs."""
    return interval_text(mean, low, high).replace("-", "−")


def reference_row(run: SweptCell) -> Mapping[str, Any] | None:
    """Return the row of a cell's results that compares with random sampling; None if the cell failed."""
    rows = () if run.result is None else run.result.rows
    return next((row for row in rows if row["baseline"] == REFERENCE), None)


def cell_differences(runs: Sequence[SweptCell]) -> tuple[DifferenceNumbers, ...]:
    """Return the difference from random sampling in each finished cell, in the order of the sweep."""
    cells = []
    for run in runs:
        if row := reference_row(run):
            name, (mean, low, high) = str(run.cell), (row["difference"], row["low"], row["high"])
            verdict = "no interval" if low is None or high is None else row["verdict"]
            difference = DifferenceRow(name, mean, low, high)
            cells.append(DifferenceNumbers(safe_text(name, 60), difference_text(mean, low, high), verdict, difference))
    return tuple(cells)


def plot_cell_differences(cells: Sequence[DifferenceNumbers], value: str) -> go.Figure:
    """Plot the confirmed recipe minus random sampling in one or more cells; ``value`` names the objective."""
    x = f"difference, mean with 95 % interval<br>{safe_text(value, None)}"
    return forest(cells, "Recipe minus random sampling", "● better  ■ worse  ◆ unclear", x=x, ticks="+.3~f")
