"""How unsure the model was, loop by loop: of the whole pool, and of the rows that it picked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from altune.analysis.loops.facts import LoopFacts
from altune.analysis.loops.series import Series
from altune.core.errors import RequestError
from altune.report.figures import style
from altune.report.figures.by_loop import (
    add_band,
    add_line,
    blocks_words,
    common_loops,
    label_ends,
    loop_ticks,
    loops_of,
)

if TYPE_CHECKING:
    from altune.analysis.run import Run

AXES = {
    "least_confidence": "1 − probability of the likeliest class",
    "margin": "likeliest class's lead over the second",
    "entropy": "entropy, 1 = all classes equally likely",
}
SMALL_IS_UNSURE = frozenset({"margin"})


class UncertaintyNumbers(NamedTuple):
    """What the figure shows: loops from the first that a model chose, the pool and the picks there."""

    loops: tuple[int, ...]
    pool: Series
    picked: Series


def uncertainty_numbers(source: LoopFacts | Run, measure: str = "least_confidence") -> UncertaintyNumbers:
    """Return what :func:`plot_uncertainty` shows.

    Raises
    ------
    RequestError
        If nothing was noted, or there is no such measure.
    """
    facts = loops_of(source)
    if facts.uncertainty is None:
        raise RequestError("no uncertainty was noted: the model scores no classes, or no loop came after the first")
    found, count = facts.uncertainty[measure], common_loops(facts)
    places = [place for place in range(count) if found.picked.mean[place] is not None]
    return UncertaintyNumbers(
        tuple(facts.loops[place] for place in places), _at(found.pool, places), _at(found.picked, places)
    )


def plot_uncertainty(source: LoopFacts | Run, measure: str = "least_confidence") -> go.Figure:
    """Plot the uncertainty of the unlabelled pool and of the rows picked from it, by the model that picked them.

    Parameters
    ----------
    source : what :func:`altune.examine` found, or a run.
    measure : ``least_confidence``, ``margin`` or ``entropy``.

    Raises
    ------
    RequestError
        If the run was not examined, nothing was noted, or there is no such measure.
    """
    facts = loops_of(source)
    numbers = uncertainty_numbers(facts, measure)
    blocks = facts.uncertainty.blocks if facts.uncertainty is not None else 0
    unsure = "lower" if measure in SMALL_IS_UNSURE else "higher"
    figure = style.new_figure(
        "How unsure was the model?",
        f"before each loop, of single rows; {unsure}: less sure<br>"
        f"{blocks_words(blocks)}; bands: 10 to 90 % of the rows",
        x="loop",
        y=AXES[measure],
        height=420,
        right=24 + 8 * 17,
        top=84,
    )
    own, other = style.SERIES[1], style.GREYS[0]
    pairs = list(zip(numbers.loops, numbers.picked.mean, numbers.pool.mean, strict=True))
    hover = [f"loop {loop}: rows picked {picked:.3f}, all unlabelled rows {pool:.3f}" for loop, picked, pool in pairs]
    add_band(figure, numbers.loops, numbers.pool, other.colour)
    add_band(figure, numbers.loops, numbers.picked, own.colour)
    add_line(figure, numbers.loops, numbers.pool.mean, "all unlabelled", other, hover, width=2.0)
    add_line(figure, numbers.loops, numbers.picked.mean, "rows picked", own, hover)
    ends = [
        ("rows picked", float(numbers.picked.mean[-1] or 0.0), own.colour),
        ("all unlabelled", float(numbers.pool.mean[-1] or 0.0), style.QUIET),
    ]
    label_ends(figure, ends, 1.0)
    loop_ticks(figure, numbers.loops[-1])
    figure.update_layout(xaxis={"range": [numbers.loops[0] - 0.6, numbers.loops[-1] + 0.6]})
    figure.update_yaxes(range=[0, 1])
    return figure


def _at(series: Series, places: list[int]) -> Series:
    return Series(*(tuple(part[place] for place in places) for part in (series.mean, series.low, series.high)))
