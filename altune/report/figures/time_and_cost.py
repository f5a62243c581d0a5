"""What does each recipe take? Seconds of fits, queries and evaluations, with labels and money beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import plotly.graph_objects as go

from altune.analysis.comparison.resources import Spent, spent_over
from altune.report.figures import style
from altune.report.figures.rows import add_heading, name_of, new_rows

if TYPE_CHECKING:
    from altune.analysis.comparison.result import RecipeComparison


class Share(NamedTuple):
    """How one part of the time is drawn."""

    field: str
    name: str
    sign: str
    colour: str
    pattern: str


PARTS = (
    Share("fit_seconds", "fits", "■", style.SERIES[0].colour, ""),
    Share("query_seconds", "queries", "▨", style.SERIES[1].colour, "/"),
    Share("evaluation_seconds", "evaluation", "░", style.BASELINE, "."),
)


class TimeRow(NamedTuple):
    """One recipe as it is drawn: seconds of each part of :data:`PARTS`."""

    label: str
    value: str
    seconds: tuple[float, ...]


def time_and_cost_numbers(found: RecipeComparison | Sequence[Spent]) -> tuple[TimeRow, ...]:
    """Return each recipe's seconds with its text; arguments as of :func:`plot_time_and_cost`."""
    return tuple(
        TimeRow(
            name_of(one.recipe),
            f"{_seconds(one.seconds)}; {one.labels:.4g} labels in {one.loops + 1:.3g} fits, cost {one.cost:.4g}",
            tuple(getattr(one, part.field) for part in PARTS),
        )
        for one in _listed(found)
    )


def plot_time_and_cost(found: RecipeComparison | Sequence[Spent]) -> go.Figure:
    """Plot the seconds that a whole run of each recipe takes, by what they are spent on.

    Parameters
    ----------
    found : a comparison, of which several data sets are averaged, or what each recipe takes.
    """
    listed = _listed(found)
    rows = time_and_cost_numbers(found)
    key = "  ".join(f"{part.sign} {part.name}" for part in PARTS)
    count = sum({one.blocks for one in listed}) if len({one.blocks for one in listed}) == 1 else 0
    figure, strip = new_rows(
        "Seconds of computing in a run",
        f"{f'typical of {count} runs' if count else 'typical of all runs'}: {key}",
        x="seconds on this machine<br>← less is better",
        texts=[(row.label, row.value) for row in rows],
    )
    for place, row in enumerate(reversed(rows)):
        for part, seconds in zip(PARTS, row.seconds, strict=True):
            figure.add_bar(
                x=[seconds],
                y=[place],
                orientation="h",
                width=16 / strip.row,
                marker={
                    "color": part.colour,
                    "line": {"width": 1, "color": "#ffffff"},
                    "pattern": {"shape": part.pattern, "fgcolor": "#ffffff", "size": 6, "fillmode": "overlay"},
                },
                hovertext=f"<b>{row.label}</b><br>{part.name}: {seconds:.3g} s",
                hoverinfo="text",
            )
        add_heading(figure, place, strip, row.label, row.value, style.INK)
    figure.update_layout(barmode="stack")
    figure.update_xaxes(range=[0, 1.04 * max(sum(row.seconds) for row in rows) or 1.0], nticks=6)
    return figure


def _listed(found: RecipeComparison | Sequence[Spent]) -> tuple[Spent, ...]:
    if isinstance(found, Sequence):
        return tuple(found)
    return spent_over([one.spent for one in found.contests]) if len(found.contests) > 1 else found.contests[0].spent


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 100 else f"{seconds:.3g} s"
