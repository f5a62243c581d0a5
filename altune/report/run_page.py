"""The page of a run, made from the stored study alone."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from altune.analysis.findings import OBJECTIVE_NAMES, Findings, answer, plain_name
from altune.data import list_datasets
from altune.report.differences import DifferenceRow, plot_differences
from altune.report.learning_curves import plot_learning_curves
from altune.report.page import FigurePart, PageContent, TablePart, render_page
from altune.report.search_history import TrialPoint, plot_search_history
from altune.statistics import mean_interval
from altune.tuning.confirmation import Confirmation

if TYPE_CHECKING:
    from altune.run import Run


def run_page(run: Run) -> str:
    """Return the self-contained HTML page of a run."""
    return render_page(run_content(run))


def run_content(run: Run) -> PageContent:
    """Return what the page of a run says."""
    confirmation, findings = run.confirmation, run.findings
    data = run.record.data
    title = f"How to label {data['name']}"
    if confirmation is None or findings is None:
        return PageContent(
            title=title,
            answer=[run.answer],
            verdict="unclear",
            verdict_text="Not confirmed yet",
            figures=[_history(run)],
            recipe_yaml=run.best_recipe.to_yaml(),
            facts=_facts(run),
        )
    recipe = confirmation.recipe.recipe
    return PageContent(
        title=title,
        answer=answer(findings, recipe),
        verdict=findings.verdict,
        highlights=_highlights(findings),
        figures=[_curves(run, confirmation, findings), _differences(findings), _history(run)],
        recipe_yaml=recipe.to_yaml(),
        commands=_commands(run),
        tables=[_confirmed(confirmation, run), _reported(findings)],
        facts=_facts(run),
    )


def _highlights(findings: Findings) -> list[tuple[str, str]]:
    found = [
        (f"{one.difference.mean:+.3f}", f"{findings.measure}, gained over {plain_name(name)}")
        for name, one in list(findings.against.items())[:2]
    ]
    saved = [
        (str(one.labels.saved), f"labels saved against {plain_name(name)}")
        for name, one in findings.against.items()
        if one.labels.saved and one.difference.low > 0
    ]
    return [*found, *saved[:1]]


def _curves(run: Run, confirmation: Confirmation, findings: Findings) -> FigurePart:
    named = {"confirmed recipe": confirmation.recipe.curves}
    named |= {name: played.curves for name, played in confirmation.baselines.items()}
    first = next(iter(findings.against.values()))
    saved = first.labels if first.difference.low > 0 else None
    return FigurePart(
        heading="Is it better?",
        explanation=(
            f"Test {findings.objective.metric} of the model in hand at each label count, on {findings.recipe.blocks} "
            "fresh splits scored on rows that nothing was scored on before. The steps are loops: a score holds until "
            "the next model is trained."
        ),
        figure=plot_learning_curves(named, findings.objective.metric, findings.budget, saved=saved),
    )


def _differences(findings: Findings) -> FigurePart:
    rows = []
    for name, one in findings.against.items():
        for difference, matched in ((one.difference, False), (one.matched, True)):
            rows.append(DifferenceRow(name, difference.mean, difference.low, difference.high, matched, difference.p))
    return FigurePart(
        heading="Is it better?",
        explanation=(
            "Recipe minus baseline on the same splits, with 95 % intervals corrected for splits that share rows. "
            "Matched: the baseline was given the recipe's own start and loop sizes, so what is left is the worth of "
            "the selection itself."
        ),
        figure=plot_differences(rows, value=_value_name(findings), blocks=findings.recipe.blocks),
    )


def _history(run: Run) -> FigurePart:
    points = [
        TrialPoint(
            number=trial.number,
            value=trial.value,
            state=trial.state,
            detail=trial.recipe.query_strategy.method if trial.recipe is not None else "",
        )
        for trial in run.trials
    ]
    objective = run.objective
    baselines = {
        name: mean_interval([objective(curve) for curve in played.curves]).mean
        for name, played in run.baselines.items()
    }
    return FigurePart(
        heading="How was it found?",
        explanation=(
            "Each dot is one recipe, played on the search splits. The best of many is flattered by chance, which is "
            "why the best few were played again on fresh splits; none of these values is the result."
        ),
        figure=plot_search_history(points, baselines, value=OBJECTIVE_NAMES[objective.name]),
    )


def _confirmed(confirmation: Confirmation, run: Run) -> TablePart:
    objective = run.objective
    overlap = confirmation.n_test / confirmation.n_train
    rows = []
    for position, candidate in enumerate(confirmation.candidates):
        fresh = mean_interval([objective(curve) for curve in candidate.played.curves], overlap=overlap)
        mark = " (selected)" if position == confirmation.selected else ""
        rows.append(
            (
                f"trial {candidate.trial}{mark}",
                f"{candidate.search_value:.4f}",
                f"{fresh.mean:.4f} [{fresh.low:.4f}, {fresh.high:.4f}]",
                candidate.played.recipe.describe(),
            )
        )
    blocks = len(confirmation.candidates[0].played.curves)
    return TablePart(
        heading="The best recipes of the search, played again",
        columns=("recipe", "in the search", "on fresh splits", "in words"),
        rows=rows,
        caption=(
            f"Mean {OBJECTIVE_NAMES[objective.name]} of {objective.metric}; fresh splits: {blocks}, with 95 % "
            "intervals. One was selected by them and then measured on yet other rows."
        ),
    )


def _reported(findings: Findings) -> TablePart:
    own = findings.recipe
    rows = [("confirmed recipe", f"{own.mean:.4f} [{own.low:.4f}, {own.high:.4f}]", "–", "–", "–")]
    for name, one in findings.against.items():
        labels = one.labels
        reached = f"{labels.recipe_labels}" if labels.recipe_labels is not None else "not reached"
        rows.append(
            (
                plain_name(name),
                f"{one.baseline.mean:.4f} [{one.baseline.low:.4f}, {one.baseline.high:.4f}]",
                f"{one.difference.mean:+.4f} [{one.difference.low:+.4f}, {one.difference.high:+.4f}]",
                f"{one.matched.mean:+.4f} [{one.matched.low:+.4f}, {one.matched.high:+.4f}]",
                reached,
            )
        )
    return TablePart(
        heading="The result in numbers",
        columns=(
            "",
            "mean",
            "recipe minus it",
            "recipe minus it, matched",
            "labels the recipe needs for its end",
        ),
        rows=rows,
        caption=(
            f"{_value_name(findings)} over {findings.budget} labels on {own.blocks} fresh splits, 95 % intervals. "
            f"The last column: labels with which the recipe has the {findings.objective.metric} that the baseline "
            f"has at {findings.budget}."
        ),
    )


def _value_name(findings: Findings) -> str:
    return f"{OBJECTIVE_NAMES[findings.objective.name]} ({findings.objective.metric})"


def _commands(run: Run) -> list[tuple[str, str]]:
    name = run.record.data["name"]
    # A file is not reached by its stem, which is all that the study keeps of its name.
    data = name if name in {facts.name for facts in list_datasets()} else "DATA"
    folder = Path() if run.folder is None else run.folder
    recipe, scenario = (shlex.quote(str(folder / file)) for file in ("recipe.yaml", "scenario.yaml"))
    world = f"--scenario {scenario} --seed {run.record.settings['seed'] + 1}"
    return [
        ("Play it on other splits", f"altune simulate {data} --recipe {recipe} {world}"),
        ("Compare it with a recipe of your own", f"altune compare {data} {recipe} mine.yaml {world}"),
        ("Use it in Python", f"recipe = altune.Recipe.load({str(folder / 'recipe.yaml')!r})"),
    ]


def _facts(run: Run) -> list[tuple[str, str]]:
    data, scenario, settings = run.record.data, run.scenario, run.record.settings
    counts = data["class_counts"]
    splits = len(next(iter(run.baselines.values())).curves)
    trials = run.trials
    ended = {state: sum(trial.state == state for trial in trials) for state in ("complete", "failed", "forbidden")}
    loops = "without limit" if scenario.most_loops is None else f"at most {scenario.most_loops} after the first sample"
    annotators = ", ".join(one.describe() for one in scenario.annotators)
    found = [
        ("Data", f"{data['name']}: {data['rows']} rows, {data['features']} features, {len(counts)} classes"),
        ("Rarest class", f"{min(counts)} rows, {min(counts) / sum(counts):.1%}"),
        ("Budget", f"{scenario.labels} labels"),
        ("Loops", loops),
        ("Metric", ", ".join(scenario.metric_names)),
        (
            "Objective",
            f"{OBJECTIVE_NAMES[run.objective.name]} over [0, {run.objective.end:g}] {run.objective.over}",
        ),
        ("Annotators", annotators),
        (
            "Search",
            f"{ended['complete']} trials on {splits} splits each, sampler {settings['sampler']}",
        ),
    ]
    if ended["failed"] or ended["forbidden"]:
        drawn_again = f"{ended['forbidden']} forbidden draws (drawn again)"
        found.append(("Without a value", f"{ended['failed']} failed trials, {drawn_again}"))
    confirmation = run.confirmation
    if confirmation is not None:
        selected = len(confirmation.candidates[0].played.curves)
        found.append(
            (
                "Confirmation",
                f"{len(confirmation.candidates)} recipes on {selected} splits to select, one on "
                f"{len(confirmation.recipe.curves)} to report (pools of {confirmation.n_train} rows, scored on "
                f"{confirmation.n_test} held-back rows)",
            )
        )
    return [*found, ("Seed", str(settings["seed"])), ("Made by", f"altune {run.record.header['version']}")]
