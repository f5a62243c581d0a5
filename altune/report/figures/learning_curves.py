"""Learning curves of the recipe and its baselines in one figure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from altune.analysis.label_counts import LabelsSaved
from altune.analysis.run import Run
from altune.core.errors import RequestError
from altune.core.text import counted
from altune.report.figures import style
from altune.report.figures.inputs import curves_of
from altune.report.figures.style import Look, safe_text, words
from altune.simulation.curve import Band, LearningCurve, band


class CurveLine(NamedTuple):
    """One mean curve with its band; ``role`` is ``recipe``, ``baseline`` or ``matched``."""

    name: str
    role: str
    band: Band
    look: Look


class LearningCurveNumbers(NamedTuple):
    """Numbers of the figure: its lines, and the range of scores to show."""

    lines: tuple[CurveLine, ...]
    low: float
    high: float


def learning_curve_numbers(
    named_curves: Mapping[str, Sequence[LearningCurve]],
    metric: str,
    budget: int,
    *,
    matched: Mapping[str, Sequence[LearningCurve]] | None = None,
    baselines: Collection[str] | None = None,
) -> LearningCurveNumbers:
    """Return the mean curves with 10–90 % bands; arguments as of :func:`plot_learning_curves`."""
    if not named_curves or not all([*named_curves.values(), *(matched or {}).values()]):
        raise RequestError("there are no learning curves to plot")
    quiet = list(named_curves)[1:] if baselines is None else baselines
    bright, grey = iter(style.SERIES * len(named_curves)), iter(style.GREYS * len(named_curves))
    looks = {name: next(grey) if name in quiet else next(bright) for name in named_curves}
    lines = [
        CurveLine(name, "baseline" if name in quiet else "recipe", band(tuple(curves), metric, budget), looks[name])
        for name, curves in named_curves.items()
    ]
    for name, curves in (matched or {}).items():
        look = looks.get(name, style.GREYS[0])
        look = look._replace(dash="dot", symbol=look.symbol.removesuffix("-open"))
        lines.append(CurveLine(f"{name}, matched", "matched", band(tuple(curves), metric, budget), look))
    low, high = _range(lines, [*named_curves.values(), *(matched or {}).values()])
    return LearningCurveNumbers(tuple(lines), low, high)


def plot_learning_curves(
    source: Run | Mapping[str, Sequence[LearningCurve]],
    metric: str = "",
    budget: int = 0,
    *,
    matched: Mapping[str, Sequence[LearningCurve]] | None = None,
    saved: LabelsSaved | None = None,
    baselines: Collection[str] | None = None,
) -> go.Figure:
    """Plot mean learning curves over blocks; they are steps, since a score holds until the next model is trained.

    Parameters
    ----------
    source : a confirmed run, of which the first data set is plotted; or curves on the same blocks by name, the recipe
        first.
    metric : the score to plot; by default that of the run.
    budget : right end of the plot, in labels; by default that of the run.
    matched : baselines played with the recipe's own start and loop sizes, drawn dotted without a band.
    saved : labels that the recipe saves, drawn as a horizontal arrow if it reaches the target.
    baselines : names of curves to draw in grey; by default all but the first.

    Raises
    ------
    RequestError
        If there are no curves, the run is not confirmed, or curves are given without ``metric`` and ``budget``.

    Examples
    --------
    >>> import altune
    >>> simulation = altune.simulate("random_sampling", "iris", budget=30, loops=5, n_blocks=2)
    >>> plot_learning_curves({"random sampling": simulation.curves}, "accuracy", 30).layout.xaxis.title.text
    'labels bought'
    """
    if not isinstance(source, Mapping):
        source, of_run, end, gain = curves_of(source)
        saved = gain if not metric and not budget else saved
        metric, budget = metric or of_run, budget or end
    if not metric or budget < 1:
        raise RequestError("curves alone do not say what to plot: give `metric` and `budget`")
    numbers = learning_curve_numbers(source, metric, budget, matched=matched, baselines=baselines)
    blocks = sorted({line.band.blocks for line in numbers.lines})
    count = counted(blocks[0], "block") if len(blocks) == 1 else "all blocks"
    figure = style.new_figure(
        f"Test {safe_text(words(metric), None)} by labels bought",
        [f"mean of {count}, band: 10 to 90 % of them"],
        x="labels bought",
        y=safe_text(words(metric), None),
        height=398,
        right=24 + 8 * max(len(_label(line)) for line in numbers.lines),
    )
    for line in numbers.lines:
        if line.role != "matched" and line.band.blocks > 1:
            _add_band(figure, line)
    for line in reversed(numbers.lines):
        _add_line(figure, line)
    _add_labels(figure, numbers)
    if saved is not None and saved.reached and saved.saved > 0:
        _add_saved(figure, saved, numbers.low, numbers.high)
    figure.update_xaxes(range=[0, budget])
    figure.update_yaxes(range=[numbers.low, numbers.high])
    return figure


def _range(lines: Sequence[CurveLine], curves: Sequence[Sequence[LearningCurve]]) -> tuple[float, float]:
    """Return the range of scores after the first models; the lower scores before them would compress the rest."""
    lows, highs = [], []
    for line, blocks in zip(lines, curves, strict=True):
        trained = line.band.counts >= max(curve.labels[0] for curve in blocks)
        shown = trained if trained.any() else np.ones_like(trained)
        lows.append(line.band.low[shown].min())
        highs.append(line.band.high[shown].max())
    pad = 0.04 * (max(highs) - min(lows)) or 0.01
    return float(min(lows) - pad), float(max(highs) + pad)


def _label(line: CurveLine) -> str:
    return safe_text(words(line.name), 26)


def _add_band(figure: go.Figure, line: CurveLine) -> None:
    edge = {"mode": "lines", "line": {"width": 0, "shape": "hv"}, "hoverinfo": "skip", "showlegend": False}
    fill = style.translucent(line.look.colour, 0.18 if line.role == "recipe" else 0.10)
    figure.add_scatter(x=line.band.counts, y=line.band.low, **edge)
    figure.add_scatter(x=line.band.counts, y=line.band.high, fill="tonexty", fillcolor=fill, **edge)


def _add_line(figure: go.Figure, line: CurveLine) -> None:
    name, curve = _label(line), line.band
    hover = [
        f"<b>{name}</b><br>{labels} labels: {mean:.3f}<br>10–90 %: {low:.3f} to {high:.3f}"
        for labels, mean, low, high in zip(curve.counts, curve.mean, curve.low, curve.high, strict=True)
    ]
    width = {"recipe": 3.0, "baseline": 2.0, "matched": 1.75}[line.role]
    figure.add_scatter(
        x=curve.counts,
        y=curve.mean,
        name=name,
        mode="lines+markers",
        line={"shape": "hv", "color": line.look.colour, "dash": line.look.dash, "width": width},
        marker={"symbol": line.look.symbol, "size": 8, "maxdisplayed": 6, "color": line.look.colour},
        text=hover,
        hoverinfo="text",
    )


def _add_labels(figure: go.Figure, numbers: LearningCurveNumbers) -> None:
    ends = [float(line.band.mean[-1]) for line in numbers.lines]
    heights = style.spread_apart(ends, 0.055 * (numbers.high - numbers.low), (numbers.low, numbers.high))
    for line, height in zip(numbers.lines, heights, strict=True):
        colour = line.look.colour if line.role == "recipe" else style.QUIET
        style.add_direct_label(figure, _label(line), height, colour, bold=line.role == "recipe")


def _add_saved(figure: go.Figure, saved: LabelsSaved, low: float, high: float) -> None:
    """Draw the labels saved as an arrow below the curves, with two thin lines to the target score."""
    guide = {"type": "line", "line": {"color": style.INK, "width": 0.75}}
    recipe, baseline = saved.recipe_labels, saved.baseline_labels
    figure.add_shape(x0=recipe, x1=baseline, y0=saved.target, y1=saved.target, **guide)
    figure.add_shape(x0=recipe, x1=recipe, y0=low, y1=saved.target, **guide)
    height = low + 0.1 * (high - low)
    ends = {
        "x": recipe,
        "y": height,
        "ax": baseline,
        "ay": height,
        "xref": "x",
        "yref": "y",
        "axref": "x",
        "ayref": "y",
    }
    arrow = {"arrowhead": 2, "arrowsize": 1.2, "arrowwidth": 1.75, "arrowcolor": style.INK}
    figure.add_annotation(text="", showarrow=True, **ends, **arrow)
    figure.add_annotation(
        x=((recipe or 0) + baseline) / 2,
        y=height,
        yanchor="bottom",
        yshift=3,
        text=f"<b>{saved.saved} labels saved</b>",
        showarrow=False,
        bgcolor="rgba(255,255,255,0.85)",
    )
