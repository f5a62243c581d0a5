"""How many rows did each loop buy?"""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.loops.facts import LoopFacts
from altune.analysis.run import Run
from altune.report.figures import style
from altune.report.figures.by_loop import blocks_words, common_loops, loop_ticks, spread_words
from altune.report.figures.inputs import loops_of


class BatchSize(NamedTuple):
    """One loop: mean rows bought with their 10 and 90 % quantiles over the blocks, and labels bought so far."""

    loop: int
    rows: float
    low: float
    high: float
    labels: float


def batch_size_numbers(facts: LoopFacts) -> tuple[BatchSize, ...]:
    """Return the size of each loop that at least half the blocks had."""
    rows, labels = facts.rows, facts.labels
    return tuple(
        BatchSize(
            facts.loops[index],
            *(float(values[index] or 0.0) for values in (rows.mean, rows.low, rows.high, labels.mean)),
        )
        for index in range(common_loops(facts))
    )


def plot_batch_sizes(source: Run | LoopFacts) -> go.Figure:
    """Plot the rows that each loop bought; the first sample is hatched.

    Parameters
    ----------
    source : a run, or the result of :func:`altune.examine`.

    Raises
    ------
    RequestError
        If the run was not examined.
    """
    facts = loops_of(source)
    sizes = batch_size_numbers(facts)
    spread = any(size.high > size.low for size in sizes)
    figure = style.new_figure(
        "Rows bought in each loop",
        [f"{blocks_words(facts.blocks)}{spread_words(facts.blocks) if spread else ''}", "hatched: the first sample"],
        x="loop",
        y="rows",
        height=256,
        top=84,
    )
    rows = [size.rows for size in sizes]
    errors = style.error_bars(rows, [size.low for size in sizes], [size.high for size in sizes], style.INK, 1.25, 3)
    shape = ["/" if size.loop == 0 else "" for size in sizes]
    figure.add_bar(
        x=[size.loop for size in sizes],
        y=rows,
        marker={
            "color": [style.PAPER if size.loop == 0 else style.BETTER for size in sizes],
            "line": {"color": style.BETTER, "width": 1.5},
            "pattern": {"shape": shape, "fgcolor": style.BETTER, "fillmode": "replace"},
        },
        error_y=errors if spread else None,
        text=[f"{number:.3g}" for number in rows] if len(sizes) <= 12 and not spread else None,
        textposition="outside",
        cliponaxis=False,
        hovertext=[
            f"loop {size.loop}: {size.rows:.3g} rows ({size.low:.3g} to {size.high:.3g})<br>"
            f"{size.labels:.4g} labels bought so far"
            for size in sizes
        ],
        hoverinfo="text",
    )
    figure.update_layout(bargap=0.25)
    loop_ticks(figure, sizes[-1].loop)
    figure.update_yaxes(rangemode="tozero")
    return figure
