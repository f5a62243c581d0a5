"""The tables of a run's page, from the stored study."""

from __future__ import annotations

from collections.abc import Sequence

from altune.analysis.answer import plain_name
from altune.analysis.costs import RECIPE, amount, costs_of, label_nothing, price_words
from altune.analysis.findings import Findings
from altune.analysis.label_counts import range_words
from altune.analysis.run import Run
from altune.core.text import capitalized, counted
from altune.numerics.statistics import Interval, mean_interval
from altune.report.amounts import Amounts
from altune.report.figures.inputs import picked_trial
from altune.report.html.blocks import TableBlock
from altune.report.pages.run.intros import select_blocks_words
from altune.report.words import (
    COST,
    ELSEWHERE,
    MEASURED,
    SURE,
    interval_words,
    named,
    normalizes,
    result_note,
    search_amounts,
)
from altune.simulation.curve import LearningCurve
from altune.simulation.objectives import Objective
from altune.tuning.confirmation import Confirmation
from altune.tuning.judging import REFERENCE
from altune.tuning.played import Played


def front_table(run: Run) -> TableBlock:
    """Return the Pareto front of the search, sorted by the first objective, with a mark on the picked trial."""
    objectives = run.scenario.make_objectives()
    amounts = [Amounts.of(objective).exact for objective in objectives]
    picked = picked_trial(run)
    front = sorted(run.front, key=lambda trial: -objectives[0].sign * trial.objectives[0])
    rows = [
        (
            f"trial {trial.number}{' (picked)' if trial.number == picked else ''}",
            *(amount.text(value) for amount, value in zip(amounts, trial.objectives, strict=True)),
            trial.recipe.describe() if trial.recipe is not None else "",
        )
        for trial in front
    ]
    name = "The baseline" if picked is None else f"Trial {picked}"
    off = "" if any(trial.number == picked for trial in front) else f" {name} that was picked is not on it."
    return TableBlock(
        heading=COST,
        title="The Pareto front",
        columns=("", *(objective.name for objective in objectives), "in words"),
        rows=rows,
        caption=(
            "Trials that no other beats in every objective, with their values in the search, which are optimistic. "
            f"{_explained(objectives)} Picked: {run.record.preference}.{off}"
        ),
    )


def candidates_table(run: Run) -> TableBlock:
    """Return the best recipes of the search and the baselines with their values on fresh blocks of each data set."""
    confirmations = run.confirmations
    several = len(confirmations) > 1
    first = next(iter(confirmations.values()))
    amounts, objective = search_amounts(run).exact, run.objective
    others = [other for other in run.scenario.make_objectives()[1:] if not other.needs_reference]
    at_risk = objective.risk.kind != "mean" and not several
    risk_column = f" What selects is {objective.risk.words}, in a column of its own."
    by_posterior = any(candidate.posterior is not None for candidate in first.candidates)
    rows = []
    for position, candidate in enumerate(first.candidates):
        mark = " (selected)" if position == first.selected else ""
        rows.append(
            (
                f"{plain_name(candidate.name)}{mark}",
                amounts.text(candidate.search_value),
                *(_candidate_mean(confirmation, position, amounts) for confirmation in confirmations.values()),
                *([amounts.text(objective.over_blocks(candidate.values))] if at_risk else []),
                *(_expected(first, position, amounts) if by_posterior else ()),
                *(_mean_of(candidate.played, other) for other in others),
                candidate.played.recipe.describe(),
            )
        )
    fresh = [f"on fresh blocks of {name}" for name in confirmations] if several else ["on fresh blocks"]
    return TableBlock(
        heading=MEASURED,
        title="The best recipes of the search and the baselines, played again",
        columns=(
            "recipe",
            "in the search",
            *fresh,
            *([run.scenario.risk] if at_risk else []),
            *(("blocks", "expected") if by_posterior else ()),
            *(other.name for other in others),
            "in words",
        ),
        rows=rows,
        caption=(
            f"{_scale(run)}; mean over {select_blocks_words(first)} with 95 % intervals. "
            f"{_EXPECTED if by_posterior else 'The one that is best there is selected'}, and reported on other blocks."
            f"{risk_column if at_risk else ''}"
            f"{f' {_explained(others)}' if others else ''}"
        ),
    )


_EXPECTED = (
    "Expected: by the search and these blocks together, with the standard deviation. After each round of blocks, those "
    "that are clearly behind are played no more; the one that is expected to be best is selected"
)


def _expected(confirmation: Confirmation, position: int, amounts: Amounts) -> tuple[str, str]:
    """Return on how many blocks a candidate was played, and its expected value."""
    candidate, most = confirmation.candidates[position], confirmation.select_blocks
    blocks, known = len(candidate.values), candidate.posterior
    played = f"{blocks} of {most}" if blocks < most else str(blocks)
    played += ", clearly behind" if blocks < most and position != confirmation.selected else ""
    return played, "" if known is None else f"{amounts.text(known.mean)} ± {amounts.text(known.sd)}"


