"""Which recipes differ over data sets? Mean ranks, with bars that join the recipes without a clear difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from altune.analysis.comparison.mean_ranks import MeanRanks
from altune.analysis.comparison.result import RecipeComparison
from altune.report.figures import style
from altune.report.figures.style import safe_text, words
from altune.report.figures.win_matrix import over_data_of

ROW, BAR = 34, 20
"""Heights of a recipe and of a bar, in pixels."""


class CriticalDifferenceNumbers(NamedTuple):
    """Numbers of the figure: names and mean ranks, best first, and the bars below them.

    Each of the ``groups`` holds the positions, in the order of ranks, of recipes without a clear difference.
    """

    names: tuple[str, ...]
    ranks: tuple[float, ...]
    groups: tuple[tuple[int, ...], ...]
    critical_difference: float | None
    subtitle: tuple[str, ...]


def critical_difference_numbers(ranks: MeanRanks, over: str = "data sets") -> CriticalDifferenceNumbers:
    """Return mean ranks, the groups without a clear difference, and the lines of the subtitle."""
    positions = {name: position for position, name in enumerate(ranks.names)}
    nemenyi = ranks.post_hoc == "nemenyi"
    test = "Nemenyi's critical difference" if nemenyi else "Wilcoxon's test with Holm's correction"
    p = "p &lt; 0.001" if ranks.p < 0.001 else f"p = {ranks.p:.3f}"
    return CriticalDifferenceNumbers(
        ranks.names,
        ranks.ranks,
        tuple(tuple(positions[name] for name in clique) for clique in ranks.cliques),
        ranks.critical_difference if nemenyi else None,
        (
            f"{ranks.data_sets} {over}; any difference at all: {p}",
            f"bars join recipes that do not differ at {ranks.level:g} by",
            test,
        ),
    )


def plot_critical_difference(source: RecipeComparison | MeanRanks, *, over: str = "data sets") -> go.Figure:
    """Plot mean ranks over data sets, and bars that join the recipes without a clear difference.

    Parameters
    ----------
    source : a comparison over several data sets, or its mean ranks.
    over : what the recipes are ranked on, in the plural.

    Raises
    ------
    RequestError
        If the comparison has one data set.
    """
    over = safe_text(over, None)
    numbers = critical_difference_numbers(_ranks_of(source), over)
    size, bars = len(numbers.names), len(numbers.groups)
    height = ROW * size + BAR * bars + 24
    figure = style.new_figure(
        f"Mean rank over {over}",
        numbers.subtitle,
        x="mean rank, 1 is the best<br>← better",
        height=height + 70,
        top=116,
    )
    figure.update_yaxes(visible=False, range=[-height, 10])
    figure.update_xaxes(range=[0.75, size + 0.25], tickvals=list(range(1, size + 1)))
    foot: dict[int, float] = {}
    for number, group in enumerate(numbers.groups):
        bar = -ROW * size - BAR * (number + 0.8)
        _add_bar(figure, numbers, group, bar)
        # The line of a recipe ends at its lowest bar.
        foot |= dict.fromkeys(group, bar)
    for recipe, (name, rank) in enumerate(zip(numbers.names, numbers.ranks, strict=True)):
        mark = -ROW * recipe - ROW / 2
        _add_recipe(figure, name, rank, mark, foot.get(recipe, mark), (size + 1) / 2)
    if numbers.critical_difference is not None:
        _add_ruler(figure, numbers.critical_difference, size)
    return figure


def _ranks_of(source: RecipeComparison | MeanRanks) -> MeanRanks:
    return over_data_of(source).ranks if isinstance(source, RecipeComparison) else source


def _add_recipe(figure: go.Figure, name: str, rank: float, height: float, foot: float, middle: float) -> None:
    dotted = {"color": style.BASELINE, "width": 1, "dash": "dot"}
    figure.add_scatter(x=[rank, rank], y=[height, foot], mode="lines", line=dotted, hoverinfo="skip")
    label = safe_text(words(name), 24)
    marker, hover = {"symbol": "circle", "size": 13, "color": style.BETTER}, f"<b>{label}</b><br>mean rank {rank:.2f}"
    style.add_marks(figure, [rank], [height], marker, hover, cliponaxis=False)
    left = rank <= middle
    text = f"{label} <b>{rank:.2f}</b>" if left else f"<b>{rank:.2f}</b> {label}"
    beside: dict[str, Any] = {
        "x": rank,
        "xref": "x",
        "xanchor": "left" if left else "right",
        "xshift": 10 if left else -10,
    }
    style.add_text(figure, text, height, **beside, yanchor="middle", bgcolor=style.translucent(style.PAPER, 0.85))


def _add_bar(figure: go.Figure, numbers: CriticalDifferenceNumbers, group: Sequence[int], height: float) -> None:
    ranks = [numbers.ranks[recipe] for recipe in group]
    names = ", ".join(safe_text(words(numbers.names[recipe]), 24) for recipe in group)
    figure.add_scatter(
        x=ranks,
        y=[height] * len(ranks),
        mode="lines+markers",
        line={"color": style.INK, "width": 5},
        marker={"symbol": "circle", "size": 9, "color": style.PAPER, "line": {"width": 2, "color": style.INK}},
        text=f"no clear difference: {names}",
        hoverinfo="text",
    )


def _add_ruler(figure: go.Figure, difference: float, size: int) -> None:
    """Draw the critical difference as a ruler above the ranks, in units of the axis, cut at the axis' end."""
    end = min(1 + difference, size + 0.25)
    figure.add_scatter(
        x=[1, end],
        y=[6, 6],
        mode="lines+markers",
        line={"color": style.QUIET, "width": 2},
        marker={"symbol": "line-ns-open", "size": 9, "color": style.QUIET, "line": {"width": 2}},
        hoverinfo="skip",
        cliponaxis=False,
    )
    place: dict[str, Any] = {"x": end, "xref": "x", "xanchor": "right", "yshift": 2}
    style.add_text(figure, f"critical difference {difference:.2f}", 6, **place, font={"size": 12, "color": style.QUIET})
