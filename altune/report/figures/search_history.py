"""How was it found? The value of each trial of the search, and the best so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from altune.analysis.run import Run
from altune.core.text import counted
from altune.report.amounts import Amounts
from altune.report.figures import style
from altune.report.figures.inputs import history_of
from altune.report.figures.points import INFEASIBLE, TrialPoint
from altune.report.figures.style import MarkLook, safe_text, words

LOOKS: Mapping[str, MarkLook] = {
    "complete": MarkLook("circle-open", "○", style.BETTER, "complete"),
    INFEASIBLE: MarkLook("x-thin-open", "✕", style.WORSE, "infeasible"),
    "dropped": MarkLook("triangle-down-open", "▽", style.QUIET, "dropped early"),
    "failed": MarkLook("cross-thin-open", "+", style.INK, "failed"),
    "running": MarkLook("diamond-open", "◇", style.INK, "running"),
    "waiting": MarkLook("square-open", "□", style.QUIET, "waiting"),
}
"""Looks of trials by shown state; forbidden draws are counted, not drawn."""


class SearchHistoryNumbers(NamedTuple):
    """Numbers of the figure: complete, feasible trials in order, and the best value so far.

    ``beside`` are the trials whose value does not count (dropped or infeasible); ``without`` have no value and are
    drawn along the bottom; ``states`` counts all trials by shown state.
    """

    trials: tuple[TrialPoint, ...]
    best: NDArray[np.float64]
    states: Mapping[str, int]
    beside: tuple[TrialPoint, ...] = ()
    without: tuple[TrialPoint, ...] = ()


def search_history_numbers(trials: Sequence[TrialPoint], amounts: Amounts | None = None) -> SearchHistoryNumbers:
    """Return the numbers of :func:`plot_search_history`.

    Parameters
    ----------
    trials : all trials, in any order.
    amounts : whether less is better; by default more is.
    """
    ordered = sorted(trials, key=lambda trial: trial.number)
    count = tuple(trial for trial in ordered if trial.shown_state == "complete" and trial.value is not None)
    others = [trial for trial in ordered if trial not in count and trial.state in LOOKS]
    better = np.minimum if amounts is not None and amounts.less_is_better else np.maximum
    states = Counter(trial.shown_state for trial in ordered)
    return SearchHistoryNumbers(
        count,
        better.accumulate(np.array([trial.value for trial in count], dtype=np.float64)),
        dict(states.most_common()),
        tuple(trial for trial in others if trial.value is not None),
        tuple(trial for trial in others if trial.value is None),
    )


def plot_search_history(
    source: Run | Sequence[TrialPoint],
    baselines: Mapping[str, float] | None = None,
    *,
    value: str = "objective",
    amounts: Amounts | None = None,
) -> go.Figure:
    """Plot the value of each trial by its number, the best so far, and the baselines as lines.

    Parameters
    ----------
    source : a run, or all trials; forbidden draws are counted in the subtitle, not drawn.
    baselines : value of each baseline on the same blocks; a run has its own, and its own ``value`` and ``amounts``.
    value : what is measured, for the axis.
    amounts : how its numbers are written, and whether less is better; by default as a score.
    """
    if isinstance(source, Sequence):
        trials = source
    else:
        trials, baselines, value, amounts = history_of(source)
    baselines = baselines or {}
    written = amounts or Amounts()
    numbers = search_history_numbers(trials, written)
    figure = style.new_figure(
        "Value of each trial of the search",
        [safe_text(line, 2 * style.KEY_WIDTH) for line in _key(numbers)],
        x="trial number",
        y=safe_text(value, None) + ("<br>less is better ↓" if written.less_is_better else ""),
        height=338,
        right=24 + 8 * max([len(_label(name)) for name in baselines] + [len("best so far")]),
    )
    last = max((trial.number for trial in trials), default=0)
    figure.update_xaxes(range=[-0.02 * last - 0.5, last + 0.02 * last + 0.5])
    _add_baselines(figure, baselines, last, written)
    low, high = _range(numbers, baselines)
    for state, look in LOOKS.items():
        _add_trials(figure, [trial for trial in _drawn(numbers) if trial.shown_state == state], look, low, written)
    if len(numbers.best):
        x, y = [*(trial.number for trial in numbers.trials), last], [*numbers.best, numbers.best[-1]]
        line = {"shape": "hv", "color": style.BETTER, "width": 3}
        figure.add_scatter(x=x, y=y, mode="lines", name="best so far", line=line, hoverinfo="skip")
    _add_labels(figure, numbers, baselines, low, high)
    return figure


def _drawn(numbers: SearchHistoryNumbers) -> list[TrialPoint]:
    return [*numbers.trials, *numbers.beside, *numbers.without]


def _key(numbers: SearchHistoryNumbers) -> list[str]:
    """Return the lines that explain the markers, with the number of trials of each."""
    total, parts = sum(numbers.states.values()), []
    if not total:
        return ["no trials"]
    for state, count in numbers.states.items():
        look = LOOKS.get(state)
        # A single kind of marker needs no key.
        sign = f"{look.sign} " if look and len(numbers.states) > 1 else ""
        parts.append(f"{sign}{count} {look.words if look else words(state)}")
    return style.key_lines(f"{counted(total, 'trial')}: ", parts)


def _label(name: str) -> str:
    return safe_text(words(name), 26)


def _add_baselines(figure: go.Figure, baselines: Mapping[str, float], last: int, amounts: Amounts) -> None:
    for (name, value), look in zip(baselines.items(), style.GREYS * (len(baselines) + 1), strict=False):
        line = {"color": look.colour, "dash": look.dash, "width": 2}
        shown = {"name": _label(name), "text": f"<b>{_label(name)}</b>: {amounts.exact.text(value)}"}
        ends = [-1, last * 1.1 + 1]
        figure.add_scatter(x=ends, y=[value, value], mode="lines", line=line, hoverinfo="text", **shown)


def _add_trials(
    figure: go.Figure, trials: Sequence[TrialPoint], look: MarkLook, bottom: float, amounts: Amounts
) -> None:
    if not trials:
        return
    style.add_marks(
        figure,
        [trial.number for trial in trials],
        [bottom if trial.value is None else trial.value for trial in trials],
        look.marker,
        [_hover(trial, look, amounts) for trial in trials],
        name="trial" if look.words == "complete" else f"trial, {look.words}",
        cliponaxis=False,
    )


def _hover(trial: TrialPoint, look: MarkLook, amounts: Amounts) -> str:
    value = "" if trial.value is None else f": {amounts.exact.text(trial.value)}"
    estimated = ", its estimate when dropped" if trial.state == "dropped" and trial.value is not None else ""
    lines = [f"<b>trial {trial.number}</b>{value}{estimated}"]
    lines += [] if look.words == "complete" else [look.words]
    lines += [safe_text(text, 80) for text in (trial.violated, trial.detail) if text]
    return "<br>".join(lines)


def _range(numbers: SearchHistoryNumbers, baselines: Mapping[str, float]) -> tuple[float, float]:
    drawn = [*baselines.values(), *(trial.value for trial in _drawn(numbers) if trial.value is not None)]
    if not drawn:
        return 0.0, 1.0
    low, high = min(drawn), max(drawn)
    pad = 0.05 * (high - low) or 0.01
    # Trials without a value are drawn along the bottom, apart from those with one.
    return low - pad * (2 if numbers.without else 1), high + pad


def _add_labels(
    figure: go.Figure, numbers: SearchHistoryNumbers, baselines: Mapping[str, float], low: float, high: float
) -> None:
    named = dict(baselines) | ({"best so far": float(numbers.best[-1])} if len(numbers.best) else {})
    figure.update_yaxes(range=[low, high])
    heights = style.spread_apart(list(named.values()), 0.07 * (high - low), (low, high))
    for name, height in zip(named, heights, strict=True):
        best = name not in baselines
        colour = style.BETTER if best else style.QUIET
        style.add_direct_label(figure, _label(name), height, colour, bold=best)
