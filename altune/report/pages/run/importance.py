"""Which knobs matter? The part of a run's page that explains its trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from altune.analysis.importance.knob_importance import LOW_R2, WORTH_ASKING, KnobImportance
from altune.analysis.importance.observations import different_recipes
from altune.core.errors import WorkError
from altune.report.figures.interactions import interaction_numbers, plot_interactions
from altune.report.figures.knob_importance import plot_knob_importance
from altune.report.figures.method_effects import plot_method_effects
from altune.report.figures.parameter_effects import plot_parameter_effect
from altune.report.figures.style import words
from altune.report.html.parts import FigurePart, Part, TextPart
from altune.report.words import KNOBS, across_note, explained_value_name, risk_note, search_amounts

if TYPE_CHECKING:
    from altune.analysis.importance.effects import Effects
    from altune.analysis.run import Run

MOST_KNOBS = 2
"""Knobs whose methods are shown."""


def importance_parts(run: Run) -> list[Part]:
    """Return which knobs mattered in a run, or in one sentence why that cannot be said.

    Nothing where the space leaves fewer than two knobs open, so that there is nothing to divide.
    """
    if len(run.record.space.decisions) < 2 or run.record.space.n_open < 2:
        return []
    count = different_recipes(run.trials)
    if count < WORTH_ASKING:
        return [TextPart(KNOBS, [_too_few(count)])]
    try:
        importance = run.importance()
    except WorkError as error:
        return [TextPart(KNOBS, [f"Which knobs matter cannot be said: {error}."])]
    if importance.r2 < LOW_R2 and not any(one.matters for one in importance.knobs):
        return [TextPart(KNOBS, [importance.warning, "More trials would tell more; no figure is drawn."])]
    effects = run.effects()
    return [_of_knobs(run, importance), *_of_best(run, importance, effects), *_of_pairs(importance)]


def _too_few(count: int) -> str:
    """Return the sentence that says how many recipes are missing."""
    different = f"{count} different recipe{' was' if count == 1 else 's were'} played"
    return f"Which knobs matter cannot be said yet: {different}, and {WORTH_ASKING} are the least."


def _of_knobs(run: Run, importance: KnobImportance) -> FigurePart:
    several = len(run.scenario.objective_names) > 1
    first = f" Of several objectives the first is explained, {explained_value_name(run)}." if several else ""
    spread = search_amounts(run).exact.text(importance.spread)
    said = " ".join(importance.sentences())
    return FigurePart(
        heading=KNOBS,
        explanation=(
            f"{said} Shares are of the variance over all the space holds, wherever the search went; its standard "
            f"deviation is {spread}.{first}{risk_note(run.objective)}{across_note(run)}"
        ),
        figure=plot_knob_importance(importance),
        description=said,
    )


def _of_best(run: Run, importance: KnobImportance, effects: Effects) -> list[Part]:
    """Return what the choices inside the knobs that matter most do."""
    amounts, value = search_amounts(run), explained_value_name(run)
    parts: list[Part] = []
    for knob in [one.knob for one in importance.knobs if one.matters][:MOST_KNOBS]:
        shares = {one.path: one.share for one in importance.parameters if one.knob == knob}
        if knob in shares:
            figure = plot_method_effects(effects, knob, value=value, amounts=amounts)
            parts.append(FigurePart(KNOBS, _about_methods(knob), figure))
        inside = sum(share for path, share in shares.items() if path != knob)
        path = _largest_number(importance, effects, knob)
        if path is not None and inside > shares.get(knob, 0.0):
            figure = plot_parameter_effect(effects, path, value=value, amounts=amounts)
            parts.append(FigurePart(KNOBS, _about_number(knob), figure))
    return parts


def _largest_number(importance: KnobImportance, effects: Effects, knob: str) -> str | None:
    """Return the numeric parameter of a knob that explains most; None where it has none."""
    numbers = effects.numbers(knob)
    return next((one.path for one in importance.parameters if one.path in numbers), None)


def _about_methods(knob: str) -> str:
    return (
        f"The mean of each method of the {words(knob)} over all that the space leaves open beside it. A search that "
        "found a good region tried some methods in good company, so their trials lie to one side of that mean."
    )


def _about_number(knob: str) -> str:
    return f"Inside the {words(knob)} this number explains most."


def _of_pairs(importance: KnobImportance) -> list[Part]:
    if not interaction_numbers(importance).told_apart:
        return []
    explanation = "What two knobs explain together, beyond both alone: where that is much, choose them together."
    return [FigurePart(KNOBS, explanation, plot_interactions(importance))]
