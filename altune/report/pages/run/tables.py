"""The tables of a run's page, from the stored study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from altune.analysis.findings import Findings, plain_name
from altune.numerics.statistics import Interval, mean_interval
from altune.report.amounts import Amounts
from altune.report.figures.inputs import picked_trial
from altune.report.html.parts import TablePart
from altune.report.words import COST, MEASURED, SURE, named, normalizes, risk_note, risk_words, search_amounts
from altune.simulation.curve import LearningCurve
from altune.simulation.objectives import Objective
from altune.tuning.confirmation import Candidate, Played
from altune.tuning.judging import REFERENCE

if TYPE_CHECKING:
    from altune.analysis.run import Run


def front_table(run: Run) -> TablePart:
    """Return the Pareto front of the search, best in the first objective first, the picked trial marked."""
    objectives = run.scenario.make_objectives()
    amounts = [Amounts.of(one).exact for one in objectives]
    picked = picked_trial(run)
    front = sorted(run.front, key=lambda trial: -objectives[0].sign * trial.objectives[0])
    rows = [
        (
            f"trial {trial.number}{' (picked)' if trial.number == picked else ''}",
            *(written.text(value) for written, value in zip(amounts, trial.objectives, strict=True)),
            trial.recipe.describe() if trial.recipe is not None else "",
        )
        for trial in front
    ]
    off = "" if any(trial.number == picked for trial in front) else f" Trial {picked}, which was picked, is not on it."
    return TablePart(
        heading=COST,
        title="The Pareto front",
        columns=("", *(one.name for one in objectives), "in words"),
        rows=rows,
        caption=(
            "Trials that no other betters in every objective, by their values in the search, which flatter. "
            f"{_explained(objectives)} Picked: {run.record.preference}.{off}"
        ),
    )


def candidates_table(run: Run) -> TablePart:
    """Return the best recipes of the search as they were played again, on each data set."""
    confirmations = run.confirmations
    several = len(confirmations) > 1
    first = next(iter(confirmations.values()))
    amounts, objective = search_amounts(run).exact, run.objective
    others = [one for one in run.scenario.make_objectives()[1:] if not one.needs_reference]
    at_risk = objective.risk.kind != "mean" and not several
    rows = []
    for position, candidate in enumerate(first.candidates):
        own = [confirmation.candidates[position] for confirmation in confirmations.values()]
        overlaps = [confirmation.n_test / confirmation.n_train for confirmation in confirmations.values()]
        mark = " (selected)" if position == first.selected else ""
        rows.append(
            (
                f"trial {candidate.trial}{mark}",
                amounts.text(candidate.search_value),
                *(_mean(one, overlap, amounts) for one, overlap in zip(own, overlaps, strict=True)),
                *([amounts.text(objective.over_blocks(candidate.values))] if at_risk else []),
                *(_mean_of(candidate.played, one) for one in others),
                candidate.played.recipe.describe(),
            )
        )
    blocks = len(first.candidates[0].played.curves)
    fresh = [f"on fresh splits of {name}" for name in confirmations] if several else ["on fresh splits"]
    return TablePart(
        heading=MEASURED,
        title="The best recipes of the search, played again",
        columns=(
            "recipe",
            "in the search",
            *fresh,
            *([run.scenario.risk] if at_risk else []),
            *(one.name for one in others),
            "in words",
        ),
        rows=rows,
        caption=(
            f"{_what(run)}; mean over {blocks} fresh splits with 95 % intervals. The one that is best there is "
            f"selected, and reported on other splits.{_risk_column(objective) if at_risk else ''}"
            f"{f' {_explained(others)}' if others else ''}"
        ),
    )


def result_table(run: Run, name: str) -> TablePart:
    """Return what the confirmed recipe and the baselines are worth on the report splits of one data set."""
    findings = run.all_findings[name]
    amounts, metric = Amounts.of(findings.objective), findings.objective.metric
    others = run.scenario.make_objectives()[1:]
    confirmation = run.confirmations[name]
    references = confirmation.baselines[REFERENCE].curves
    beside = [_mean_of(confirmation.recipe, one, references) for one in others]
    rows = [("confirmed recipe", _interval(findings.recipe, amounts), "", "", *beside, "")]
    for baseline, one in findings.against.items():
        own = [_mean_of(confirmation.baselines[baseline], other, references) for other in others]
        rows.append(
            (
                plain_name(baseline),
                _interval(one.baseline, amounts),
                amounts.signed_interval(one.difference.mean, one.difference.low, one.difference.high),
                amounts.signed_interval(one.matched.mean, one.matched.low, one.matched.high),
                *own,
                _reached(findings, baseline),
            )
        )
    several = len(run.confirmations) > 1
    less = "; below zero is better" if amounts.less_is_better else ""
    return TablePart(
        heading=SURE,
        title=f"The result on {name} in numbers" if several else "The result in numbers",
        columns=(
            "",
            "mean",
            "recipe minus it",
            "the same, matched",
            *(other.name for other in others),
            "labels needed",
        ),
        rows=rows,
        caption=(
            f"{_sentence(findings.measure)} on {findings.recipe.blocks} fresh splits, 95 % intervals{less}. Matched: "
            f"with the recipe's own start and loop sizes. Labels needed: those with which the recipe has the {metric} "
            f"that the baseline has at {findings.budget}."
            f"{f' {_explained(others)}' if others else ''}{risk_note(findings.objective)}"
        ),
    )


def other_means(run: Run) -> list[tuple[str, Amounts, float, float]]:
    """Return the objectives after the first: name, how it is written, mean of the confirmed recipe, of the reference.

    On the report splits of the first data set; empty for one objective, or before the confirmation.
    """
    confirmation = run.confirmation
    if confirmation is None:
        return []
    references = confirmation.baselines[REFERENCE].curves
    return [
        (
            one.kind.plain,
            Amounts.of(one),
            float(one.each(confirmation.recipe.curves, references).mean()),
            float(one.each(references, references).mean()),
        )
        for one in run.scenario.make_objectives()[1:]
    ]


def _mean(candidate: Candidate, overlap: float, amounts: Amounts) -> str:
    return _interval(mean_interval(candidate.values, overlap=overlap), amounts)


def _mean_of(played: Played, objective: Objective, references: Sequence[LearningCurve] | None = None) -> str:
    return Amounts.of(objective).exact.text(float(objective.each(played.curves, references).mean()))


def _interval(interval: Interval, amounts: Amounts) -> str:
    return amounts.interval(interval.mean, interval.low, interval.high)


def _reached(findings: Findings, baseline: str) -> str:
    reached = findings.against[baseline].labels.recipe_labels
    return "not reached" if reached is None else f"{reached} of {findings.budget}"


def _what(run: Run) -> str:
    count = len(run.record.data_sets)
    mean = f", in the search the mean over {count} data sets" if count > 1 else ""
    if normalizes(run):
        return f"On a scale where 0 is random sampling and 1 a perfect model{mean}"
    return _sentence(named(run.objective)) + mean


def _explained(objectives: Sequence[Objective]) -> str:
    """Return what the columns of objectives hold, and which way is better."""
    parts = (
        f"{one.name}: {named(one)}, {'less' if one.direction == 'minimize' else 'more'} is better" for one in objectives
    )
    return f"Columns: {'; '.join(parts)}."


def _risk_column(objective: Objective) -> str:
    return f" What selects is {risk_words(objective.risk)}, in a column of its own."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
