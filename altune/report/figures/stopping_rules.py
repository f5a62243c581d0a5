"""Where would each stopping rule have stopped the recipe? Labels saved against score kept."""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.loops.facts import LoopFacts, StoppingFacts
from altune.analysis.stopping_replay import StoppingReplay
from altune.report.figures import style
from altune.report.figures.by_loop import add_band, blocks_words, split_panels
from altune.report.figures.inputs import stopping_of
from altune.report.figures.style import safe_text, words

ROW = 50
UPPER = 230
GAP = 44
INDENT = -44
"""Names of rules begin left of the axis: a phone would cut their ends otherwise."""
LONGEST = 52
"""Characters of a row that fit a phone in the usual size."""


class StopRow(NamedTuple):
    """One rule that fired: mean, fewest and most labels at its stop, labels saved, per cent of the score kept."""

    name: str
    labels: float
    low: float
    high: float
    saved: float
    kept: float
    fired: int


class StoppingNumbers(NamedTuple):
    """Numbers of the figure: the rules that fired, the earliest first, and the names of those that never did."""

    rows: tuple[StopRow, ...]
    never: tuple[str, ...]


def stopping_rule_numbers(facts: StoppingFacts) -> StoppingNumbers:
    """Return the numbers of :func:`plot_stopping_rules`; labels at a stop are of the blocks where the rule fired."""
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
        for rule in facts.rules
        if rule.fired
    ]
    rows.sort(key=lambda row: (row.labels, row.name))
    return StoppingNumbers(tuple(rows), tuple(rule.name for rule in facts.rules if not rule.fired))


def plot_stopping_rules(source: StoppingReplay | LoopFacts) -> go.Figure:
    """Plot the learning curve, and below it where each stopping rule would have stopped.

    Parameters
    ----------
    source : the result of :func:`altune.replay` or of :func:`altune.examine`; ``run.loops`` of a run.

    Raises
    ------
    RequestError
        If no rule could be replayed.
    """
    facts, metric = stopping_of(source)
    numbers = stopping_rule_numbers(facts)
    rows = max(1, len(numbers.rows))
    total = UPPER + GAP + ROW * rows + 10
    figure = style.new_figure(
        "Where would each rule have stopped?",
        [
            f"{blocks_words(facts.blocks)}; saved: labels not bought,",
            "kept: share of the final score",
            *_never(numbers),
        ],
        y=safe_text(words(metric), None),
        height=total + 66,
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
    _add_curve(figure, facts)
    for height, row in enumerate(reversed(numbers.rows)):
        _add_row(figure, row, height, facts.blocks)
    figure.update_layout(
        yaxis2={"visible": False, "range": [-0.45, rows - 0.25]},
        xaxis2={"range": [0, facts.last * 1.02]},
    )
    return figure


def _never(numbers: StoppingNumbers) -> list[str]:
    count = len(numbers.never)
    if not count:
        return []
    others = "other rule does" if count == 1 else "other rules do"
    return [f"{count} {others if numbers.rows else others.replace('other ', '')} not stop before the end"]


def _add_curve(figure: go.Figure, facts: StoppingFacts) -> None:
    look = style.SERIES[0]
    if facts.blocks > 1:
        add_band(figure, facts.counts, facts.score, look.colour)
    figure.add_scatter(
        x=facts.counts,
        y=facts.score.mean,
        mode="lines",
        line={"shape": "hv", "color": look.colour, "width": 2.5},
        text=[f"{count} labels: {score:.3f}" for count, score in zip(facts.counts, facts.score.mean, strict=True)],
        hoverinfo="text",
    )


def _add_row(figure: go.Figure, row: StopRow, height: int, blocks: int) -> None:
    of_recipe = row.name == "recipe"
    colour, symbol = (style.WORSE, "star") if of_recipe else (style.BETTER, "circle")
    name = "the recipe's own rule" if of_recipe else safe_text(words(row.name), 28)
    often = "" if row.fired == blocks else f" ({row.fired} of {blocks})"
    span = {"x0": row.low, "x1": row.high, "y0": height, "y1": height, "xref": "x2", "yref": "y2"}
    figure.add_shape(type="line", **span, line={"color": colour, "width": 2})
    drop = {"x0": row.labels, "x1": row.labels, "y0": 0, "y1": 1, "xref": "x", "yref": "y domain"}
    figure.add_shape(type="line", **drop, line={"color": colour, "width": 1, "dash": "dot"})
    outcome = f"{row.saved:.0f} saved, {row.kept:.1f} % kept"
    style.add_marks(
        figure,
        [row.labels],
        [height],
        {"symbol": symbol, "size": 13 if of_recipe else 11, "color": colour},
        f"<b>{name}</b>{often}<br>stops at {row.labels:.0f} labels ({row.low:.0f} to {row.high:.0f})<br>{outcome}",
        xaxis="x2",
        yaxis="y2",
        showlegend=False,
    )
    long = len(name + often + outcome) > LONGEST
    inside = {"xshift": INDENT, "yshift": 7, "align": "left", "font": {"size": 10 if long else 11.5}}
    style.add_text(figure, f"{name}{often}: <b>{outcome}</b>", height, "2", **inside)
