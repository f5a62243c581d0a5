"""The figures of a run's page, from the stored study."""

from __future__ import annotations

from altune.analysis.comparison.spread import Spread, spread_of
from altune.analysis.findings import Findings
from altune.analysis.run import Run
from altune.report.amounts import Amounts
from altune.report.figures import inputs
from altune.report.figures.differences import plot_differences
from altune.report.figures.learning_curves import plot_learning_curves
from altune.report.figures.pareto_front import plot_pareto_front
from altune.report.figures.search_blocks import plot_search_blocks
from altune.report.figures.search_history import plot_search_history
from altune.report.figures.spread import plot_spread
from altune.report.figures.transfer import plot_transfer
from altune.report.html.blocks import FigureBlock
from altune.report.words import BETTER, COST, ELSEWHERE, MEASURED, SURE, across_note, named, result_note, risk_note
from altune.tuning.judging import REFERENCE
from altune.tuning.reported import Reported


def curves_of_data(run: Run, name: str) -> FigureBlock:
    """Return the learning curves of the confirmed recipe and the baselines on one data set."""
    away = name in run.away
    reported, findings = (run.away if away else run.confirmations)[name], inputs.confirmed_findings(run, name)
    curves, metric, budget, saved = inputs.curves_of(run, name)
    several = away or len(run.confirmations) > 1
    return FigureBlock(
        ELSEWHERE if away else BETTER,
        f"{f'On {name}: test' if several else 'Test'} {findings.objective.metric} of the current model at each "
        "label count. The steps are loops: a score holds until the next model is trained."
        f"{_early_stop_note(reported, findings)}",
        plot_learning_curves(curves, metric, budget, saved=saved),
    )


def differences_of(run: Run) -> FigureBlock:
    """Return the recipe minus each baseline on every data set; for one data set minus the matched baselines too."""
    several = len(run.all_findings) > 1
    findings = next(iter(run.all_findings.values()))
    better = "below" if Amounts.of(findings.objective).less_is_better else "above"
    matched = (
        "Baselines with the recipe's own sizes of start and loops are in the tables."
        if several
        else "Matched: the baseline was given the recipe's sizes of start and loops, and keeps how it chooses rows."
    )
    return FigureBlock(
        SURE,
        f"Recipe minus baseline on the same blocks; {better} zero is better. An interval that does not cross the line "
        f"at zero is a clear difference. {matched}{result_note(findings.objective)}",
        plot_differences(run),
    )


def transfer_of(run: Run) -> FigureBlock:
    """Return the recipe minus each baseline at home and on every data set that no trial saw."""
    better = "below" if Amounts.of(run.objective).less_is_better else "above"
    return FigureBlock(
        ELSEWHERE,
        "Recipe minus baseline on the data sets of the search, where the recipe was found, and on those that no trial "
        f"saw, each on report blocks of its own; {better} zero is better. What was gained at home carries over where "
        "the marks of a baseline are close together.",
        plot_transfer(run),
    )


def spread_of_run(run: Run) -> FigureBlock:
    """Return every report block of the recipe and the baselines on every data set: the results of unlucky users."""
    spreads = {data: _spreads(run, data) for data in run.confirmations}
    objective = run.objective
    return FigureBlock(
        SURE,
        "A real campaign is one run and not a mean. Each ring is one fresh block; nine of ten do better than the "
        f"bar.{risk_note(objective)}",
        plot_spread(spreads, value=named(objective), amounts=Amounts.of(objective)),
    )


def _spreads(run: Run, data: str) -> list[Spread]:
    confirmation, objective = run.confirmations[data], run.all_findings[data].objective
    references = confirmation.baselines[REFERENCE].curves
    recipes = {"confirmed recipe": confirmation.recipe, **confirmation.baselines}
    findings = run.all_findings[data]
    means = [findings.recipe, *(against.baseline for against in findings.against.values())]
    return [
        spread_of(name, objective.each(played.curves, references), mean, objective.direction)
        for (name, played), mean in zip(recipes.items(), means, strict=True)
    ]


def history_of(run: Run) -> FigureBlock:
    """Return the value of each trial."""
    each = _BY_MERIT if run.record.search_blocks.by_merit else "Each ring is one recipe, played on the search blocks."
    return FigureBlock(
        MEASURED,
        f"{each} The best of many is "
        "flattered by chance, which is why the best few were played again on fresh blocks; none of these values is "
        "the result."
        f"{across_note(run)}{_dropped_note(run)}",
        plot_search_history(run),
    )


_BY_MERIT = (
    "Each ring is one trial, a recipe that the sampler was asked for, at the value that all plays of the search lead "
    "to expect; trials of the same recipe have the same value, and the numbers between them are of plays again."
)


def plays_of(run: Run) -> list[FigureBlock]:
    """Return which recipes were played on which search blocks; nothing unless recipes get blocks by merit."""
    if run.record.standing() is None:
        return []
    rows, means, value, amounts = inputs.plays_of(run)
    most = max(len(row.values) for row in rows if not row.baseline)
    explanation = (
        "Each row is a recipe, the best on top, and each dot a play of it on one block. Recipes begin on several "
        "blocks in turn, and are played on further ones only where that may still change which one is best. So poor "
        f"recipes have one dot, and the most played one has {most}."
    )
    return [FigureBlock(MEASURED, explanation, plot_search_blocks(rows, means, value=value, amounts=amounts))]


def front_of(run: Run) -> FigureBlock:
    """Return the Pareto front of the search."""
    points, axes = inputs.front_of(run)
    pairs = " With more than two, each pair has a panel." if len(axes) > 2 else ""
    return FigureBlock(
        COST,
        "Each mark is one recipe on the search blocks. On the front, nothing is won in one objective without "
        f"losing in another; the line parts what was reached from what was not.{pairs} Picked: "
        f"{run.record.preference}, measured anew on fresh blocks, so that it may lie off the front of the search.",
        plot_pareto_front(points, axes),
    )


def _early_stop_note(reported: Reported, findings: Findings) -> str:
    ends = [int(curve.labels[-1]) for curve in reported.recipe.curves]
    mean = sum(ends) / len(ends)
    # A last loop that is cut to whole rows may miss the budget by a label or two.
    if mean > 0.98 * findings.budget:
        return ""
    return f" The recipe stops at {mean:.0f} labels on average, and its last score holds to the end."


def _dropped_note(run: Run) -> str:
    if not any(trial.state == "dropped" for trial in run.trials):
        return ""
    return " Trials that were dropped early are drawn at their estimate at that time."
