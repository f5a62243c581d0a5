"""The page of a run, from the stored study."""

from __future__ import annotations

from collections.abc import Mapping

from altune.analysis.answer import plain_name
from altune.analysis.findings import Findings, every_baseline
from altune.analysis.run import Run
from altune.analysis.transfer import Transfer
from altune.core.text import join_words
from altune.recipes.recipe import RECOMMENDED
from altune.report.amounts import Amounts
from altune.report.encodings import column_tables
from altune.report.html.blocks import CodeBlock, FactsBlock, PageBlock
from altune.report.html.page import VERDICTS, PageContent, Verdict, render_page
from altune.report.pages.run.ablation import ablation_section
from altune.report.pages.run.commands import commands_of
from altune.report.pages.run.facts import facts_of
from altune.report.pages.run.figures import (
    curves_of_data,
    differences_of,
    front_of,
    history_of,
    plays_of,
    spread_of_run,
    transfer_of,
)
from altune.report.pages.run.importance import importance_section
from altune.report.pages.run.intros import intros_of
from altune.report.pages.run.loops import run_loops_section
from altune.report.pages.run.tables import (
    candidates_table,
    cost_table,
    front_table,
    other_means,
    result_table,
)
from altune.report.words import MEASURED, USE
from altune.simulation.pricing import has_prices

MOST_NAMED = 4
MOST_HIGHLIGHTS = 3
COUNTED_IN_LABELS = ("labels", "labels_to_target", "data_utilization")


def run_page(run: Run) -> str:
    """Return the self-contained HTML page of a run."""
    return render_page(run_content(run))


def run_content(run: Run) -> PageContent:
    """Return the content of the page of a run."""
    if run.confirmation is None:
        return PageContent(
            title=title_of(run),
            answer=[run.answer],
            verdict="unclear",
            verdict_text="Not confirmed yet",
            parts=[*_front(run), *importance_section(run), *_measured(run), *_use(run)],
            intros=intros_of(run),
        )
    findings = run.all_findings
    verdict = overall_verdict(findings)
    return PageContent(
        title=title_of(run),
        answer=run.sentences,
        verdict=verdict,
        verdict_text=_verdict_text(findings, verdict) + ("" if run.transfer is None else ", at home"),
        highlights=highlights_of(run),
        parts=[
            *_better(run),
            *_sure(run),
            *_elsewhere(run),
            *_front(run),
            *_costs(run),
            *ablation_section(run),
            *importance_section(run),
            *run_loops_section(run),
            *_measured(run),
            *_use(run),
        ],
        intros=intros_of(run),
    )


def title_of(run: Run) -> str:
    """Return the title of the page, which names the data sets."""
    names = list(run.record.data_sets)
    if len(names) > MOST_NAMED:
        return f"How to label: one recipe for {len(names)} data sets"
    return f"How to label {join_words(names)}"


def overall_verdict(findings: Mapping[str, Findings]) -> Verdict:
    """Return the verdict that all data sets share; ``unclear`` if they differ."""
    verdicts = {of_data.verdict for of_data in findings.values()}
    return next(iter(verdicts)) if len(verdicts) == 1 else "unclear"


def highlights_of(run: Run) -> list[tuple[str, str]]:
    """Return the most important numbers, at most three, each with what it is."""
    findings = run.all_findings
    if run.transfer is not None:
        return _highlights_of_transfer(run.transfer)
    if len(findings) > 1:
        return _highlights_of_several(findings)
    (of_data,) = findings.values()
    others = [
        (amounts.headline(mean), f"{name}; random sampling has {amounts.headline(usual)}")
        for name, amounts, mean, usual in other_means(run)
    ]
    score = (f"{of_data.score:.3f}", f"{of_data.objective.metric.replace('_', ' ')} with {of_data.budget} labels")
    gains = [_gain(of_data, baseline) for baseline in of_data.others]
    return [score, *gains[:1], *others, *_saved(of_data), *gains[1:]][:MOST_HIGHLIGHTS]


