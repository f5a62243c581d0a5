"""Which method of a knob? What each reaches over the whole space, and what its trials reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from altune.analysis.importance.effects import Effects
from altune.analysis.importance.marginals import MethodEffect
from altune.report.amounts import Amounts
from altune.report.figures import style
from altune.report.figures.explained import OPEN, marginals_of, value_along
from altune.report.figures.style import safe_text, words

if TYPE_CHECKING:
    from altune.analysis.run import Run

MOST_METHODS = 12
ROW = 64
"""Height of a method: its name, its marginal, and its trials, in pixels."""
BOX = -0.2
"""Where a method's trials lie below its marginal, in rows."""
TRIALS = "#9aa3ad"


class MethodRow(NamedTuple):
    """One method as it is drawn; ``text`` is the marginal with its interval."""

    name: str
    text: str
    effect: MethodEffect


class MethodNumbers(NamedTuple):
    """The methods that are shown, the best first, and how many others there are."""

    rows: tuple[MethodRow, ...]
    left_out: int


def method_effect_numbers(
    effects: Effects, knob: str, amounts: Amounts | None = None, most: int = MOST_METHODS
) -> MethodNumbers:
    """Return each method's marginal, the best first: the largest, or the smallest where less is better.

    Raises
    ------
    RequestError
        If the space leaves the knob's method closed.
    """
    written = Amounts() if amounts is None else amounts
    found = sorted(effects.methods(knob), key=lambda one: one.mean if written.less_is_better else -one.mean)
    rows = tuple(
        MethodRow(safe_text(words(one.method), 28), written.interval(one.mean, one.low, one.high), one)
        for one in found[:most]
    )
    return MethodNumbers(rows, len(found) - len(rows))


def plot_method_effects(
    source: Run | Effects,
    knob: str,
    *,
    value: str | None = None,
    amounts: Amounts | None = None,
    most: int = MOST_METHODS,
) -> go.Figure:
    """Plot what each method of a knob reaches: its mean over the space with interval, and its trials below.

    Parameters
    ----------
    source : a run, or its marginals; of a run they are computed at each call.
    knob : whose methods are compared.
    value : what is measured, for the axis; by default the run's objective.
    amounts : how its numbers are written, and whether less is better; by default as the run's objective.
    most : methods that are shown, the best, 1 or more.

    Raises
    ------
    RequestError
        If the space leaves the knob's method closed.
    """
    shown = marginals_of(source, value, amounts)
    numbers = method_effect_numbers(shown.effects, knob, shown.amounts, most)
    lines = [
        f"● mean over the space, {100 * shown.effects.confidence:g} % interval; best on top",
        "▭ its trials: 10 to 90 %, quartiles; ○ each one",
        f"{shown.effects.n_trials} recipes" + ("; less is better" if shown.amounts.less_is_better else ""),
    ]
    if numbers.left_out:
        lines.append(f"the best {len(numbers.rows)} of {len(numbers.rows) + numbers.left_out} methods")
    extra = 18 * (len(lines) - 1)
    figure = style.new_figure(
        f"Methods of the {safe_text(words(knob), 24)}",
        "<br>".join(lines),
        x=value_along(shown.value, shown.amounts),
        y="",
        height=62 + extra + ROW * len(numbers.rows) + 60,
        top=62 + extra,
    )
    for place, row in enumerate(reversed(numbers.rows)):
        _add_trials(figure, row.effect, place, shown.amounts)
        _add_marginal(figure, row, place)
    figure.update_yaxes(visible=False, range=[-0.45, len(numbers.rows) - 0.35])
    figure.update_xaxes(nticks=6, tickformat=f".{shown.amounts.digits}~f")
    return figure


def _add_marginal(figure: go.Figure, row: MethodRow, place: int) -> None:
    one = row.effect
    figure.add_scatter(
        x=[one.mean],
        y=[place],
        mode="markers",
        # Without a trial of its own a method is judged by what it shares with others alone.
        marker={
            "size": 11,
            "color": style.BETTER if one.n_trials else OPEN,
            "symbol": "circle",
            "line": {"width": 2, "color": style.BETTER},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [one.high - one.mean],
            "arrayminus": [one.mean - one.low],
            "thickness": 2.5,
            "width": 6,
            "color": style.BETTER,
        },
        text=f"<b>{row.name}</b><br>{row.text}",
        hoverinfo="text",
    )
    trials = "no trial" if not one.n_trials else f"{one.n_trials} trial{'' if one.n_trials == 1 else 's'}"
    figure.add_annotation(
        text=f"<b>{row.name}</b>  {row.text}  <span style='color:{style.QUIET}'>{trials}</span>",
        x=0,
        xref="x domain",
        xanchor="left",
        xshift=3,
        y=place,
        yref="y",
        yanchor="bottom",
        yshift=8,
        showarrow=False,
        borderpad=0,
        bgcolor=style.translucent("#ffffff", 0.8),
        font={"size": 12},
    )


def _add_trials(figure: go.Figure, one: MethodEffect, place: int, amounts: Amounts) -> None:
    if one.quantiles is None:
        return
    tenth, quarter, middle, three_quarters, nine_tenths = one.quantiles
    at = place + BOX
    for ends, width, colour in (
        ((tenth, nine_tenths), 2, TRIALS),
        ((quarter, three_quarters), 13, style.translucent(TRIALS, 0.45)),
    ):
        figure.add_scatter(
            x=list(ends), y=[at, at], mode="lines", line={"width": width, "color": colour}, hoverinfo="skip"
        )
    figure.add_scatter(
        x=list(one.values),
        y=[at] * len(one.values),
        mode="markers",
        marker={"size": 6, "symbol": "circle-open", "color": style.QUIET, "opacity": 0.7, "line": {"width": 1}},
        text=[amounts.exact.text(value) for value in one.values],
        hoverinfo="text",
    )
    figure.add_scatter(
        x=[middle],
        y=[at],
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 13, "color": style.INK, "line": {"width": 2.5}},
        hoverinfo="skip",
    )
