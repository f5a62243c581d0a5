"""How do two decisions interact? The mean over the space at each pair of their values."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from altune.analysis.importance.effects import Effects
from altune.analysis.importance.marginals import Surface
from altune.analysis.run import Run
from altune.report.amounts import Amounts
from altune.report.figures import style
from altune.report.figures.explained import path_words, value_name
from altune.report.figures.inputs import effects_of
from altune.report.figures.parameter_effects import set_axis
from altune.report.figures.style import safe_text, words

Array = NDArray[np.float64]
CELL = 40
"""Height of a row of cells, in pixels."""
CONTOUR_POINTS = 16
CELL_POINTS = 5
"""Values of a number if the other decision has names."""
SHADES = [[0, "#ffffff"], [1, "#56a5d6"]]
"""Light, so that black text is legible on all shades."""


class SurfaceNumbers(NamedTuple):
    """Numbers of the figure; decision ``b`` is on the horizontal axis, ``a`` on the vertical one.

    Attributes
    ----------
    surface : the marginal.
    numeric : whether both decisions are numbers.
    uncertain : pairs of values at which the marginal is so uncertain that the surface may be flat, of its shape.
    trials : number of recipes nearest to each pair of values, of the same shape.
    """

    surface: Surface
    numeric: bool
    uncertain: NDArray[np.bool_]
    trials: NDArray[np.intp]


def effect_surface_numbers(effects: Effects, a: str, b: str) -> SurfaceNumbers:
    """Return the marginal over two decisions of different knobs, and the pairs of values at which it is uncertain.

    A pair is ``uncertain`` if the posterior's standard deviation there exceeds half the range of the whole surface.
    """
    surface = effects.surface(a, b, CONTOUR_POINTS)
    numeric = all(_is_number(value) for value in (*surface.at_a, *surface.at_b))
    if not numeric and any(_is_number(side[0]) for side in (surface.at_a, surface.at_b)):
        surface = effects.surface(a, b, CELL_POINTS)
    if not numeric and len(surface.at_b) > len(surface.at_a):
        surface = _transposed(surface)
    little = surface.spread > 0.5 * np.ptp(surface.mean)
    return SurfaceNumbers(surface, numeric, little, _trials_near(surface))


def plot_effect_surface(
    source: Run | Effects, a: str, b: str, *, value: str | None = None, amounts: Amounts | None = None
) -> go.Figure:
    """Plot the mean over the space at each pair of values of two decisions, and mark the pairs where it is uncertain.

    Parameters
    ----------
    source : a run, or ``run.effects()``, which takes a while to compute.
    a, b : Optuna's names of two decisions of different knobs: methods, choices or numbers. Two numbers are drawn as
        contours, other pairs as a table.
    value : what is measured; by default the run's objective.
    amounts : how its numbers are written, and whether less is better; by default as the run's objective.

    Raises
    ------
    RequestError
        If there are no such decisions, or both belong to one knob.
    """
    inputs = effects_of(source, value, amounts)
    numbers = effect_surface_numbers(inputs.effects, a, b)
    surface = numbers.surface
    lines = [
        *style.wrapped(value_name(inputs.value, inputs.amounts), style.X_WIDTH).split("<br>"),
        f"mean over the space; darker is better{' (less)' if inputs.amounts.less_is_better else ''}",
    ]
    lines.append(f"{inputs.effects.n_trials} recipes" + ("; ○ those with both" if numbers.numeric else ""))
    if numbers.uncertain.any():
        sign = "✕" if numbers.numeric else "grey in brackets"
        lines.append(f"{sign}: uncertain")
    figure = style.new_figure(
        "Two decisions together",
        lines,
        x=path_words(surface.b) + (" (log scale)" if surface.log_b and numbers.numeric else ""),
        y=path_words(surface.a) + (" (log scale)" if surface.log_a and numbers.numeric else ""),
        height=360 if numbers.numeric else CELL * len(surface.at_a) + 110,
    )
    (_add_contours if numbers.numeric else _add_cells)(figure, numbers, inputs.amounts)
    return figure


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _transposed(surface: Surface) -> Surface:
    """Return the surface with its decisions exchanged."""
    return Surface(
        surface.b,
        surface.a,
        surface.at_b,
        surface.at_a,
        surface.mean.T,
        surface.spread.T,
        surface.log_b,
        surface.log_a,
        surface.trial_b,
        surface.trial_a,
    )


def _trials_near(surface: Surface) -> NDArray[np.intp]:
    counts = np.zeros(surface.mean.shape, dtype=np.intp)
    for a, b in zip(surface.trial_a, surface.trial_b, strict=True):
        counts[_nearest(surface.at_a, a, surface.log_a), _nearest(surface.at_b, b, surface.log_b)] += 1
    return counts


def _nearest(at: tuple[Any, ...], value: Any, log: bool) -> int:
    if not _is_number(value):
        return at.index(value)
    grid, x = np.array(at, dtype=np.float64), float(value)
    distance = np.abs(np.log(grid) - np.log(x)) if log else np.abs(grid - x)
    return int(np.argmin(distance))


def _better_is_darker(amounts: Amounts) -> dict[str, Any]:
    return {"colorscale": SHADES, "reversescale": amounts.less_is_better, "showscale": False}


def _hovers(numbers: SurfaceNumbers, amounts: Amounts) -> list[list[str]]:
    surface = numbers.surface
    return [
        [
            f"{_label(a)}, {_label(b)}: {amounts.exact.text(float(surface.mean[i, j]))} "
            f"± {amounts.exact.text(float(surface.spread[i, j]))}<br>{numbers.trials[i, j]} recipes nearby"
            for j, b in enumerate(surface.at_b)
        ]
        for i, a in enumerate(surface.at_a)
    ]


def _add_contours(figure: go.Figure, numbers: SurfaceNumbers, amounts: Amounts) -> None:
    surface, font = numbers.surface, {"size": 12, "color": style.INK}
    figure.add_contour(
        x=list(surface.at_b),
        y=list(surface.at_a),
        z=surface.mean,
        contours={"showlabels": True, "labelfont": font, "labelformat": f".{amounts.digits}f"},
        line={"color": style.INK, "width": 1},
        ncontours=8,
        text=_hovers(numbers, amounts),
        hoverinfo="text",
        **_better_is_darker(amounts),
    )
    at = [(a, b) for i, a in enumerate(surface.at_a) for j, b in enumerate(surface.at_b) if numbers.uncertain[i, j]]
    cross = {"symbol": "x-thin-open", "size": 6, "color": style.QUIET, "line": {"width": 1}}
    style.add_marks(figure, [b for _, b in at], [a for a, _ in at], cross, name="uncertain")
    ring = {"symbol": "circle-open", "size": 8, "color": style.INK, "line": {"width": 1.75}}
    style.add_marks(figure, list(surface.trial_b), list(surface.trial_a), ring, name="recipes")
    for axis, values, trials, log in (
        ("xaxis", surface.at_b, surface.trial_b, surface.log_b),
        ("yaxis", surface.at_a, surface.trial_a, surface.log_a),
    ):
        set_axis(figure, axis, np.array([*values, *trials], dtype=np.float64), log)


def _add_cells(figure: go.Figure, numbers: SurfaceNumbers, amounts: Amounts) -> None:
    surface = numbers.surface
    rows, columns = range(len(surface.at_a)), range(len(surface.at_b))
    figure.add_heatmap(
        x=list(columns),
        y=list(rows),
        z=np.where(numbers.uncertain, np.nan, surface.mean),
        zmin=float(surface.mean.min()),
        zmax=float(surface.mean.max()),
        text=_hovers(numbers, amounts),
        hoverinfo="text",
        xgap=2,
        ygap=2,
        **_better_is_darker(amounts),
    )
    for i in rows:
        for j in columns:
            text = amounts.text(float(surface.mean[i, j]))
            little = bool(numbers.uncertain[i, j])
            figure.add_annotation(
                text=f"({text})" if little else text,
                x=j,
                y=i,
                showarrow=False,
                font={"size": 12 if len(columns) <= 5 else 10, "color": style.BASELINE if little else style.INK},
            )
    for axis, values in (("xaxis", surface.at_b), ("yaxis", surface.at_a)):
        ticks = {"tickvals": list(range(len(values))), "ticktext": [_label(value) for value in values]}
        figure.update_layout({axis: {"tickmode": "array", **ticks, "showgrid": False}})
    figure.update_xaxes(range=[-0.5, len(columns) - 0.5])
    figure.update_yaxes(range=[len(rows) - 0.5, -0.5])


def _label(value: Any) -> str:
    return f"{value:.3g}" if _is_number(value) else safe_text(words(str(value)), 20)
