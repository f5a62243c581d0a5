"""Which method of a knob is good? The mean of each over the whole space, and the values of its trials."""

from __future__ import annotations

from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.importance.effects import Effects
from altune.analysis.importance.marginals import MethodEffect
from altune.analysis.run import Run
from altune.report.amounts import Amounts
from altune.report.figures import style
from altune.report.figures.explained import OPEN, value_title
from altune.report.figures.inputs import effects_of
from altune.report.figures.style import safe_text, words

MOST_METHODS = 12
ROW = 64
"""Height of a row, in pixels: the name of a method, its marginal, and its trials."""
BOX = -0.2
"""Offset of the trials of a method from its marginal, in rows."""
TRIALS = "#9aa3ad"


class MethodRow(NamedTuple):
    """One method; ``text`` is its marginal with the interval."""

    name: str
    text: str
    effect: MethodEffect


class MethodNumbers(NamedTuple):
    """Numbers of the figure: the methods to show, the best first, and how many others there are."""

    rows: tuple[MethodRow, ...]
    left_out: int


def method_effect_numbers(
    effects: Effects, knob: str, amounts: Amounts | None = None, most: int = MOST_METHODS
) -> MethodNumbers:
    """Return the marginal of each method, the best first."""
    written = amounts or Amounts()
    sign = 1.0 if written.less_is_better else -1.0
    methods = sorted(effects.methods(knob), key=lambda effect: sign * effect.mean)
    rows = tuple(
        MethodRow(safe_text(words(effect.method), 28), written.interval(effect.mean, effect.low, effect.high), effect)
        for effect in methods[:most]
    )
    return MethodNumbers(rows, len(methods) - len(rows))


def plot_method_effects(
    source: Run | Effects,
    knob: str,
    *,
    value: str | None = None,
    amounts: Amounts | None = None,
    most: int = MOST_METHODS,
) -> go.Figure:
    """Plot the mean of each method of a knob over the space, with its interval, and below it the method's trials.

    Parameters
    ----------
    source : a run, or ``run.effects()``, which takes a while to compute.
    knob : the knob whose methods are compared.
    value : what is measured, for the axis; by default the run's objective.
    amounts : how its numbers are written, and whether less is better; by default as the run's objective.
    most : number of methods to show, the best ones; 1 or more.

    Raises
    ------
    RequestError
        If the space does not leave the method of the knob open.
    """
    inputs = effects_of(source, value, amounts)
    numbers = method_effect_numbers(inputs.effects, knob, inputs.amounts, most)
    lines = [
        f"● mean over the space, {100 * inputs.effects.confidence:g} % interval; best on top",
        "▭ its trials: 10 to 90 %, quartiles; ○ each trial",
        f"{inputs.effects.n_trials} recipes" + ("; less is better" if inputs.amounts.less_is_better else ""),
    ]
    if numbers.left_out:
        lines.append(f"the best {len(numbers.rows)} of {len(numbers.rows) + numbers.left_out} methods")
    figure = style.new_figure(
        f"Methods of the {safe_text(words(knob), None)}",
        lines,
        x=value_title(inputs.value, inputs.amounts, "← less is better"),
        height=ROW * len(numbers.rows) + 60,
    )
    for height, row in enumerate(reversed(numbers.rows)):
        _add_trials(figure, row.effect, height, inputs.amounts)
        _add_marginal(figure, row, height)
    figure.update_yaxes(visible=False, range=[-0.45, len(numbers.rows) - 0.35])
    figure.update_xaxes(nticks=6, tickformat=f".{inputs.amounts.digits}~f")
    return figure


def _add_marginal(figure: go.Figure, row: MethodRow, height: int) -> None:
    effect = row.effect
    style.add_marks(
        figure,
        [effect.mean],
        [height],
        # The mean of a method without trials comes only from what it shares with other methods.
        {
            "size": 11,
            "color": style.BETTER if effect.n_trials else OPEN,
            "symbol": "circle",
            "line": {"width": 2, "color": style.BETTER},
        },
        f"<b>{row.name}</b><br>{row.text}",
        error_x=style.error_bars(effect.mean, effect.low, effect.high, style.BETTER, 2.5),
    )
    trials = f"{effect.n_trials or 'no'} trial{'' if effect.n_trials == 1 else 's'}"
    text = f"<b>{row.name}</b>  {row.text}  <span style='color:{style.QUIET}'>{trials}</span>"
    paper = style.translucent(style.PAPER, 0.8)
    style.add_text(figure, text, height, xshift=3, yshift=8, borderpad=0, bgcolor=paper, font={"size": 12})


def _add_trials(figure: go.Figure, effect: MethodEffect, height: int, amounts: Amounts) -> None:
    if effect.quantiles is None:
        return
    tenth, quarter, middle, three_quarters, nine_tenths = effect.quantiles
    y = height + BOX
    shade = style.translucent(TRIALS, 0.45)
    for x, width, colour in (((tenth, nine_tenths), 2, TRIALS), ((quarter, three_quarters), 13, shade)):
        figure.add_scatter(x=x, y=[y, y], mode="lines", line={"width": width, "color": colour}, hoverinfo="skip")
    ring = {"size": 6, "symbol": "circle-open", "color": style.QUIET, "opacity": 0.7, "line": {"width": 1}}
    hover = [amounts.exact.text(value) for value in effect.values]
    style.add_marks(figure, effect.values, [y] * len(effect.values), ring, hover)
    bar = {"symbol": "line-ns-open", "size": 13, "color": style.INK, "line": {"width": 2.5}}
    style.add_marks(figure, [middle], [y], bar)
