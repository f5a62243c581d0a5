"""Which knobs matter? The share of the variance that each knob, and each decision inside it, explains."""

from __future__ import annotations

import textwrap
from typing import NamedTuple

import plotly.graph_objects as go

from altune.analysis.importance.knob_importance import KnobImportance
from altune.analysis.importance.shares import Floor, KnobShare
from altune.analysis.run import Run
from altune.report.figures import style
from altune.report.figures.explained import OPEN, path_words, percent
from altune.report.figures.inputs import importance_of
from altune.report.figures.style import safe_text, words

MOST_PARAMETERS = 12
ROW = 52
"""Height of a row, a bar with its name above it, in pixels."""
BAR = 0.3
FLOOR_FILL = "#dfe3e8"


class ShareRow(NamedTuple):
    """One bar: its name and numbers as safe text, and whether its share is clearly above the noise floor.

    ``is_held`` marks a share between recipes that have a number in common; it follows the share of the same knob.
    """

    name: str
    text: str
    share: float
    low: float
    high: float
    is_clear: bool
    hover: str
    is_held: bool = False


class ShareNumbers(NamedTuple):
    """Numbers of the figure, the largest share first; ``left_out`` counts the smaller ones that are not shown."""

    rows: tuple[ShareRow, ...]
    left_out: int = 0


def knob_importance_numbers(importance: KnobImportance) -> ShareNumbers:
    """Return the bar of each knob; it is clear if its interval is above the interval of the noise floor.

    Where a number is held, the share of the knob between recipes that have its value follows.
    """
    held = importance.held
    beside = {knob.knob: knob for knob in held.knobs} if held else {}
    rows = []
    for knob in importance.knobs:
        rows.append(_knob_row(knob, words(knob.knob)))
        if held and knob.knob in beside:
            rows.append(_knob_row(beside[knob.knob], f"with {held.text}", is_held=True))
    return ShareNumbers(tuple(rows))


def _knob_row(knob: KnobShare, name: str, is_held: bool = False) -> ShareRow:
    text = interval_text(knob.share, knob.low, knob.high)
    hover = f"{percent(knob.main)} alone, {percent(knob.total)} alone and with others"
    return ShareRow(safe_text(name), text, knob.share, knob.low, knob.high, knob.matters, hover, is_held)


def parameter_importance_numbers(importance: KnobImportance, most: int = MOST_PARAMETERS) -> ShareNumbers:
    """Return the bars of the decisions inside the knobs that explain most.

    A bar is clear if that of its knob is, and its own interval is above the interval of the noise floor.
    """
    matters = {knob.knob for knob in importance.knobs if knob.matters}
    rows = [
        ShareRow(
            safe_text(f"{words(decision.knob)}: which method")
            if decision.path == decision.knob
            else path_words(decision.path, 30),
            interval_text(decision.share, decision.low, decision.high),
            decision.share,
            decision.low,
            decision.high,
            decision.knob in matters and decision.low > importance.floor.high,
            safe_text(decision.path, 80),
        )
        for decision in importance.parameters
    ]
    return ShareNumbers(tuple(rows[:most]), max(0, len(rows) - most))


def plot_knob_importance(source: Run | KnobImportance) -> go.Figure:
    """Plot the share of the objective's variance that each knob explains, with intervals and the noise floor.

    Parameters
    ----------
    source : a run, or ``run.importance()``, which takes a while to compute.

    Raises
    ------
    WorkError
        If fewer than five recipes of the run were played, or all have the same value.
    """
    importance = importance_of(source)
    return _plot(importance, knob_importance_numbers(importance), "How much each knob explains")


def plot_parameter_importance(source: Run | KnobImportance, *, most: int = MOST_PARAMETERS) -> go.Figure:
    """Plot the share that each decision inside the knobs explains: which method, and each of its parameters.

    Parameters
    ----------
    source : a run, or ``run.importance()``, which takes a while to compute.
    most : number of decisions to show, those that explain most; 1 or more.
    """
    importance = importance_of(source)
    return _plot(importance, parameter_importance_numbers(importance, most), "How much each decision explains alone")


