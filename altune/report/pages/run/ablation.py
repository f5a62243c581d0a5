"""Why is it better? The part of a run's page that goes from vanilla to the confirmed recipe, one decision at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from altune.analysis.ablation import Ablation
from altune.report.figures.ablation import plot_ablation
from altune.report.figures.leave_one_out import plot_leave_one_out
from altune.report.html.parts import FigurePart
from altune.report.words import WHY, named, risk_note

if TYPE_CHECKING:
    from altune.analysis.run import Run


def ablation_parts(run: Run) -> list[FigurePart]:
    """Return the path from vanilla to the confirmed recipe on each data set, and what each decision is worth there.

    Nothing where no path was played: the recipe is vanilla itself, or the run was asked not to.
    """
    found = run.ablations
    return [part for data, ablation in found.items() for part in _parts_of(ablation, data if len(found) > 1 else "")]


def _parts_of(ablation: Ablation, data: str) -> list[FigurePart]:
    where = f"On {data}: " if data else ""
    value = named(ablation.objective)
    path = FigurePart(
        heading=WHY,
        explanation=(
            f"{where}{ablation.sentence} Each step changes the decision that then gains most, and is played anew. The "
            f"order was chosen on {ablation.order_blocks} splits, the gains are from {ablation.whole.blocks} others; "
            f"together they are the whole difference.{_groups(ablation)}{risk_note(ablation.objective)}"
        ),
        figure=plot_ablation(ablation, value=value),
    )
    # One step says all there is to say: put back, the recipe is vanilla again.
    if len(ablation.steps) < 2:
        return [path]
    worth = FigurePart(
        heading=WHY,
        explanation=(
            f"{where}The other way round: the confirmed recipe beside itself with one decision put back to what "
            "vanilla has. Decisions that do the same work are worth little here, since the other still does it."
            f"{_impossible(ablation)}"
        ),
        figure=plot_leave_one_out(ablation, value=value),
    )
    return [path, worth]


def _groups(ablation: Ablation) -> str:
    if all(len(step.changes) == 1 for step in ablation.steps):
        return ""
    return " Decisions that cannot be changed one by one were changed together."


def _impossible(ablation: Ablation) -> str:
    if all(one.difference is not None for one in ablation.without):
        return ""
    return " Where the recipe cannot work with a decision put back, that is said instead."
