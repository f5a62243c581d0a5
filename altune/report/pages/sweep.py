"""The page of a sweep: in how many cells the search paid off, cell by cell, and which methods won."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import plotly.graph_objects as go

from altune.analysis.findings import plain_name
from altune.analysis.sweep.rows import interval_text, won_labels
from altune.core.version import __version__
from altune.report.figures import style
from altune.report.figures.critical_difference import plot_critical_difference
from altune.report.figures.differences import LOOKS
from altune.report.figures.style import safe_text
from altune.report.html.page import PageContent, Verdict, render_page
from altune.report.html.parts import FactsPart, FigurePart, TablePart
from altune.simulation.objectives import KINDS
from altune.tuning.judging import REFERENCE

if TYPE_CHECKING:
    from altune.analysis.sweep.result import Sweep, SweptCell

ROW_HEIGHT = 70
CELLS = "Cell by cell"


class CellDifference(NamedTuple):
    """A cell as it is drawn: the confirmed recipe minus random sampling; ``verdict`` is a key of ``LOOKS``."""

    label: str
    mean: float
    low: float | None
    high: float | None
    verdict: str

    @property
    def text(self) -> str:
        """The numbers as text."""
        return _interval(self.mean, self.low, self.high)


def sweep_page(sweep: Sweep) -> str:
    """Return the self-contained HTML page of a sweep; each cell links to its own page."""
    links = {str(run.cell): run.page for run in sweep.runs if run.result is not None}
    return with_links(render_page(sweep_content(sweep)), links)


def sweep_content(sweep: Sweep) -> PageContent:
    """Return what the page of a sweep says."""
    against = sweep.standings
    first = against[0] if against else None
    verdict: Verdict = "unclear"
    if first is not None:
        verdict = "better" if first.better == first.cells else "unclear" if first.better else "not better"
    figures = [_differences(sweep), *_ranks(sweep)] if first is not None else []
    return PageContent(
        title=f"{sweep.folder.name}: a sweep of {len(sweep.runs)} cells",
        answer=sweep.sentences,
        verdict=verdict,
        verdict_text=(
            "No cell is finished"
            if first is None
            else f"Better than {plain_name(first.baseline)} in {first.better} of {first.cells} cells"
        ),
        highlights=[
            (f"{one.better} of {one.cells}", f"cells in which the recipe beats {plain_name(one.baseline)}")
            for one in against[:3]
        ],
        parts=[*figures, _cells(sweep), *_methods(sweep), FactsPart("How it was measured", _facts(sweep))],
        advice=[f"{run.cell}: {run.reason}" for run in sweep.failed],
    )


def with_links(page: str, links: Mapping[str, str]) -> str:
    """Return a page whose table rows of these names link to addresses beside the page; the first row of a name does.

    >>> with_links('<th scope="row">a &amp; b</th>', {"a & b": "a b/report.html"})
    '<th scope="row"><a href="a%20b/report.html">a &amp; b</a></th>'
    """
    for name, address in links.items():
        text = html.escape(name, quote=True)
        link = f'<a href="{html.escape(quote(address), quote=True)}">{text}</a>'
        row = re.compile(rf'(<th scope="row"(?: class="number")?>){re.escape(text)}</th>')
        found = row.search(page)
        if found is not None:
            page = f"{page[: found.start()]}{found[1]}{link}</th>{page[found.end() :]}"
    return page


def cell_differences(runs: Sequence[SweptCell]) -> tuple[CellDifference, ...]:
    """Return the difference to random sampling of each finished cell, in the order of the sweep."""
    found = []
    for run in runs:
        row = _row(run)
        if row is not None:
            bounded = row["low"] is not None and row["high"] is not None
            verdict = row["verdict"] if bounded else "no interval"
            found.append(CellDifference(str(run.cell), row["difference"], row["low"], row["high"], verdict))
    return tuple(found)


def plot_cell_differences(cells: Sequence[CellDifference], value: str) -> go.Figure:
    """Plot the confirmed recipe minus random sampling, a row for each cell, with the line of no difference.

    Parameters
    ----------
    cells : one or more, the first on top.
    value : what is measured, for the axis.
    """
    figure = style.new_figure(
        "Recipe minus random sampling",
        "● better  ■ worse  ◆ not told apart",
        x=f"difference, mean with 95 % interval<br>{safe_text(value, 44)}",
        y="",
        height=130 + ROW_HEIGHT * len(cells),
    )
    figure.add_vline(x=0, line={"color": style.INK, "width": 1.5})
    places = [len(cells) - 1 - number for number in range(len(cells))]
    for verdict in dict.fromkeys(cell.verdict for cell in cells):
        _add_cells(
            figure, verdict, [(cell, y) for cell, y in zip(cells, places, strict=True) if cell.verdict == verdict]
        )
    for cell, place in zip(cells, places, strict=True):
        _add_name(figure, cell, place)
    figure.update_yaxes(visible=False, range=[-0.35, len(cells) - 0.2])
    figure.update_xaxes(range=_range(cells), tickformat="+.3~f", nticks=6)
    return figure


def _add_cells(figure: go.Figure, verdict: str, cells: Sequence[tuple[CellDifference, int]]) -> None:
    colour, symbol = LOOKS[verdict]
    ends = [(cell.low, cell.mean, cell.high) for cell, _ in cells]
    figure.add_scatter(
        x=[cell.mean for cell, _ in cells],
        y=[place for _, place in cells],
        mode="markers",
        marker={"size": 10, "color": colour, "symbol": symbol, "line": {"width": 1.5, "color": colour}},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [0.0 if high is None else high - mean for _, mean, high in ends],
            "arrayminus": [0.0 if low is None else mean - low for low, mean, _ in ends],
            "thickness": 2,
            "width": 5,
            "color": colour,
        },
        text=[f"<b>{safe_text(cell.label, 80)}</b><br>{cell.text}" for cell, _ in cells],
        hoverinfo="text",
        showlegend=False,
    )


def _add_name(figure: go.Figure, cell: CellDifference, place: int) -> None:
    """Write name and numbers on a strip above the cell's interval, which fits any width of screen."""
    figure.add_shape(
        type="rect",
        xref="x domain",
        x0=0,
        x1=1,
        yref="y",
        ysizemode="pixel",
        yanchor=place,
        y0=10,
        y1=50,
        fillcolor="#f3f5f7",
        line={"width": 0},
    )
    colour = LOOKS[cell.verdict][0]
    figure.add_annotation(
        text=f"{safe_text(cell.label, 60)}<br><span style='color:{colour}'><b>{cell.text}</b></span>",
        x=0,
        xref="x domain",
        xanchor="left",
        xshift=6,
        align="left",
        y=place,
        yref="y",
        yanchor="bottom",
        yshift=10,
        showarrow=False,
        borderpad=0,
    )


