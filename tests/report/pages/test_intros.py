"""Each heading of each page is followed by one concrete sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import altune
from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.loops.facts import LoopFacts
from altune.recipes.recipe import load_recipe
from altune.recipes.space import SearchSpace
from altune.report import PageContent
from altune.report.html.page import render_page
from altune.report.pages.comparison.page import compare_content
from altune.report.pages.loops import loops_page
from altune.report.pages.run.page import run_content
from altune.report.pages.sweep import sweep_content

SPACE = SearchSpace.from_dict(
    {
        "query_strategy": ["margin", "entropy"],
        "loop_size": ["constant", "geometric"],
        "initial_sample": {"method": "random", "size": {"low": 3, "high": 12}},
    }
)
SIZES: dict[str, Any] = {"budget": 24, "loops": 4, "n_trials": 4, "n_blocks": 1, "select_blocks": 2, "report_blocks": 3}


def intros_of(content: PageContent) -> dict[str, str]:
    """Return the sentence of each heading of a page, in order; a heading without one is an error."""
    headings = list(dict.fromkeys(part.heading for part in content.parts))
    return {heading: content.intros[heading] for heading in headings}


def check(intros: dict[str, str], without_number: tuple[str, ...] = ()) -> None:
    for heading, intro in intros.items():
        assert re.fullmatch(r"[A-Z0-9].*[^.]\.", intro), intro
        assert ". " not in intro, "one sentence"
        assert len(intro) <= 140, intro
        assert (re.search(r"\d", intro) is not None) != (heading in without_number), f"{heading}: {intro}"


def test_a_run_says_in_numbers_what_each_section_shows() -> None:
    run = altune.tune("iris", SPACE, **SIZES, select_among=2)
    intros = intros_of(run_content(run))
    check(intros)
    assert intros["Is it better?"] == "The recipe and the baselines on 3 fresh blocks, scored on the 30 rows held back."
    assert intros["How sure is that?"] == (
        "The recipe minus each baseline on the same 3 fresh blocks, then block by block."
    )
    assert ("Why?" in intros) == (run.ablation is not None)
    if run.ablation is not None:
        steps = len(run.ablation.steps)
        decisions = "the one decision" if steps == 1 else f"the {steps} decisions"
        assert intros["Why?"] == f"From vanilla to the recipe by {decisions} in which they differ, played on 3 blocks."
    assert intros["Which knobs matter?"] == (
        "How much of the difference between recipes each of 3 open knobs explains, from 4 different recipes."
    )
    assert re.fullmatch(r"What the recipe bought in each of \d loops on iris, on 3 blocks\.", intros["What did it do?"])
    assert (
        intros["How was it measured?"]
        == "4 trials on 1 search block, then the best 2 and 4 baselines on 2 fresh blocks."
    )
    assert intros["How to use it"] == "The recipe of this run as YAML, and 1 way to play it again."


def test_a_run_with_a_front_and_one_that_is_not_confirmed() -> None:
    run = altune.tune("iris", SPACE, **SIZES, objective=("aulc", "labels"), confirm=False)
    intros = intros_of(run_content(run))
    check(intros)
    assert re.fullmatch(r"\d trials? of 4 on the Pareto front of aulc and labels\.", intros["What does it cost?"])
    assert intros["How was it measured?"] == "4 trials on 1 search block, none of them confirmed yet."
    assert intros["How to use it"].startswith("The best recipe of the search as YAML, and 1 way")


def test_a_run_on_several_data_sets() -> None:
    run = altune.tune(["iris", "wine"], SPACE, **SIZES, select_among=1, ablation=False)
    intros = intros_of(run_content(run))
    check(intros)
    assert intros["Is it better?"] == (
        "The recipe and the baselines on 3 fresh blocks of each of 2 data sets, scored on the rows held back there."
    )
    assert intros["How was it measured?"] == (
        "4 trials on 1 search block of each data set, then the best one and 4 baselines on 2 fresh blocks of each data "
        "set."
    )


def test_a_comparison_on_one_data_set_and_on_several(one: RecipeComparison, several: RecipeComparison) -> None:
    contest = one.contests[0]
    intros = intros_of(compare_content(one))
    check(intros, without_number=("How many labels does it take?",))
    assert intros["Which recipe is best?"] == (
        f"{len(one.recipes)} recipes on {contest.blocks} fresh blocks of digits, scored on the same "
        f"{contest.n_test} rows."
    )
    intros = intros_of(compare_content(several))
    check(intros)
    assert intros["Which recipe is best over data sets?"].endswith("ranked by their means on each of 7 data sets.")
    assert intros["On data_3"].startswith(f"{several.contests[3].blocks} fresh blocks with pools of ")


def test_an_examined_recipe_and_a_sweep(facts: LoopFacts, tmp_path: Path) -> None:
    page = loops_page(facts, load_recipe("vanilla"))
    assert f'<p class="intro">What the recipe bought in each of {max(facts.loops)} loops on ' in page
    settings = {name: value for name, value in SIZES.items() if name not in ("budget", "loops")}
    request = {"version": 1, "data": ["iris", "wine"], "spaces": [SPACE], "budgets": [24], "settings": settings}
    swept = altune.sweep(request, out=tmp_path / "swept")
    intros = intros_of(sweep_content(swept))
    check(intros)
    assert intros["Cell by cell"] == "All 2 cells, each with a link to the report of its run."
    assert intros["How was it measured?"] == "Each cell is a run of 4 trials, confirmed on 3 fresh blocks."


@pytest.mark.parametrize("intros", [{}, {"A": "Three rows & more."}])
def test_a_page_writes_the_sentence_below_its_heading(intros: dict[str, str]) -> None:
    from altune.report import TextBlock

    page = render_page(PageContent("t", ["a"], "unclear", parts=[TextBlock("A", ["b"])], intros=intros))
    below = page.split('<h2 id="section-1">A</h2>')[1].split("</section>")[0]
    assert ('<p class="intro">Three rows &amp; more.</p>' in below) == bool(intros)
