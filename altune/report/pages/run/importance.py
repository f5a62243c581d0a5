"""Which knobs matter? The section of a run's page that explains its trials."""

from __future__ import annotations

from altune.analysis.importance.effects import Effects
from altune.analysis.importance.knob_importance import LOW_R2, WORTH_ASKING, KnobImportance
from altune.analysis.importance.observations import different_recipes
from altune.analysis.run import Run
from altune.core.errors import WorkError
from altune.report.figures.interactions import interaction_numbers, plot_interactions
from altune.report.figures.knob_importance import plot_knob_importance
from altune.report.figures.method_effects import plot_method_effects
from altune.report.figures.parameter_effects import plot_parameter_effect
from altune.report.figures.style import words
from altune.report.html.blocks import FigureBlock, PageBlock, TextBlock
from altune.report.words import KNOBS, across_note, explained_value_name, risk_note, search_amounts

MOST_KNOBS = 2
"""The number of knobs whose methods are shown."""


def importance_section(run: Run) -> list[PageBlock]:
    """Return which knobs matter in a run, or a sentence why that cannot be estimated.

    The section is empty if the space leaves fewer than two knobs open, so that no variance can be divided among them.
    """
    if len(run.record.space.decisions) < 2 or run.record.space.n_open < 2:
        return []
    count = different_recipes(run.trials)
    if count < WORTH_ASKING:
        different = f"{count} different recipe{' was' if count == 1 else 's were'} played"
        needed = f"at least {WORTH_ASKING} are needed to say which knobs matter"
        return [TextBlock(KNOBS, [f"Too few trials: {different}, and {needed}."])]
    try:
        importance = run.importance()
    except WorkError as error:
        return [TextBlock(KNOBS, [f"The importance of the knobs cannot be estimated: {error}."])]
    if importance.r2 < LOW_R2 and not any(knob.matters for knob in importance.knobs):
        return [TextBlock(KNOBS, [importance.warning, "More trials would tell more; no figure is drawn."])]
    return [_knobs(run, importance), *_best_choices(run, importance, run.effects()), *_pairs(importance)]


def _knobs(run: Run, importance: KnobImportance) -> FigureBlock:
    several = len(run.scenario.objective_names) > 1
    first = f" Of several objectives the first is explained, {explained_value_name(run)}." if several else ""
    spread = search_amounts(run).exact.text(importance.spread)
    summary = " ".join(importance.sentences())
    return FigureBlock(
        KNOBS,
        f"{summary} Shares are of the variance over all the space holds, wherever the search went; its standard "
        f"deviation is {spread}.{first}{risk_note(run.objective)}{across_note(run)}",
        plot_knob_importance(importance),
        description=summary,
    )


def _best_choices(run: Run, importance: KnobImportance, effects: Effects) -> list[PageBlock]:
    """Return the effects of the choices inside the knobs that matter most."""
    amounts, value = search_amounts(run), explained_value_name(run)
    blocks: list[PageBlock] = []
    for knob in [knob.knob for knob in importance.knobs if knob.matters][:MOST_KNOBS]:
        shares = {parameter.path: parameter.share for parameter in importance.parameters if parameter.knob == knob}
        if knob in shares:
            explanation = (
                f"The mean of each method of the {words(knob)} over all that the space leaves open beside it. A search "
                "that found a good region tried some methods in good company, so their trials lie to one side of that "
                "mean."
            )
            figure = plot_method_effects(effects, knob, value=value, amounts=amounts)
            blocks.append(FigureBlock(KNOBS, explanation, figure))
        inside = sum(share for path, share in shares.items() if path != knob)
        path = _largest_number(importance, effects, knob)
        if path is not None and inside > shares.get(knob, 0.0):
            explanation = f"Inside the {words(knob)} this number explains most."
            figure = plot_parameter_effect(effects, path, value=value, amounts=amounts)
            blocks.append(FigureBlock(KNOBS, explanation, figure))
    return blocks


def _largest_number(importance: KnobImportance, effects: Effects, knob: str) -> str | None:
    """Return the numeric parameter of a knob that explains most; None if the knob has none."""
    numbers = effects.numbers(knob)
    return next((parameter.path for parameter in importance.parameters if parameter.path in numbers), None)


def _pairs(importance: KnobImportance) -> list[PageBlock]:
    if not interaction_numbers(importance).clear_pairs:
        return []
    explanation = "What two knobs explain together, beyond both alone: where that is much, choose them together."
    return [FigureBlock(KNOBS, explanation, plot_interactions(importance))]