def _range(cells: Sequence[CellDifference]) -> list[float]:
    ends = [end for cell in cells for end in (cell.mean, cell.low, cell.high, 0.0)]
    finite = [end for end in ends if end is not None and math.isfinite(end)]
    pad = 0.06 * (max(finite) - min(finite)) or 0.01
    return [min(finite) - pad, max(finite) + pad]


def _row(run: SweptCell) -> Mapping[str, Any] | None:
    rows = () if run.result is None else run.result.rows
    return next((row for row in rows if row["baseline"] == REFERENCE), None)


def _differences(sweep: Sweep) -> FigurePart:
    cells = cell_differences(sweep.runs)
    row = next(row for run in sweep.runs if (row := _row(run)) is not None)
    against = sweep.standings[0]
    left = f", and {against.still_better} of the {against.better} clear wins are left after Holm's correction"
    return FigurePart(
        heading="Where does it pay off?",
        explanation=(
            "Confirmed recipe minus random sampling on the same fresh splits, a row for each cell; an interval that "
            "does not cross the line at zero is a clear difference. Each interval speaks of its own cell: of many "
            f"without any difference one in twenty misses zero by chance{left if against.better else ''}."
        ),
        figure=plot_cell_differences(cells, f"{KINDS[row['objective']].plain} ({row['metric']})"),
        description="; ".join(f"{cell.label}: {cell.text}" for cell in cells),
    )


