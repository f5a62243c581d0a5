"""The part of a page that shows what each loop did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import altune
from altune.analysis.loops.facts import LoopFacts
from altune.core.errors import RequestError
from altune.recipes.space import SearchSpace
from altune.report import PageContent, render_page
from altune.report.figures.class_balance import plot_class_balance
from altune.report.figures.pool_map import plot_pool_map
from altune.report.pages.run.loops import loops_section, run_loops_section
from altune.simulation.annotators import Annotator
from tests.helpers.browser import requests_of, show


def drawn(facts: LoopFacts) -> list[str]:
    return [part.figure.layout.title.text.split("</b>")[0].removeprefix("<b>") for part in loops_section(facts)]


def test_only_figures_that_say_something_are_on_the_page(facts, plain):
    everything = [
        "Where are the rows that were bought?",
        "Which classes were bought?",
        "Rows bought in each loop",
        "Did the audit find the wrong labels?",
        "How uncertain was the model?",
        "Where would each rule have stopped?",
    ]
    assert drawn(facts) == everything
    assert drawn(plain) == [everything[0], everything[1], everything[4]]
    assert loops_section(plain)[0].explanation.startswith("3 rows first, then 6 in each of 5 loops.")
    assert {part.heading for part in loops_section(facts)} == {"What did it do?"}


def test_noise_that_nothing_audits_is_told(plain):
    noisy = altune.examine(
        "random_sampling", "iris", budget=30, loops=4, n_blocks=1, rules={}, annotators=(Annotator(error=0.3),)
    )
    assert "of the labels trained on at the end are wrong; there is no audit." in loops_section(noisy)[0].explanation
    assert "wrong" not in loops_section(plain)[0].explanation


def tuned(data: Any, **given: Any) -> altune.Run:
    sizes = {"n_trials": 2, "n_blocks": 2, "select_among": 2, "select_blocks": 2, "report_blocks": 2}
    space = SearchSpace.from_dict({"query_strategy": ["margin", "entropy"]})
    return altune.tune(data, space, budget=30, loops=5, ablation=False, **{**sizes, **given})


def test_a_run_has_its_part_and_plots_take_the_run():
    run = tuned("iris")
    parts = run_loops_section(run)
    assert [part.figure.to_json() for part in parts] == [part.figure.to_json() for part in loops_section(run.loops)]
    assert plot_class_balance(run).to_json() == plot_class_balance(run.loops).to_json()


def test_a_run_on_several_data_sets_names_the_first():
    parts = run_loops_section(tuned(["iris", "wine"]))
    assert parts[0].explanation.startswith("On iris, the first of the data sets: ")


def test_a_run_that_was_not_examined_has_no_part():
    run = tuned("iris", confirm=False)
    assert run_loops_section(run) == []
    with pytest.raises(RequestError, match="not examined"):
        plot_pool_map(run)


@pytest.mark.parametrize("width", [390, 1000])
def test_figures_fit_a_phone_and_a_screen(browser, facts, tmp_path: Path, width: int) -> None:
    path = tmp_path / "loops.html"
    show(browser, render_page(PageContent("loops", ["done"], "unclear", parts=loops_section(facts))), path, width)
    assert [entry for entry in browser.get_log("browser") if entry["level"] in {"SEVERE", "WARNING"}] == []
    assert requests_of(browser) == [path.as_uri()]
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    beyond = browser.execute_script(
        "return [...document.querySelectorAll('.plot text')].filter(text => text.textContent"
        " && text.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(t => t.textContent)"
    )
    assert beyond == []
    panels = browser.execute_script(
        "const plot = document.querySelector('.plot'); return plot._fullLayout.xaxis2.domain[0]"
    )
    assert (panels == 0) == (width == 390), "panels lie above each other on a phone"