def _highlights_of_several(findings: Mapping[str, Findings]) -> list[tuple[str, str]]:
    if len(findings) > MOST_HIGHLIGHTS:
        better = _better_ones(findings)
        return [(f"{len(better)} of {len(findings)}", f"data sets on which it beats {every_baseline(better)}")]
    gains = ((data, _gain(of_data, next(iter(of_data.others)))) for data, of_data in findings.items())
    return [(number, f"{data}: {what}") for data, (number, what) in gains]


def _highlights_of_transfer(transfer: Transfer) -> list[tuple[str, str]]:
    """Return what the recipe gains over a baseline on data that no trial saw and at home, and over the recommendation.

    If less is better, a gain is below zero.
    """
    amounts = Amounts.of(transfer.first.objective)
    sides = {"on data that no trial saw": transfer.away, "at home": transfer.home}
    gains = {where: transfer.differences(side) for where, side in sides.items()}
    names = [name for position, name in enumerate(transfer.baselines) if not position or name == RECOMMENDED]
    wanted = [(name, where) for name in names for where in sides]
    return [
        (amounts.signed_headline(gains[where][name].mean), f"beside {plain_name(name)}, {where}")
        for name, where in wanted
    ][:MOST_HIGHLIGHTS]


def _gain(findings: Findings, baseline: str) -> tuple[str, str]:
    """Return the difference from a baseline, with its sign; if less is better, a gain is below zero."""
    amounts = Amounts.of(findings.objective)
    number = amounts.signed_headline(findings.against[baseline].difference.mean)
    if amounts.less_is_better:
        return number, f"{findings.measure}, beside {plain_name(baseline)}: below zero is better"
    return number, f"{findings.measure}, gained over {plain_name(baseline)}"


def _saved(findings: Findings) -> list[tuple[str, str]]:
    if findings.objective.name in COUNTED_IN_LABELS:
        return []
    return [
        (str(against.labels.saved), f"labels saved against {plain_name(baseline)}")
        for baseline, against in findings.others.items()
        if against.labels.saved > 0 and against.labels.shown and findings.beats(against.difference)
    ][:1]


def _better_ones(findings: Mapping[str, Findings]) -> list[Findings]:
    return [of_data for of_data in findings.values() if of_data.verdict == "better"]


def _verdict_text(findings: Mapping[str, Findings], verdict: Verdict) -> str:
    if len(findings) == 1:
        (of_data,) = findings.values()
        words = VERDICTS[verdict]
        if verdict == "better":
            words = words.replace("every baseline", every_baseline([of_data]))
        # A recipe may be ahead on the way and behind at the end, so the words name what it is better in.
        return f"{words} by {of_data.measure}"
    better = f"Better than the baselines on {len(_better_ones(findings))} of {len(findings)} data sets"
    return f"{VERDICTS[verdict][0]} {better}"


# The sections, in the order of a reader's questions.


def _better(run: Run) -> list[PageBlock]:
    return [curves_of_data(run, name) for name in run.confirmations]


def _sure(run: Run) -> list[PageBlock]:
    return [differences_of(run), spread_of_run(run), *(result_table(run, name) for name in run.confirmations)]


def _elsewhere(run: Run) -> list[PageBlock]:
    if run.transfer is None:
        return []
    return [
        transfer_of(run),
        *(curves_of_data(run, name) for name in run.away),
        *(result_table(run, name) for name in run.away),
    ]


def _front(run: Run) -> list[PageBlock]:
    return [front_of(run), front_table(run)] if len(run.scenario.objective_names) > 1 and run.front else []


def _costs(run: Run) -> list[PageBlock]:
    return [cost_table(run, name) for name in run.confirmations if has_prices(run.record.scenarios[name])]


def _measured(run: Run) -> list[PageBlock]:
    candidates: list[PageBlock] = [] if run.confirmation is None else [candidates_table(run)]
    columns = column_tables(run.record.encodings, MEASURED)
    return [history_of(run), *plays_of(run), *candidates, FactsBlock(MEASURED, facts_of(run)), *columns]


def _use(run: Run) -> list[PageBlock]:
    recipe = CodeBlock(USE, "The recipe:", run.best_recipe.to_yaml().rstrip("\n"), "the recipe")
    return [recipe, *(CodeBlock(USE, f"{explanation}:", command) for explanation, command in commands_of(run))]
