"""Why? The section of a run's page that goes from vanilla to the confirmed recipe, one decision at a time."""

from __future__ import annotations

from altune.analysis.ablation import Ablation
from altune.analysis.run import Run
from altune.core.text import counted
from altune.report.figures.ablation import plot_ablation
from altune.report.figures.leave_one_out import plot_leave_one_out
from altune.report.html.blocks import FigureBlock
from altune.report.words import WHY, named, risk_note


def ablation_section(run: Run) -> list[FigureBlock]:
    """Return the path from vanilla to the confirmed recipe on each data set, and the worth of each decision there.

    The section is empty if the run has no ablation: the recipe is vanilla itself, or the run was asked for none.
    """
    ablations = run.ablations
    several = len(ablations) > 1
    return [block for data, ablation in ablations.items() for block in _figures(ablation, data if several else "")]


def _figures(ablation: Ablation, data: str) -> list[FigureBlock]:
    where = f"On {data}: " if data else ""
    value = named(ablation.objective)
    path = FigureBlock(
        WHY,
        f"{where}{ablation.sentence} {_order_note(ablation)}{_grouped_note(ablation)}{risk_note(ablation.objective)}",
        plot_ablation(ablation, value=value),
    )
    # Without the only step the recipe is vanilla, which the path shows already.
    if len(ablation.steps) < 2:
        return [path]
    worth = FigureBlock(
        WHY,
        f"{where}The other way round: the confirmed recipe beside itself with one decision put back to what "
        "vanilla has. Decisions that do the same work are worth little here, since the other still does it."
        f"{_impossible_note(ablation)}",
        plot_leave_one_out(ablation, value=value),
    )
    return [path, worth]


def _order_note(ablation: Ablation) -> str:
    if len(ablation.steps) < 2:
        return f"It is played on {counted(ablation.whole.blocks, 'block')}."
    return (
        "Each step changes the decision that then gains most, and is played anew. The order was chosen on up to "
        f"{ablation.order_blocks} blocks, the gains are from {ablation.whole.blocks} others; together they are the "
        "whole difference."
    )


def _grouped_note(ablation: Ablation) -> str:
    if all(len(step.changes) == 1 for step in ablation.steps):
        return ""
    return " Decisions that cannot be changed one by one were changed together."


def _impossible_note(ablation: Ablation) -> str:
    if all(decision.difference is not None for decision in ablation.without):
        return ""
    return " Where the recipe cannot work with a decision put back, the figure says so."
