"""Pages of a comparison: their answers, and how they look in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import altune
from altune.analysis.comparison.contest import Contest
from altune.analysis.comparison.result import RecipeComparison
from altune.recipes.recipe import load_recipe
from altune.report import (
    plot_critical_difference,
    plot_labels_to_reach,
    plot_spread,
    plot_stale_starts,
    plot_time_and_cost,
    plot_win_matrix,
)
from altune.report.html.blocks import FigureBlock, TableBlock
from altune.report.pages.comparison.page import compare_content, compare_page, verdict_of
from altune.simulation.objectives import Objective
from tests.helpers.browser import requests_of, show
from tests.helpers.report_comparisons import comparison, contest
from tests.helpers.report_samples import BUDGET, EVIL, played


def test_names_from_data_stay_text() -> None:
    evil = comparison(EVIL, "b", names=(EVIL, "random_sampling", "<b>bold</b>"))
    over = evil.over_data
    assert over is not None
    for figure in (
        plot_labels_to_reach(evil),
        plot_spread(evil),
        plot_stale_starts(evil),
        plot_time_and_cost(evil),
        plot_win_matrix(evil),
        plot_critical_difference(evil),
    ):
        text = json.dumps(figure.to_plotly_json(), default=str)
        assert "<script>" not in text
        assert "<b>bold" not in text
    assert "<script>alert" not in compare_page(evil)


def test_the_answer_of_one_data_set_says_which_and_how_sure(one: RecipeComparison) -> None:
    content = compare_content(one)
    assert content.answer[0].startswith("Good is better than every other recipe on 20 blocks of digits")
    assert content.verdict == "better"
    assert verdict_of(one)[1] == "✓ good is better than every other recipe"
    values = one.contests[0].values
    assert content.highlights[0][0] == f"{values['good'].mean():.3f}"
    final = [curve.scores["accuracy"][-1] for curve in one.contests[0].curves["good"]]
    assert content.answer[1].startswith(f"With 200 labels good reaches accuracy {np.mean(final):.3f}; ")
    assert f"{(values['good'] - values['random_sampling']).mean():+.3f}" in content.answer[2]
    reach = one.contests[0].reach[0]
    assert content.highlights[2][0] == str(reach.labels)
    headings = list(dict.fromkeys(part.heading for part in content.parts))
    assert headings == [
        "Which recipe is best?",
        "How many labels does it take?",
        "What if one is unlucky?",
        "What does it cost?",
        "How was it measured?",
    ]


def test_recipes_that_are_the_same_are_not_told_apart() -> None:
    curves = tuple(played(0.8, 0.96))
    same = Contest("digits", {"a": curves, "b": curves}, Objective(end=BUDGET), BUDGET, 1000, 360, "a")
    found = RecipeComparison(dict.fromkeys("ab", load_recipe("vanilla")), (same,))
    assert found.answer.startswith("No recipe is clearly worse than the best on 20 blocks of digits")
    assert verdict_of(found) == ("unclear", "? No recipe clearly differs from the best")


def test_the_page_over_data_sets_has_ranks_wins_and_a_section_for_each(several: RecipeComparison) -> None:
    content = compare_content(several)
    assert "Over 7 data sets" in content.answer[0] or "over 7 data sets" in content.answer[0]
    figures = [part for part in content.parts if isinstance(part, FigureBlock)]
    assert "Mean rank" in figures[0].figure.layout.title.text
    assert "Data sets won" in figures[1].figure.layout.title.text
    assert {f"On {name.data}" for name in several.contests} <= {part.heading for part in content.parts}
    table = next(part for part in content.parts if isinstance(part, TableBlock))
    assert [row[0] for row in table.rows] == ["good", "random sampling", "poor"]
    assert table.rows[0][1] == "1.00"


def test_less_is_better_turns_everything_round() -> None:
    own = contest("digits")
    less = Contest(
        own.data, own.curves, Objective("labels_to_target", end=BUDGET, target=0.85), BUDGET, 1000, 360, own.yardstick
    )
    found = RecipeComparison(dict.fromkeys(own.curves, load_recipe("vanilla")), (less,))
    assert found.answer.startswith("Good is better than every other recipe")
    assert less.spread[0].worst >= less.spread[0].mean.mean
    assert "below zero is better" in next(
        part.explanation
        for part in compare_content(found).parts
        if isinstance(part, FigureBlock) and "Pairs" in part.explanation
    )


@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_works_in_a_browser(browser: Any, tmp_path: Path, width: int) -> None:
    real = altune.compare(
        {"margin": {"query_strategy": {"method": "margin"}}, "random_sampling": "random_sampling"},
        ["iris", "wine"],
        n_blocks=3,
        budget=20,
        loops=4,
    )
    path = tmp_path / "compare.html"
    show(browser, compare_page(real), path, width)
    assert [entry for entry in browser.get_log("browser") if entry["level"] in {"SEVERE", "WARNING"}] == []
    assert requests_of(browser) == [path.as_uri()]
    right = browser.execute_script(
        "return Math.max(document.documentElement.scrollWidth, ...[...document.querySelectorAll('.plot .main-svg')]"
        ".map(p => p.getBoundingClientRect().right))"
    )
    assert right <= width
    letters = browser.execute_script("return [...document.querySelectorAll('.ytick text')].map(t => t.textContent)")
    assert ("A" in letters) == (width < 600), "a phone shows letters beside the matrix, a wide screen names"
