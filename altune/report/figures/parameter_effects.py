"""Which value of a numeric parameter is good? The mean over the space at each value, and the values of the trials."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from altune.analysis.importance.effects import Effects
from altune.analysis.importance.marginals import Curve
from altune.analysis.run import Run
from altune.report.amounts import Amounts
from altune.report.figures import style
from altune.report.figures.explained import path_words, value_title
from altune.report.figures.inputs import effects_of
from altune.report.figures.style import safe_text

HEIGHT = 320
TICKS = (1.0, 2.0, 5.0)


def plot_parameter_effect(
    source: Run | Effects, path: str, *, value: str | None = None, amounts: Amounts | None = None
) -> go.Figure:
    """Plot the mean over the space at each value of a numeric parameter, with its interval and the trials that have it.

    Parameters
    ----------
    source : a run, or ``run.effects()``, which takes a while to compute.
    path : Optuna's name of the parameter, such as ``initial_sample.kmeans.size``.
    value : what is measured, for the axis; by default the run's objective.
    amounts : how its numbers are written, and whether less is better; by default as the run's objective.

    Raises
    ------
    RequestError
        If there is no such numeric parameter.
    """
    inputs = effects_of(source, value, amounts)
    curve = inputs.effects.curve(path)
    figure = style.new_figure(
        f"Effect of {path_words(path)}",
        [
            f"line: mean over the space, {100 * inputs.effects.confidence:g} % interval",
            f"○ {len(curve.trial_at)} of {inputs.effects.n_trials} recipes have this parameter",
        ],
        x=f"{path_words(path)}{' (log scale)' if curve.log else ''}",
        y=value_title(inputs.value, inputs.amounts, "less is better ↓"),
        height=HEIGHT,
    )
    _add_band(figure, curve)
    _add_trials(figure, curve, inputs.amounts)
    figure.add_scatter(
        x=curve.at,
        y=curve.mean,
        mode="lines+markers",
        line={"color": style.BETTER, "width": 3},
        marker={"size": 4, "color": style.BETTER},
        text=[
            f"<b>{at:.4g}</b>: {inputs.amounts.exact.interval(mean, low, high)}"
            for at, mean, low, high in zip(curve.at, curve.mean, curve.low, curve.high, strict=True)
        ],
        hoverinfo="text",
        name="mean over the space",
    )
    drawn = style.padded_range([*curve.low, *curve.high, *curve.trial_value], 0.05)
    figure.update_yaxes(range=drawn, nticks=7)
    set_axis(figure, "xaxis", np.concatenate([curve.at, curve.trial_at]), curve.log)
    return figure


def set_axis(figure: go.Figure, axis: str, values: NDArray[np.float64], log: bool) -> None:
    """Give an axis its range, and round ticks if it is logarithmic."""
    low, high = float(values.min()), float(values.max())
    if not log:
        pad = 0.03 * (high - low) or 0.5
        figure.update_layout({axis: {"range": [low - pad, high + pad], "nticks": 7}})
        return
    ends = np.log10([low, high])
    pad = 0.03 * float(np.ptp(ends)) or 0.1
    ticks = log_ticks(low, high)
    names = {"tickmode": "array", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}
    figure.update_layout({axis: {"type": "log", "range": [ends[0] - pad, ends[1] + pad], **names}})


def log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers inside a range; its ends if there are fewer than two.

    >>> log_ticks(5, 60), log_ticks(1.0, 1.5)
    ([5.0, 10.0, 20.0, 50.0], [1.0, 1.5])
    """
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    ticks = [round(step * 10.0**decade, 12) for decade in decades for step in TICKS]
    inside = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
    if len(inside) > 8:
        inside = [tick for tick in inside if np.isclose(np.log10(tick) % 1, 0)]
    return inside if len(inside) > 1 else [low, high]


def _add_band(figure: go.Figure, curve: Curve) -> None:
    figure.add_scatter(
        x=np.concatenate([curve.at, curve.at[::-1]]),
        y=np.concatenate([curve.high, curve.low[::-1]]),
        mode="lines",
        fill="toself",
        fillcolor=style.translucent(style.BETTER, 0.16),
        # The edge keeps the band visible in print without colour.
        line={"color": style.translucent(style.BETTER, 0.5), "width": 1, "dash": "dot"},
        hoverinfo="skip",
        name="interval",
    )


def _add_trials(figure: go.Figure, curve: Curve, amounts: Amounts) -> None:
    ring = {"symbol": "circle-open", "size": 7, "color": style.QUIET, "line": {"width": 1.5}}
    values = zip(curve.trial_at, curve.trial_value, strict=True)
    hover = [safe_text(f"{at:.4g}: {amounts.exact.text(value)}") for at, value in values]
    style.add_marks(figure, curve.trial_at, curve.trial_value, ring, hover, name="recipes")
