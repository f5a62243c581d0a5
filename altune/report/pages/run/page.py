"""The page of a run, made from the stored study alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from altune.analysis.findings import Findings, plain_name
from altune.report.amounts import Amounts
from altune.report.html.page import VERDICTS, PageContent, Verdict, render_page
from altune.report.html.parts import CodePart, FactsPart, Part
from altune.report.pages.run.ablation import ablation_parts
from altune.report.pages.run.facts import commands_of, facts_of
from altune.report.pages.run.figures import curves_of_data, differences_of, front_of, history_of, spread_of_run
from altune.report.pages.run.importance import importance_parts
from altune.report.pages.run.loops import loops_parts
from altune.report.pages.run.tables import candidates_table, front_table, other_means, result_table
from altune.report.words import MEASURED, USE

if TYPE_CHECKING:
    from altune.analysis.run import Run

MOST_NAMED = 4
MOST_HIGHLIGHTS = 3
COUNTED_IN_LABELS = ("labels", "labels_to_target", "data_utilization")


def run_page(run: Run) -> str:
    """Return the self-contained HTML page of a run."""
    return render_page(run_content(run))


def run_content(run: Run) -> PageContent:
    """Return what the page of a run says."""
    if run.confirmation is None:
        return PageContent(
            title=title_of(run),
            answer=[run.answer],
            verdict="unclear",
            verdict_text="Not confirmed yet",
            parts=[*_front(run), *importance_parts(run), *_measured(run), *_use(run)],
        )
    found = run.all_findings
    verdict = overall_verdict(found)
    return PageContent(
        title=title_of(run),
        answer=run.sentences,
        verdict=verdict,
        verdict_text=_verdict_text(found, verdict),
        highlights=highlights_of(run),
        parts=[
            *_better(run),
            *_sure(run),
            *_front(run),
            *ablation_parts(run),
            *importance_parts(run),
            *loops_parts(run),
            *_measured(run),
            *_use(run),
        ],
    )


def title_of(run: Run) -> str:
    """Return what was tuned on what."""
    names = list(run.record.data_sets)
    if len(names) > MOST_NAMED:
        return f"How to label: one recipe for {len(names)} data sets"
    return f"How to label {', '.join(names[:-1])}{' and ' if len(names) > 1 else ''}{names[-1]}"


def overall_verdict(found: Mapping[str, Findings]) -> Verdict:
    """Return ``better`` where every baseline is beaten on every data set, ``not better`` where none is anywhere."""
    verdicts = {one.verdict for one in found.values()}
    return next(iter(verdicts)) if len(verdicts) == 1 else "unclear"


def highlights_of(run: Run) -> list[tuple[str, str]]:
    """Return the numbers that a reader meets first, at most three, each with what it is."""
    found = run.all_findings
    if len(found) > 1:
        return _highlights_of_several(found)
    findings = next(iter(found.values()))
    beside = [
        (amounts.headline(own), f"{name}; random sampling has {amounts.headline(usual)}")
        for name, amounts, own, usual in other_means(run)
    ]
    gains = [_gain(findings, name) for name in findings.against]
    return [*gains[:1], *beside, *_saved(findings), *gains[1:]][:MOST_HIGHLIGHTS]


def _highlights_of_several(found: Mapping[str, Findings]) -> list[tuple[str, str]]:
    if len(found) > MOST_HIGHLIGHTS:
        better = sum(one.verdict == "better" for one in found.values())
        return [(f"{better} of {len(found)}", "data sets on which it beats every baseline")]
    gains = ((data, _gain(findings, next(iter(findings.against)))) for data, findings in found.items())
    return [(number, f"{data}: {what}") for data, (number, what) in gains]


def _gain(findings: Findings, baseline: str) -> tuple[str, str]:
    """Return the difference from a baseline; where less is better, a number below zero says what was saved."""
    amounts = Amounts.of(findings.objective)
    number = amounts.signed_headline(findings.against[baseline].difference.mean)
    if amounts.less_is_better:
        return number, f"{findings.measure}, beside {plain_name(baseline)}: below zero is better"
    return number, f"{findings.measure}, gained over {plain_name(baseline)}"


def _saved(findings: Findings) -> list[tuple[str, str]]:
    if findings.objective.name in COUNTED_IN_LABELS:
        return []
    return [
        (str(one.labels.saved), f"labels saved against {plain_name(name)}")
        for name, one in findings.against.items()
        if one.labels.saved and findings.beats(one.difference)
    ][:1]


def _verdict_text(found: Mapping[str, Findings], verdict: Verdict) -> str:
    if len(found) == 1:
        return ""
    better = sum(one.verdict == "better" for one in found.values())
    if verdict == "not better":
        return f"{VERDICTS[verdict]} on any of {len(found)} data sets"
    return f"{VERDICTS[verdict][0]} Better than the baselines on {better} of {len(found)} data sets"


# the sections, in the order in which a person asks ----------------------------------------------------------------


def _better(run: Run) -> list[Part]:
    return [curves_of_data(run, name) for name in run.confirmations]


def _sure(run: Run) -> list[Part]:
    return [differences_of(run), spread_of_run(run), *(result_table(run, name) for name in run.confirmations)]


def _front(run: Run) -> list[Part]:
    return [front_of(run), front_table(run)] if len(run.scenario.objective_names) > 1 and run.front else []


def _measured(run: Run) -> list[Part]:
    candidates: list[Part] = [] if run.confirmation is None else [candidates_table(run)]
    return [history_of(run), *candidates, FactsPart(MEASURED, facts_of(run))]


def _use(run: Run) -> list[Part]:
    recipe = CodePart(USE, "The recipe:", run.best_recipe.to_yaml().rstrip("\n"), "the recipe")
    commands = [] if run.confirmation is None else commands_of(run)
    return [recipe, *(CodePart(USE, f"{explanation}:", command) for explanation, command in commands)]
