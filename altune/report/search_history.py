"""How the search went: the value of each trial, and the best so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from altune.report import style
from altune.report.style import safe_text, words


@dataclass(frozen=True)
class TrialPoint:
    """One trial of a search.

    Attributes
    ----------
    number : its number in the study, from 0.
    value : mean objective over its blocks; None where it has none.
    state : ``complete``, or why it does not count: ``forbidden``, ``failed``, ``pruned``, ….
    detail : text shown when it is pointed at, such as the query strategy's name.
    """

    number: int
    value: float | None
    state: str = "complete"
    detail: str = ""


class SearchHistoryNumbers(NamedTuple):
    """What the figure shows: complete trials in order, the best so far, and how many ended in each state."""

    trials: tuple[TrialPoint, ...]
    values: NDArray[np.float64]
    best: NDArray[np.float64]
    states: Mapping[str, int]


def search_history_numbers(trials: Sequence[TrialPoint]) -> SearchHistoryNumbers:
    """Return the complete trials by number, the best value so far, and how many ended in each state."""
    ordered = sorted(trials, key=lambda trial: trial.number)
    complete = tuple(trial for trial in ordered if trial.state == "complete" and trial.value is not None)
    values = np.array([trial.value for trial in complete], dtype=np.float64)
    states = Counter(trial.state for trial in ordered)
    return SearchHistoryNumbers(complete, values, np.maximum.accumulate(values), dict(states.most_common()))


def plot_search_history(
    trials: Sequence[TrialPoint], baselines: Mapping[str, float], *, value: str = "objective"
) -> go.Figure:
    """Plot the value of each complete trial by its number, the best so far, and the baselines as lines.

    Parameters
    ----------
    trials : all trials; those that are not complete are counted in the subtitle, not drawn.
    baselines : value of each baseline on the same blocks.
    value : what is measured, for the axis.
    """
    numbers = search_history_numbers(trials)
    figure = style.new_figure(
        "Value of each trial of the search",
        _subtitle(numbers),
        x="trial number",
        y=safe_text(value, 60),
        height=400,
        right=24 + 8 * max([len(_label(name)) for name in baselines] + [len("best so far")]),
    )
    last = max((trial.number for trial in trials), default=0)
    figure.update_xaxes(range=[-0.02 * last - 0.5, last + 0.02 * last + 0.5])
    _add_baselines(figure, baselines, last)
    if len(numbers.trials):
        _add_trials(figure, numbers, last)
    _add_labels(figure, numbers, baselines)
    return figure


def _subtitle(numbers: SearchHistoryNumbers) -> str:
    total = sum(numbers.states.values())
    parts = ", ".join(f"{count} {safe_text(words(state))}" for state, count in numbers.states.items())
    return f"{total} trial{'' if total == 1 else 's'}: {parts}" if total else "no trials"


def _label(name: str) -> str:
    return safe_text(words(name), 26)


def _add_baselines(figure: go.Figure, baselines: Mapping[str, float], last: int) -> None:
    for (name, value), look in zip(baselines.items(), style.GREYS * (len(baselines) + 1), strict=False):
        figure.add_scatter(
            x=[-1, last * 1.1 + 1],
            y=[value, value],
            mode="lines",
            name=_label(name),
            line={"color": look.colour, "dash": look.dash, "width": 2},
            text=f"<b>{_label(name)}</b>: {value:.4f}",
            hoverinfo="text",
        )


def _add_trials(figure: go.Figure, numbers: SearchHistoryNumbers, last: int) -> None:
    x = [trial.number for trial in numbers.trials]
    hover = [
        f"<b>trial {trial.number}</b>: {trial.value:.4f}"
        + (f"<br>{safe_text(trial.detail, 80)}" if trial.detail else "")
        for trial in numbers.trials
    ]
    figure.add_scatter(
        x=x,
        y=numbers.values,
        mode="markers",
        name="trial",
        marker={"symbol": "circle-open", "size": 7, "color": style.BETTER, "line": {"width": 1.5}},
        text=hover,
        hoverinfo="text",
    )
    figure.add_scatter(
        x=[*x, last],
        y=[*numbers.best, numbers.best[-1]],
        mode="lines",
        name="best so far",
        line={"shape": "hv", "color": style.BETTER, "width": 3},
        hoverinfo="skip",
    )


def _add_labels(figure: go.Figure, numbers: SearchHistoryNumbers, baselines: Mapping[str, float]) -> None:
    named = dict(baselines) | ({"best so far": float(numbers.best[-1])} if len(numbers.best) else {})
    drawn = [*named.values(), *numbers.values]
    if not drawn:
        return
    low, high = min(drawn), max(drawn)
    pad = 0.05 * (high - low) or 0.01
    figure.update_yaxes(range=[low - pad, high + pad])
    heights = style.spread_apart(list(named.values()), gap=0.07 * (high - low + 2 * pad))
    for name, height in zip(named, heights, strict=True):
        best = name not in baselines
        colour = style.BETTER if best else style.QUIET
        style.add_direct_label(figure, _label(name), height, colour, bold=best)
