"""Does it hold elsewhere? The recipe minus each baseline, at home and on data that no trial saw."""

from __future__ import annotations

import plotly.graph_objects as go

from altune.analysis.run import Run
from altune.report.figures.differences import DifferenceNumbers, difference_numbers, plot_differences
from altune.report.figures.inputs import transfer_of


def transfer_numbers(run: Run) -> tuple[DifferenceNumbers, ...]:
    """Return each difference with its text and its verdict, grouped by baseline: at home, away, all away together.

    Raises
    ------
    RequestError
        If the run was not confirmed on data that no trial saw.
    """
    rows, _, amounts = transfer_of(run)
    return difference_numbers(rows, amounts)


def plot_transfer(run: Run) -> go.Figure:
    """Plot the recipe minus each baseline at home and on data that no trial saw, with 95 % intervals.

    Parameters
    ----------
    run : a run that was confirmed on other data as well (``confirm_on``).

    Raises
    ------
    RequestError
        If it was not.
    """
    rows, value, amounts = transfer_of(run)
    title = "Recipe minus baseline, at home and elsewhere"
    return plot_differences(rows, value=value, amounts=amounts, title=title)
