"""The page of a sweep: in how many cells the search paid off, cell by cell, and which methods won."""

from __future__ import annotations

from altune.analysis.answer import plain_name
from altune.analysis.sweep.result import Sweep, SweptCell
from altune.analysis.sweep.rows import won_labels
from altune.core.text import counted
from altune.core.version import __version__
from altune.report.figures.cell_differences import (
    cell_differences,
    difference_text,
    plot_cell_differences,
    reference_row,
)
from altune.report.html.blocks import FactsBlock, FigureBlock, TableBlock
from altune.report.html.page import PageContent, Verdict, render_page
from altune.report.pages.comparison.figures import rank_block
from altune.report.words import MEASURED
from altune.simulation.objectives import KINDS
from altune.tuning.merit import blocks_words
from altune.tuning.report_blocks import report_blocks_words

PAYS = "Where does it pay off?"
RANKS = "Does it rank first?"
CELLS = "Cell by cell"
METHODS = "Which methods won?"


def sweep_page(sweep: Sweep) -> str:
    """Return the self-contained HTML page of a sweep; each finished cell links to its own page."""
    return render_page(sweep_content(sweep))


def sweep_content(sweep: Sweep) -> PageContent:
    """Return the content of the page of a sweep."""
    verdicts = sweep.verdicts
    first = verdicts[0] if verdicts else None
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
            (f"{against.better} of {against.cells}", f"cells in which the recipe beats {plain_name(against.baseline)}")
            for against in verdicts[:3]
        ],
        parts=[*figures, _cells(sweep), *_methods(sweep), FactsBlock(MEASURED, _facts(sweep))],
        advice=[f"{run.cell}: {run.reason}" for run in sweep.failed],
        intros=_intros(sweep),
    )


def _intros(sweep: Sweep) -> dict[str, str]:
    """Return one sentence for each heading."""
    finished = counted(len(sweep.runs) - len(sweep.failed), "finished cell")
    ranked = "" if sweep.ranking is None else f"{sweep.ranking.ranks.data_sets} {sweep.ranking.over}"
    settings = sweep.request.settings
    return {
        PAYS: f"What the recipe of each of {finished} gains over random sampling.",
        RANKS: f"The recipe and the baselines, ranked on {ranked}.",
        CELLS: f"All {counted(len(sweep.runs), 'cell')}, each with a link to the report of its run.",
        METHODS: f"How many of the recipes of {finished} use each method.",
        MEASURED: (
            f"Each cell is a run of {counted(settings.n_trials, 'trial')}, confirmed on "
            f"{report_blocks_words(settings.report_blocks, settings.precision)} fresh blocks."
        ),
    }


def _differences(sweep: Sweep) -> FigureBlock:
    cells = cell_differences(sweep.runs)
    row = next(row for run in sweep.runs if (row := reference_row(run)) is not None)
    against = sweep.verdicts[0]
    left = f", and {against.still_better} of the {against.better} clear wins are left after Holm's correction"
    return FigureBlock(
        PAYS,
        "Confirmed recipe minus random sampling on the same fresh blocks, a row for each cell; an interval that "
        "does not cross the line at zero is a clear difference. Each interval speaks of its own cell: of many "
        f"without any difference one in twenty misses zero by chance{left if against.better else ''}.",
        plot_cell_differences(cells, f"{KINDS[row['objective']].plain} ({row['metric']})"),
        description="; ".join(f"{cell.row.name}: {cell.value}" for cell in cells),
    )


def _ranks(sweep: Sweep) -> list[FigureBlock]:
    if sweep.ranking is None:
        return []
    over = sweep.ranking.over
    each = "each data set, cells of one counting together" if over == "data sets" else "each cell"
    ranked = (
        f"The confirmed recipe and the baselines ranked by their means on {each}; a bar joins those without a clear "
        "difference."
    )
    return [rank_block(sweep.ranking.ranks, RANKS, ranked, over)]


def _cells(sweep: Sweep) -> TableBlock:
    return TableBlock(
        heading=CELLS,
        columns=("cell", "minus random sampling", "matched", "labels saved", "the recipe"),
        rows=[_cell_texts(run) for run in sweep.runs],
        links=["" if run.result is None else run.page for run in sweep.runs],
        caption=(
            "Each name leads to the cell's own report. What the confirmed recipe gains over random sampling, "
            "with 95 % intervals; matched: over random sampling with the recipe's own start and loop sizes; "
            "labels saved: where it is a clear gain. The recipe: what the space left to choose."
        ),
    )


def _cell_texts(run: SweptCell) -> tuple[str, ...]:
    row = reference_row(run)
    if row is None:
        return (str(run.cell), "–", "–", "–", f"failed: {run.reason}")
    return (
        str(run.cell),
        difference_text(row["difference"], row["low"], row["high"]),
        difference_text(row["matched_difference"], row["matched_low"], row["matched_high"]),
        "–" if (saved := won_labels(row)) is None else str(saved),
        row["recipe"] or "nothing was open",
    )


def _methods(sweep: Sweep) -> list[TableBlock]:
    counts = sweep.method_counts
    if not counts:
        return []
    return [
        TableBlock(
            heading=METHODS,
            columns=("knob", "method", "chosen", "in cells that offer it", "and better than random sampling"),
            rows=[
                (count.knob.replace("_", " "), count.method, str(count.chosen), str(count.offered), str(count.better))
                for count in counts
            ],
            caption=(
                "How often a method was in the confirmed recipe of a cell. A search tells near equals apart by chance, "
                "so small differences between these counts say little."
            ),
        )
    ]


def _facts(sweep: Sweep) -> list[tuple[str, str]]:
    request = sweep.request
    names = {"data": "Data sets", "model": "Models", "space": "Spaces", "budget": "Budgets", "seed": "Seeds"}
    defaults = {"model": "as the spaces say", "budget": "by default"}
    facts = []
    for coordinate, name in names.items():
        values = [str(value) for value in request.values_of(coordinate) if value is not None]
        facts.append((name, ", ".join(values) or defaults[coordinate]))
    settings = request.settings
    sizes = (
        f"{counted(settings.n_trials, 'trial')} on {blocks_words(settings.n_blocks)}, sampler {settings.sampler}; "
        f"{counted(settings.select_among, 'recipe')} on {settings.select_blocks} blocks to select, one on "
        f"{report_blocks_words(settings.report_blocks, settings.precision)} to report"
    )
    return [*facts, ("Each cell", sizes), ("Made by", f"altune {__version__}")]