def result_table(run: Run, name: str) -> TableBlock:
    """Return the means of the confirmed recipe and the baselines on the report blocks of one data set."""
    away = name in run.away
    findings = (run.away_findings if away else run.all_findings)[name]
    amounts, metric = Amounts.of(findings.objective), findings.objective.metric
    others = run.scenario.make_objectives()[1:]
    confirmation = run.away[name] if away else run.confirmations[name]
    references = confirmation.baselines[REFERENCE].curves
    other_values = [_mean_of(confirmation.recipe, other, references) for other in others]
    own = f"confirmed recipe ({plain_name(findings.chosen)})" if findings.chosen else "confirmed recipe"
    rows = [(own, f"{findings.score:.3f}", _interval(findings.recipe, amounts), "", "", *other_values, "")]
    for baseline, against in findings.others.items():
        difference, matched = against.difference, against.matched
        rows.append(
            (
                plain_name(baseline),
                f"{against.score:.3f}",
                _interval(against.baseline, amounts),
                amounts.signed_interval(difference.mean, *difference.together),
                amounts.signed_interval(matched.mean, *matched.together) if against.differs else "the same recipe",
                *(_mean_of(confirmation.baselines[baseline], other, references) for other in others),
                _labels(findings, baseline),
            )
        )
    several = away or len(run.confirmations) > 1
    less = "; below zero is better" if amounts.less_is_better else ""
    return TableBlock(
        heading=ELSEWHERE if away else SURE,
        title=f"The result on {name} in numbers" if several else "The result in numbers",
        columns=(
            "",
            f"{metric.replace('_', ' ')} at {findings.budget} labels",
            "mean",
            "recipe minus it",
            "the same, matched",
            *(other.name for other in others),
            "labels: recipe, it",
        ),
        rows=rows,
        caption=(
            f"{capitalized(findings.measure)} on {counted(findings.recipe.blocks, 'fresh block')}, 95 % "
            f"intervals{less}. {capitalized(interval_words(findings.recipe.basis))}. {_limits(findings)}"
            "Matched: with the recipe's own sizes of start and loops. Labels: those with which the "
            f"recipe, and the baseline itself, first have the {metric.replace('_', ' ')} that the baseline has at "
            f"{findings.budget}."
            f"{f' {_explained(others)}' if others else ''}{result_note(findings.objective)}"
        ),
    )


def cost_table(run: Run, name: str) -> TableBlock:
    """Return what the campaign costs with the confirmed recipe and each baseline on one data set."""
    confirmation, scenario = run.confirmations[name], run.record.scenarios[name]
    nothing = label_nothing(confirmation, scenario)
    rows = []
    for recipe, cost in costs_of(confirmation, scenario).items():
        row = ["confirmed recipe" if recipe == RECIPE else plain_name(recipe)]
        row += map(str, (cost.labels, cost.loops, cost.total))
        row += [str(cost.computing)] if scenario.price_per_hour else []
        rows.append((*row, *([amount(nothing.worth[recipe])] if nothing is not None else [])))
    if nothing is not None:
        rows.append(
            ("no label at all", *("0" for _ in range(4 if scenario.price_per_hour else 3)), amount(nothing.value))
        )
    columns = ["", "labels", "loops", "cost", *(["computing"] if scenario.price_per_hour else [])]
    return TableBlock(
        heading=COST,
        title=f"The cost of a campaign on {name}" if len(run.confirmations) > 1 else "The cost of a campaign",
        columns=(*columns, *(["net value"] if nothing is not None else [])),
        rows=rows,
        caption=(
            f"Prices: {price_words(scenario)}. Smallest and largest values over "
            f"{counted(len(confirmation.recipe.curves), 'fresh block')}, where they differ; the first sample counts as "
            "a loop."
            f"{' Net values are means.' if nothing is not None else ''}"
        ),
    )


def other_means(run: Run) -> list[tuple[str, Amounts, float, float]]:
    """Return the other objectives, each as (name, amounts, mean of the confirmed recipe, mean of the reference).

    The means are over the report blocks of the first data set. The list is empty before the confirmation.
    """
    confirmation = run.confirmation
    if confirmation is None:
        return []
    references = confirmation.baselines[REFERENCE].curves
    return [
        (
            objective.kind.plain,
            Amounts.of(objective),
            float(objective.each(confirmation.recipe.curves, references).mean()),
            float(objective.each(references, references).mean()),
        )
        for objective in run.scenario.make_objectives()[1:]
    ]


def _candidate_mean(confirmation: Confirmation, position: int, amounts: Amounts) -> str:
    overlap = confirmation.n_test / confirmation.n_train
    return _interval(mean_interval(confirmation.candidates[position].values, overlap=overlap), amounts)


def _mean_of(played: Played, objective: Objective, references: Sequence[LearningCurve] | None = None) -> str:
    return Amounts.of(objective).exact.text(float(objective.each(played.curves, references).mean()))


def _interval(interval: Interval, amounts: Amounts) -> str:
    return amounts.interval(interval.mean, interval.low, interval.high)


def _labels(findings: Findings, baseline: str) -> str:
    labels = findings.against[baseline].labels
    usual = range_words(labels.baseline_after, labels.baseline_labels)
    if labels.recipe_labels is None:
        return f"not reached, {usual}"
    return f"{range_words(labels.recipe_after, labels.recipe_labels)}, {usual}"


def _limits(findings: Findings) -> str:
    """Return what limits the intervals: the blocks or the rows they are scored on; empty if it is not known."""
    shares = [
        against.difference.parts.share_of_rows
        for against in findings.others.values()
        if against.difference.parts is not None
    ]
    if not shares:
        return ""
    share = f"{sum(shares) / len(shares):.0%}".replace("%", " %")
    rows = f"the {findings.n_test} held-back rows"
    return f"Of the variance of a difference, {share} comes from {rows} and the rest from the blocks. "


def _scale(run: Run) -> str:
    count = len(run.record.data_sets)
    mean = f", in the search the mean over {count} data sets" if count > 1 else ""
    if normalizes(run):
        return f"On a scale where 0 is random sampling and 1 a perfect model{mean}"
    return capitalized(named(run.objective)) + mean


def _explained(objectives: Sequence[Objective]) -> str:
    """Return the meaning of the columns of objectives, and which direction is better."""
    columns = (
        f"{objective.name}: {named(objective)}, {'less' if objective.direction == 'minimize' else 'more'} is better"
        for objective in objectives
    )
    return f"Columns: {'; '.join(columns)}."
