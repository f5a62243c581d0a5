"""Who is told apart over data sets? Mean ranks, with bars that join those which are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from altune.analysis.comparison.mean_ranks import MeanRanks
from altune.core.errors import RequestError
from altune.report.figures import style
from altune.report.figures.style import safe_text, words

if TYPE_CHECKING:
    from altune.analysis.comparison.result import RecipeComparison

ROW, BAR = 34, 20


class Clique(NamedTuple):
    """Recipes that are not told apart: positions in the order of ranks."""

    members: tuple[int, ...]


class CriticalDifferenceNumbers(NamedTuple):
    """What the figure shows: names and mean ranks, best first, and the bars below them."""

    names: tuple[str, ...]
    ranks: tuple[float, ...]
    groups: tuple[Clique, ...]
    critical_difference: float | None
    subtitle: tuple[str, ...]


def critical_difference_numbers(
    found: RecipeComparison | MeanRanks, over: str = "data sets"
) -> CriticalDifferenceNumbers:
    """Return mean ranks, groups that are not told apart, and what the subtitle says of the tests."""
    ranks = _ranks(found)
    places = {name: place for place, name in enumerate(ranks.names)}
    nemenyi = ranks.post_hoc == "nemenyi"
    by = "Nemenyi's critical difference" if nemenyi else "Wilcoxon's tests (Holm)"
    p = "p &lt; 0.001" if ranks.p < 0.001 else f"p = {ranks.p:.3f}"
    lines = [
        f"{ranks.data_sets} {over}; any difference at all: {p}",
        f"bars join what {by}",
        f"{'does' if nemenyi else 'do'} not tell apart at {ranks.level:g}",
    ]
    return CriticalDifferenceNumbers(
        ranks.names,
        ranks.ranks,
        tuple(Clique(tuple(places[name] for name in clique)) for clique in ranks.cliques),
        ranks.critical_difference if nemenyi else None,
        tuple(lines),
    )


def plot_critical_difference(found: RecipeComparison | MeanRanks, *, over: str = "data sets") -> go.Figure:
    """Plot mean ranks over data sets, and bars that join the recipes that are not told apart.

    Parameters
    ----------
    found : a comparison over several data sets, or its mean ranks.
    over : what is ranked on, in the plural.

    Raises
    ------
    RequestError
        If the comparison has one data set.
    """
    over = safe_text(over)
    numbers = critical_difference_numbers(found, over)
    size, bars = len(numbers.names), len(numbers.groups)
    height = ROW * size + BAR * bars + 24
    figure = style.new_figure(
        f"Mean rank over {over}",
        "<br>".join(numbers.subtitle),
        x="mean rank, 1 is the best<br>← better",
        y="",
        height=height + 186,
        top=116,
    )
    figure.update_yaxes(visible=False, range=[-height, 10])
    figure.update_xaxes(range=[0.75, size + 0.25], tickvals=list(range(1, size + 1)))
    bottom = [-ROW * place - ROW / 2 for place in range(size)]
    for number, group in enumerate(numbers.groups):
        _add_bar(figure, numbers, group, -ROW * size - BAR * (number + 0.8))
    deepest = {
        place: -ROW * size
        - BAR * (max(index for index, group in enumerate(numbers.groups) if place in group.members) + 0.8)
        for place in range(size)
        if any(place in group.members for group in numbers.groups)
    }
    for place, (name, rank) in enumerate(zip(numbers.names, numbers.ranks, strict=True)):
        _add_recipe(figure, name, rank, bottom[place], deepest.get(place, bottom[place]), (size + 1) / 2)
    if numbers.critical_difference is not None:
        _add_ruler(figure, numbers.critical_difference, size)
    return figure


def _add_recipe(figure: go.Figure, name: str, rank: float, height: float, foot: float, middle: float) -> None:
    figure.add_scatter(
        x=[rank, rank],
        y=[height, foot],
        mode="lines",
        line={"color": style.BASELINE, "width": 1, "dash": "dot"},
        hoverinfo="skip",
    )
    label = safe_text(words(name), 24)
    figure.add_scatter(
        x=[rank],
        y=[height],
        mode="markers",
        marker={"symbol": "circle", "size": 13, "color": style.BETTER},
        text=f"<b>{label}</b><br>mean rank {rank:.2f}",
        hoverinfo="text",
        cliponaxis=False,
    )
    left = rank <= middle
    figure.add_annotation(
        text=f"{label} <b>{rank:.2f}</b>" if left else f"<b>{rank:.2f}</b> {label}",
        x=rank,
        y=height,
        xanchor="left" if left else "right",
        xshift=10 if left else -10,
        yanchor="middle",
        showarrow=False,
        bgcolor="rgba(255,255,255,0.85)",
    )


def _add_bar(figure: go.Figure, numbers: CriticalDifferenceNumbers, group: Clique, height: float) -> None:
    ranks = [numbers.ranks[place] for place in group.members]
    names = ", ".join(safe_text(words(numbers.names[place]), 24) for place in group.members)
    figure.add_scatter(
        x=ranks,
        y=[height] * len(ranks),
        mode="lines+markers",
        line={"color": style.INK, "width": 5},
        marker={"symbol": "circle", "size": 9, "color": "#ffffff", "line": {"width": 2, "color": style.INK}},
        text=f"not told apart: {names}",
        hoverinfo="text",
    )


def _add_ruler(figure: go.Figure, difference: float, size: int) -> None:
    """Draw the critical difference as a ruler above the ranks, as long as it is on the axis, cut at its end."""
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
    figure.add_annotation(
        text=f"critical difference {difference:.2f}",
        x=end,
        y=6,
        xanchor="right",
        yanchor="bottom",
        yshift=2,
        showarrow=False,
        font={"size": 12, "color": style.QUIET},
    )


def _ranks(found: RecipeComparison | MeanRanks) -> MeanRanks:
    if isinstance(found, MeanRanks):
        return found
    if found.over_data is None:
        raise RequestError("mean ranks are over data sets, and the comparison has one; compare on several")
    return found.over_data.ranks
