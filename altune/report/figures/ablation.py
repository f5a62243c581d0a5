"""Why is it better? The path from one recipe to another, one step at a time."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.ablation import Ablation
from altune.analysis.run import Run
from altune.report.amounts import Amounts
from altune.report.figures import style
from altune.report.figures.inputs import ablation_of
from altune.report.figures.style import safe_text, words
from altune.report.figures.wrapped_rows import (
    LOOKS,
    WrappedRows,
    axis_name,
    finite_ends,
    heading_lines,
    key_of,
    verdict,
)

BAR = 16
"""Height of a bar, in pixels."""


class PathRow(NamedTuple):
    """One row of the path.

    ``before`` and ``after`` are mean values, equal for the recipes at both ends. ``verdict`` is ``better``, ``worse``,
    ``unclear``, ``no interval`` or, for the recipes at both ends, ``end``.
    """

    label: str
    value: str
    before: float
    after: float
    low: float | None
    high: float | None
    verdict: str


def ablation_numbers(ablation: Ablation, end_name: str = "the recipe") -> tuple[PathRow, ...]:
    """Return the recipe at the start, each step from where the previous one ended, and the recipe at the end."""
    amounts, start, whole = Amounts.of(ablation.objective), ablation.start, ablation.whole
    rows = [PathRow(words(ablation.start_name), amounts.text(start.mean), start.mean, start.mean, None, None, "end")]
    before = start.mean
    for step in ablation.steps:
        difference = step.difference
        low, high = finite_ends(difference)
        rows.append(
            PathRow(
                step.words,
                amounts.signed_interval(difference.mean, *difference.together),
                before,
                step.mean,
                None if low is None else before + low,
                None if high is None else before + high,
                verdict(difference, ablation.objective),
            )
        )
        before = step.mean
    total = f"{amounts.text(before)}: {amounts.signed_interval(whole.mean, whole.low, whole.high)} in all"
    return (*rows, PathRow(end_name, total, before, before, None, None, "end"))


def plot_ablation(
    source: Run | Ablation, *, data: str | None = None, end_name: str = "the recipe", value: str = ""
) -> go.Figure:
    """Plot the path from one recipe to another: a bar for each step, from where the previous one ended.

    Parameters
    ----------
    source : a run, or an ablation.
    data : name of the run's data set, by default the first.
    end_name : name of the recipe at the end.
    value : what is measured, for the axis; by default the objective's name.

    Raises
    ------
    RequestError
        If the run has no ablation, or no such data set.
    """
    ablation = ablation_of(source, data)
    rows = ablation_numbers(ablation, end_name)
    canvas = WrappedRows([heading_lines(row.label, row.value, row.verdict) for row in rows])
    figure = canvas.figure(
        f"From {safe_text(words(ablation.start_name), None)} to {safe_text(end_name, None)}, step by step",
        key_of(ablation, "mean gain", [row.verdict for row in rows]),
        x=axis_name(ablation, value) + ("<br>← less is better" if ablation.objective.sign < 0 else ""),
    )
    for row, middle in zip(rows, canvas.middles, strict=True):
        _add_row(figure, row, middle)
    for row, (upper, lower) in zip(rows, pairwise(canvas.middles), strict=False):
        link = {"x0": row.after, "x1": row.after, "y0": upper, "y1": lower}
        dotted = {"color": style.QUIET, "width": 1, "dash": "dot"}
        figure.add_shape(type="line", layer="below", **link, line=dotted)
    ends = style.padded_range(end for row in rows for end in (row.before, row.after, row.low, row.high))
    figure.update_xaxes(range=ends, tickformat=f".{Amounts.of(ablation.objective).digits}~f", nticks=6)
    return figure


def _add_row(figure: go.Figure, row: PathRow, middle: float) -> None:
    hover = f"<b>{safe_text(row.label, 120)}</b><br>{row.value}"
    if row.verdict == "end":
        style.add_marks(figure, [row.after], [middle], {"size": 12, "symbol": "diamond", "color": style.INK}, hover)
        return
    look = LOOKS[row.verdict]
    bars, pattern = None, {"shape": look.pattern, "fgcolor": look.colour, "bgcolor": look.fill, "size": 6}
    if row.low is not None:
        bars = style.error_bars(row.after, row.low, row.high, style.INK if row.verdict == "better" else look.colour)
    figure.add_bar(
        orientation="h",
        base=[row.before],
        x=[row.after - row.before],
        y=[middle],
        width=[BAR],
        marker={"color": look.fill, "line": {"color": look.colour, "width": 1.5}, "pattern": pattern},
        error_x=bars,
        hovertext=hover,
        hoverinfo="text",
    )
