"""Which decisions does the recipe need? The recipe minus itself with one knob put back."""

from __future__ import annotations

import math
from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.ablation import Ablation, WithoutKnob
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


class WithoutRow(NamedTuple):
    """One knob; ``mean`` is None if the recipe cannot work with the knob put back."""

    label: str
    value: str
    mean: float | None
    low: float | None
    high: float | None
    verdict: str


def leave_one_out_numbers(ablation: Ablation) -> tuple[WithoutRow, ...]:
    """Return the loss without each decision, the largest first; decisions that cannot be put back alone come last."""
    amounts = Amounts.of(ablation.objective)
    sign, rows = ablation.objective.sign, []

    def order(knob: WithoutKnob) -> float:
        return math.inf if knob.difference is None else -sign * knob.difference.mean

    for knob in sorted(ablation.without, key=order):
        difference, label = knob.difference, knob.change.words
        if difference is None:
            rows.append(WithoutRow(label, f"cannot be put back alone: {knob.reason}", None, None, None, "no interval"))
            continue
        value = amounts.signed_interval(difference.mean, *difference.together)
        outcome = verdict(difference, ablation.objective)
        rows.append(WithoutRow(label, value, difference.mean, *finite_ends(difference), outcome))
    return tuple(rows)


def plot_leave_one_out(source: Run | Ablation, *, data: str | None = None, value: str = "") -> go.Figure:
    """Plot the recipe minus itself with one knob put back, with 95 % intervals; the largest loss is on top.

    Parameters
    ----------
    source : a run, or an ablation.
    data : name of the run's data set, by default the first.
    value : what is measured, for the axis; by default the objective's name.

    Raises
    ------
    RequestError
        If the run has no ablation, or no such data set.
    """
    ablation = ablation_of(source, data)
    rows = leave_one_out_numbers(ablation)
    start, less = safe_text(words(ablation.start_name), 16), ablation.objective.sign < 0
    key = [f"the recipe minus itself with {start}'s choice", *key_of(ablation, "mean", [row.verdict for row in rows])]
    canvas = WrappedRows([heading_lines(row.label, row.value, row.verdict) for row in rows])
    left, right = ("the recipe's", f"{start}'s") if less else (f"{start}'s", "the recipe's")
    name = axis_name(ablation, value)
    figure = canvas.figure(
        "What each decision is worth", key, x=f"difference in {name}<br>← {left} better  |  {right} better →"
    )
    # A shape would be drawn over the headings.
    figure.update_xaxes(zeroline=True, zerolinecolor=style.INK, zerolinewidth=1.5)
    for row, middle in zip(rows, canvas.middles, strict=True):
        if row.mean is None:
            continue
        look = LOOKS[row.verdict]
        style.add_marks(
            figure,
            [row.mean],
            [middle],
            {"size": 12, "color": look.colour, "symbol": look.symbol, "line": {"width": 2, "color": look.colour}},
            f"<b>{safe_text(row.label, 120)}</b><br>{row.value}",
            error_x=None if row.low is None else style.error_bars(row.mean, row.low, row.high, look.colour),
        )
    ends = [0.0, *(end for row in rows for end in (row.mean, row.low, row.high))]
    ticks = Amounts.of(ablation.objective).ticks
    figure.update_xaxes(range=style.padded_range(ends), tickformat=ticks, nticks=6)
    return figure
