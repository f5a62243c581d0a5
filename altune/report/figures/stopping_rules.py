"""Where each stopping rule would have ended the recipe: labels saved against score kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from altune.analysis.loops.facts import LoopFacts, StoppingFacts
from altune.core.errors import RequestError
from altune.report.figures import style
from altune.report.figures.by_loop import add_band, blocks_words, loops_of, split_panels
from altune.report.figures.style import safe_text, words

if TYPE_CHECKING:
    from altune.analysis.run import Run
    from altune.analysis.stopping_replay import StoppingReplay

ROW = 50
UPPER = 230
GAP = 44
INDENT = -44
"""Names of rules begin below the numbers of the axis above, or a phone would cut their ends."""


class StopRow(NamedTuple):
    """One rule that fired: mean, least and most labels at the stop, labels saved, per cent of the score kept."""

    name: str
    labels: float
    low: float
    high: float
    saved: float
    kept: float
    fired: int


class StoppingNumbers(NamedTuple):
    """What the figure shows: the rules that fired, the earliest first, and the names of those that never did."""

    rows: tuple[StopRow, ...]
    never: tuple[str, ...]


def stopping_rule_numbers(source: LoopFacts | StoppingReplay | Run) -> StoppingNumbers:
    """Return what :func:`plot_stopping_rules` shows; labels at the stop are those of the blocks where a rule fired.

    Raises
    ------
    RequestError
        If no rule could be told.
    """
    found, _ = _stopping_of(source)
    rows = [
        StopRow(
            rule.name,
            sum(rule.fired) / len(rule.fired),
            min(rule.fired),
            max(rule.fired),
            rule.saved,
            100.0 * rule.kept,
            len(rule.fired),
        )
        for rule in found.rules
        if rule.fired
    ]
    rows.sort(key=lambda row: (row.labels, row.name))
    return StoppingNumbers(tuple(rows), tuple(rule.name for rule in found.rules if not rule.fired))


def plot_stopping_rules(source: LoopFacts | StoppingReplay | Run) -> go.Figure:
    """Plot the learning curve, and below it where each stopping rule would have ended it.

    Parameters
    ----------
    source : what :func:`altune.examine` or :func:`altune.replay` found, or a run.

    Raises
    ------
    RequestError
        If the run was not examined, or no rule could be told.
    """
    found, metric = _stopping_of(source)
    numbers = stopping_rule_numbers(source)
    rows = max(1, len(numbers.rows))
    total = UPPER + GAP + ROW * rows + 10
    figure = style.new_figure(
        "Where would each rule have stopped?",
        f"{blocks_words(found.blocks)}; saved: labels left,<br>kept: share of the final score{_never(numbers)}",
        x="",
        y=safe_text(words(metric)),
        height=total + 170,
        top=104,
    )
    split_panels(
        figure,
        (ROW * rows + 10) / total,
        GAP / total,
        ("", "<b>Stops</b>" if numbers.rows else "<b>No rule stops before the end</b>"),
        x="labels bought",
        y="",
        shared=True,
    )
    _add_curve(figure, found)
    for place, row in enumerate(reversed(numbers.rows)):
        _add_row(figure, row, place, found.blocks)
    figure.update_layout(
        yaxis2={"visible": False, "range": [-0.45, rows - 0.25]},
        xaxis2={"range": [0, found.last * 1.02]},
    )
    return figure


def _stopping_of(source: LoopFacts | StoppingReplay | Run) -> tuple[StoppingFacts, str]:
    """Return where the rules stop, and the metric of the curve."""
    from altune.analysis.loops.stopping import stopping_facts
    from altune.analysis.stopping_replay import StoppingReplay

    if isinstance(source, StoppingReplay):
        return stopping_facts(source), source.objective.metric
    facts = loops_of(source)
    if facts.stopping is None:
        raise RequestError("no stopping rule could be told from the recipe's trajectories; there is nothing to plot")
    return facts.stopping, facts.metric


def _never(numbers: StoppingNumbers) -> str:
    count = len(numbers.never)
    if not count:
        return ""
    others = "other rule does" if count == 1 else "other rules do"
    return f"<br>{count} {others if numbers.rows else others.replace('other ', '')} not stop before the end"


def _add_curve(figure: go.Figure, found: StoppingFacts) -> None:
    look = style.SERIES[0]
    if found.blocks > 1:
        add_band(figure, found.counts, found.score, look.colour)
    figure.add_scatter(
        x=found.counts,
        y=found.score.mean,
        mode="lines",
        line={"shape": "hv", "color": look.colour, "width": 2.5},
        text=[f"{count} labels: {score:.3f}" for count, score in zip(found.counts, found.score.mean, strict=True)],
        hoverinfo="text",
    )


def _add_row(figure: go.Figure, row: StopRow, place: int, blocks: int) -> None:
    own = row.name == "recipe"
    colour, symbol = (style.WORSE, "star") if own else (style.BETTER, "circle")
    name = "the recipe's own rule" if own else safe_text(words(row.name), 28)
    often = "" if row.fired == blocks else f" ({row.fired} of {blocks})"
    figure.add_shape(
        type="line",
        x0=row.low,
        x1=row.high,
        y0=place,
        y1=place,
        xref="x2",
        yref="y2",
        line={"color": colour, "width": 2},
    )
    figure.add_shape(
        type="line",
        x0=row.labels,
        x1=row.labels,
        y0=0,
        y1=1,
        xref="x",
        yref="y domain",
        line={"color": colour, "width": 1, "dash": "dot"},
    )
    told = f"{row.saved:.0f} saved, {row.kept:.1f} % kept"
    figure.add_scatter(
        x=[row.labels],
        y=[place],
        xaxis="x2",
        yaxis="y2",
        mode="markers",
        marker={"symbol": symbol, "size": 13 if own else 11, "color": colour},
        text=f"<b>{name}</b>{often}<br>stops at {row.labels:.0f} labels ({row.low:.0f} to {row.high:.0f})<br>{told}",
        hoverinfo="text",
        showlegend=False,
    )
    figure.add_annotation(
        text=f"{name}{often}: <b>{told}</b>",
        x=0,
        xref="x2 domain",
        xanchor="left",
        xshift=INDENT,
        y=place,
        yref="y2",
        yanchor="bottom",
        yshift=7,
        showarrow=False,
        align="left",
        font={"size": 11.5},
    )