def interval_text(share: float, low: float, high: float) -> str:
    """Return a share with its interval as safe text.

    >>> interval_text(0.62, 0.41, 0.73), interval_text(0.001, 0.0, 0.004)
    ('62 % [41, 73]', '&lt;1 % [0, 0.4]')
    """
    digits = 0 if high >= 0.095 else 1
    ends = ", ".join(f"{100 * end:.{digits}f}".removesuffix(".0") for end in (low, high))
    return f"{percent(share)} [{ends}]"


def wrapped_warning(warning: str) -> tuple[str, ...]:
    """Return a warning in lines that fit a phone, as safe text; no lines without a warning."""
    lines = textwrap.wrap(f"Careful: {warning}", style.KEY_WIDTH) if warning else []
    return tuple(safe_text(line, 2 * style.KEY_WIDTH) for line in lines)


def _plot(importance: KnobImportance, numbers: ShareNumbers, title: str) -> go.Figure:
    fewest = f"{importance.fewest_blocks} to " if importance.fewest_blocks < importance.n_blocks else ""
    blocks = f" on {fewest}{importance.n_blocks} blocks" if importance.n_blocks > 1 else ""
    shown = len(numbers.rows)
    lines = [
        f"share of the variance, {100 * importance.confidence:g} % interval",
        f"{importance.n_trials} recipes{blocks}; R² {importance.r2:.2f} on unseen recipes",
    ]
    if any(row.is_held for row in numbers.rows) and importance.held:
        remains = percent(importance.held.remains)
        lines += [f"light: between recipes {safe_text(f'with {importance.held.text}')}, {remains} of the variance"]
    lines += [] if all(row.is_clear for row in numbers.rows) else ["□ open: not above the noise floor"]
    lines += [f"the {shown} largest of {shown + numbers.left_out}"] if numbers.left_out else []
    # The lowest row is for the name of the noise floor.
    count = shown + 1
    figure = style.new_figure(
        title,
        [*lines, *style.warned(wrapped_warning(importance.warning))],
        x="share of the variance of the objective",
        height=ROW * count + 50,
    )
    _add_floor(figure, importance.floor)
    for height, row in enumerate(reversed(numbers.rows), start=1):
        _add_row(figure, row, height)
    ends = [end for row in numbers.rows for end in (row.share, row.high)]
    figure.update_xaxes(range=[0, 1.06 * max([*ends, importance.floor.high])], tickformat=".0~%", nticks=6)
    figure.update_yaxes(visible=False, range=[-0.25, count - 0.1])
    figure.update_layout(bargap=0)
    return figure


def _add_floor(figure: go.Figure, floor: Floor) -> None:
    """Shade the shares that a knob without effect may have."""
    box = {"xref": "x", "x0": 0, "x1": floor.high, "yref": "y domain", "y0": 0, "y1": 1}
    figure.add_shape(type="rect", **box, layer="below", fillcolor=FLOOR_FILL, line={"width": 0})
    figure.add_vline(x=floor.high, line={"color": style.QUIET, "width": 1.5, "dash": "dash"}, layer="below")
    text = f"▒ noise floor {interval_text(floor.share, floor.low, floor.high)}: a knob without effect"
    _add_text(figure, text, 0, style.QUIET)


def _add_row(figure: go.Figure, row: ShareRow, height: int) -> None:
    colour = style.BETTER if row.is_clear else style.QUIET
    light = style.translucent(style.BETTER, 0.35)
    figure.add_bar(
        x=[row.share],
        y=[height],
        width=BAR,
        orientation="h",
        marker={
            "color": (light if row.is_held else style.BETTER) if row.is_clear else OPEN,
            "line": {"color": colour, "width": 1 if row.is_held else 2},
        },
        error_x=style.error_bars(row.share, row.low, row.high, style.INK),
        text=f"<b>{row.name}</b>: {row.text}<br>{row.hover}",
        textposition="none",
        hoverinfo="text",
    )
    name = f"<b>{row.name}</b>" if row.is_clear and not row.is_held else row.name
    _add_text(figure, f"{name}  {row.text}", height, style.INK if row.is_clear else style.QUIET)


def _add_text(figure: go.Figure, text: str, height: float, colour: str) -> None:
    font, paper = {"color": colour, "size": 13}, style.translucent(style.PAPER, 0.6)
    style.add_text(figure, text, height, xshift=3, yshift=9 if height else -6, borderpad=0, bgcolor=paper, font=font)