def _ranks(sweep: Sweep) -> list[FigurePart]:
    found = sweep.ranking
    if found is None:
        return []
    ranks = found.ranks
    each = "each data set, cells of one counting together" if found.over == "data sets" else "each cell"
    short = ""
    if ranks.least_p > ranks.level:
        short = (
            f" With {ranks.data_sets} {found.over} no test of {len(ranks.pairs)} pairs can tell any apart: it takes "
            f"{ranks.enough_data_sets} or more."
        )
    names = zip(ranks.names, ranks.ranks, strict=True)
    return [
        FigurePart(
            heading="Does it rank first?",
            explanation=(
                f"The confirmed recipe and the baselines ranked by their means on {each}; what a bar joins is not told "
                f"apart.{short}"
            ),
            figure=plot_critical_difference(ranks, over=found.over),
            description="; ".join(f"{plain_name(name)}: mean rank {rank:.2f}" for name, rank in names),
        )
    ]


def _cells(sweep: Sweep) -> TablePart:
    return TablePart(
        heading=CELLS,
        columns=("cell", "minus random sampling", "matched", "labels saved", "the recipe"),
        rows=[_cell_texts(run) for run in sweep.runs],
        caption=(
            "Each name leads to the cell's own report. What the confirmed recipe gains over random sampling, "
            "with 95 % intervals; matched: over random sampling with the recipe's own start and loop sizes; "
            "labels saved: where it is a clear gain. The recipe: what the space left to choose."
        ),
    )


def _cell_texts(run: SweptCell) -> tuple[str, ...]:
    row = _row(run)
    if row is None:
        return (str(run.cell), "–", "–", "–", f"failed: {run.reason}")
    return (
        str(run.cell),
        _interval(row["difference"], row["low"], row["high"]),
        _interval(row["matched_difference"], row["matched_low"], row["matched_high"]),
        "–" if (saved := won_labels(row)) is None else str(saved),
        row["recipe"] or "nothing was open",
    )


def _interval(mean: float, low: float | None, high: float | None) -> str:
    return interval_text(mean, low, high).replace("-", "−")


def _methods(sweep: Sweep) -> list[TablePart]:
    counts = sweep.method_counts
    if not counts:
        return []
    return [
        TablePart(
            heading="Which methods won",
            columns=("knob", "method", "chosen", "in cells that offer it", "and better than random sampling"),
            rows=[
                (one.knob.replace("_", " "), one.method, str(one.chosen), str(one.offered), str(one.better))
                for one in counts
            ],
            caption=(
                "How often a method was in the confirmed recipe of a cell. A search tells near equals apart by chance, "
                "so small differences between these counts say little."
            ),
        )
    ]


def _facts(sweep: Sweep) -> list[tuple[str, str]]:
    request = sweep.request
    named = ("Data sets", "Models", "Spaces", "Budgets", "Seeds")
    empty = {"Models": "as the spaces say", "Budgets": "by default"}
    found = []
    for name, coordinate in zip(named, ("data", "model", "space", "budget", "seed"), strict=True):
        values = [str(value) for value in request.values_of(coordinate) if value is not None]
        found.append((name, ", ".join(values) or empty[name]))
    settings = request.settings
    sizes = (
        f"{settings.n_trials} trials on {settings.seeds} splits, sampler {settings.sampler}; "
        f"{settings.select_among} recipes on {settings.select_seeds} splits to select, one on "
        f"{settings.report_seeds} to report"
    )
    return [*found, ("Each cell", sizes), ("Made by", f"altune {__version__}")]
