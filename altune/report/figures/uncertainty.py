"""How uncertain was the model? Its uncertainty about the unlabelled pool and about the rows it picked, by loop."""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.loops.facts import LoopFacts
from altune.analysis.loops.series import Series
from altune.analysis.run import Run
from altune.core.errors import RequestError
from altune.report.figures import style
from altune.report.figures.by_loop import (
    add_band,
    add_line,
    blocks_words,
    common_loops,
    label_ends,
    loop_ticks,
)
from altune.report.figures.inputs import loops_of

AXES = {
    "least_confidence": "1 − probability of the most likely class",
    "margin": "margin between the two most likely classes",
    "entropy": "entropy (1: all classes equally likely)",
}
SMALL_IS_UNCERTAIN = frozenset({"margin"})


class UncertaintyNumbers(NamedTuple):
    """Numbers of the figure: the loops whose rows a model picked, and its uncertainty about the pool and the picks."""

    loops: tuple[int, ...]
    pool: Series
    picked: Series


def uncertainty_numbers(facts: LoopFacts, measure: str = "least_confidence") -> UncertaintyNumbers:
    """Return the numbers of :func:`plot_uncertainty`."""
    if facts.uncertainty is None:
        raise RequestError("no uncertainty was recorded: the model scores no classes, or no model picked rows")
    recorded, count = facts.uncertainty[measure], common_loops(facts)
    known = [index for index in range(count) if recorded.picked.mean[index] is not None]
    return UncertaintyNumbers(
        tuple(facts.loops[index] for index in known), _at(recorded.pool, known), _at(recorded.picked, known)
    )


def plot_uncertainty(source: Run | LoopFacts, measure: str = "least_confidence") -> go.Figure:
    """Plot the model's uncertainty about the unlabelled rows, and about the rows that it picked.

    Parameters
    ----------
    source : a run, or the result of :func:`altune.examine`.
    measure : ``least_confidence``, ``margin`` or ``entropy``.

    Raises
    ------
    RequestError
        If the run was not examined, no uncertainty was recorded, or there is no such measure.
    """
    facts = loops_of(source)
    numbers = uncertainty_numbers(facts, measure)
    blocks = facts.uncertainty.blocks if facts.uncertainty is not None else 0
    uncertain = "lower" if measure in SMALL_IS_UNCERTAIN else "higher"
    figure = style.new_figure(
        "How uncertain was the model?",
        [
            "about single rows, before each loop",
            f"{uncertain} is more uncertain",
            f"{blocks_words(blocks)}; bands: 10 to 90 % of the rows",
        ],
        x="loop",
        y=AXES[measure],
        height=318,
        right=24 + 8 * 17,
        top=102,
    )
    picked_look, pool_look = style.SERIES[1], style.GREYS[0]
    pairs = list(zip(numbers.loops, numbers.picked.mean, numbers.pool.mean, strict=True))
    hover = [f"loop {loop}: rows picked {picked:.3f}, all unlabelled rows {pool:.3f}" for loop, picked, pool in pairs]
    add_band(figure, numbers.loops, numbers.pool, pool_look.colour)
    add_band(figure, numbers.loops, numbers.picked, picked_look.colour)
    add_line(figure, numbers.loops, numbers.pool.mean, "all unlabelled", pool_look, hover, width=2.0)
    add_line(figure, numbers.loops, numbers.picked.mean, "rows picked", picked_look, hover)
    ends = [
        ("rows picked", float(numbers.picked.mean[-1] or 0.0), picked_look.colour),
        ("all unlabelled", float(numbers.pool.mean[-1] or 0.0), style.QUIET),
    ]
    label_ends(figure, ends, 1.0)
    loop_ticks(figure, numbers.loops[-1])
    figure.update_layout(xaxis={"range": [numbers.loops[0] - 0.6, numbers.loops[-1] + 0.6]})
    figure.update_yaxes(range=[0, 1])
    return figure


def _at(series: Series, indices: list[int]) -> Series:
    return Series(*(tuple(values[index] for index in indices) for values in (series.mean, series.low, series.high)))
