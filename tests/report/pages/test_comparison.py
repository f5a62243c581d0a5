"""Figures and page of a comparison: their numbers, and how they stand in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import altune
from altune.analysis.comparison.contest import Contest
from altune.analysis.comparison.labels_to_reach import LabelsToReach
from altune.analysis.comparison.mean_ranks import mean_ranks
from altune.analysis.comparison.resources import Spent
from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.comparison.spread import spread_of
from altune.analysis.comparison.stale_starts import counted
from altune.analysis.comparison.win_matrix import WinMatrix
from altune.core.errors import RequestError
from altune.recipes.recipe import load_recipe
from altune.report import (
    plot_critical_difference,
    plot_labels_to_reach,
    plot_spread,
    plot_stale_starts,
    plot_time_and_cost,
    plot_win_matrix,
)
from altune.report.amounts import Amounts
from altune.report.figures.critical_difference import critical_difference_numbers
from altune.report.figures.labels_to_reach import labels_to_reach_numbers
from altune.report.figures.spread import spread_numbers
from altune.report.figures.stale_starts import stale_starts_numbers
from altune.report.figures.time_and_cost import time_and_cost_numbers
from altune.report.figures.win_matrix import win_matrix_numbers
from altune.report.html.blocks import FigureBlock, TableBlock
from altune.report.pages.comparison.page import compare_content, compare_page, verdict_of
from altune.simulation.objectives import Objective
from tests.helpers.browser import open_browser, requests_of, show
from tests.helpers.report_samples import BUDGET, EVIL, played


def contest(data: str, names: tuple[str, str, str] = ("good", "random_sampling", "poor"), shift: int = 0) -> Contest:
    rates = (0.95, 0.72, 0.60)
    return Contest(
        data=data,
        curves={
            name: tuple(played(rate, 0.96, first=100 * place + shift))
            for place, (name, rate) in enumerate(zip(names, rates, strict=True))
        },
        objective=Objective(end=BUDGET),
        budget=BUDGET,
        n_train=1000,
        n_test=360,
        yardstick=names[1],
    )


def comparison(*data: str, names: tuple[str, str, str] = ("good", "random_sampling", "poor")) -> RecipeComparison:
    recipes = dict.fromkeys(names, load_recipe("vanilla"))
    return RecipeComparison(recipes, tuple(contest(name, names, 7 * place) for place, name in enumerate(data)))


@pytest.fixture(scope="module")
def one() -> RecipeComparison:
    return comparison("digits")


@pytest.fixture(scope="module")
def several() -> RecipeComparison:
    return comparison(*(f"data_{number}" for number in range(7)))


# numbers ------------------------------------------------------------------------------------------------------------


def test_labels_to_reach_are_marks_lines_and_arrows() -> None:
    usual = LabelsToReach("a_b", 0.9, 40, 30, 60, (40, None, 50, 60), 100)
    beyond = LabelsToReach("b", 0.9, 80, 60, None, (80, None), 100)
    never = LabelsToReach("c", 0.9, None, None, None, (None, None), 100)
    rarely = LabelsToReach("c", 0.9, None, 60, None, (None, 70), 100)
    assert labels_to_reach_numbers([rarely])[0].value == "not by 100 [60, over 100]; 50% of blocks never"
    single = LabelsToReach("d", 0.9, 40, None, None, (40,), 100)
    rows = labels_to_reach_numbers([usual, beyond, never, single])
    assert [row.value for row in rows] == [
        "40 labels [30, 60]; 25% of blocks never",
        "80 labels [60, over 100]; 50% of blocks never",
        "not within 100 labels; 100% of blocks never",
        "40 labels",
    ]
    assert [(row.x, row.low, row.high, row.beyond) for row in rows] == [
        (40, 30, 60, False),
        (80, 60, 100, True),
        (100, 100, 100, False),
        (40, 40, 40, False),
    ]
    assert rows[0].label == "a b"
    figure = plot_labels_to_reach([usual, beyond, never, single])
    assert "0.900" in figure.layout.title.text
    symbols = [trace.marker.symbol for trace in figure.data if trace.mode == "markers"]
    assert sorted(symbols) == ["circle", "circle", "circle", "triangle-right", "x"]
    assert labels_to_reach_numbers({"x": [usual], "y": [beyond]})[1].label == "y: b"
    with pytest.raises(RequestError, match="nothing to plot"):
        plot_labels_to_reach([])


def test_stale_shares_have_their_intervals_and_an_axis_that_does_not_exaggerate() -> None:
    rows = stale_starts_numbers([counted("a", 1, 100), counted("b", 0, 100)])
    assert rows[0].value == "1% [0%, 5%], 1 of 100 runs"
    figure = plot_stale_starts([counted("a", 1, 100)])
    assert figure.layout.xaxis.range[1] >= 0.3
    assert figure.data[0].error_x.array[0] == pytest.approx(rows[0].high - 0.01)


def test_spread_shows_every_block_and_the_worst_tenth() -> None:
    own = spread_of("a", np.linspace(0.5, 1.0, 11))
    (row,) = spread_numbers([own])
    assert (row.points, row.unlucky, row.worst) == (own.values, own.unlucky, 0.5)
    assert row.value == "mean 0.750, worst tenth 0.550, worst 0.500"
    points, bar, mean = plot_spread([own]).data
    assert list(points.x) == list(own.values)
    assert max(points.y) - min(points.y) < 0.2, "blocks of a recipe stay in its row"
    assert (bar.x[0], mean.x[0]) == pytest.approx((0.55, 0.75))
    less = plot_spread([spread_of("a", [30, 50], "minimize")], amounts=Amounts(1, "labels", True))
    assert "less is better" in less.layout.xaxis.title.text


def test_time_is_parted_into_fits_queries_and_evaluation() -> None:
    found = [Spent("a", 3.0, 1.0, 0.5, 100.0, 250.0, 10.0, 20), Spent("b", 1.0, 0.1, 0.5, 80.0, 80.0, 4.0, 20)]
    rows = time_and_cost_numbers(found)
    assert rows[0].seconds == (3.0, 1.0, 0.5)
    assert rows[0].value == "4 s; 100 labels in 11 fits, cost 250"
    figure = plot_time_and_cost(found)
    assert figure.layout.barmode == "stack"
    assert len({trace.marker.pattern.shape for trace in figure.data}) == 3, "parts differ in print too"
    assert sum(trace.x[0] for trace in figure.data) == pytest.approx(6.1)


def test_the_win_matrix_has_the_winner_on_top() -> None:
    wins = WinMatrix(("a", "b"), 5, ((0, 0), (3, 0)), ((0, 1), (4, 0)))
    numbers = win_matrix_numbers(wins)
    assert numbers.names == ("b", "a")
    assert numbers.cells[0][0] is None
    assert numbers.cells[0][1] == (3, 2, 0, 4)
    assert numbers.cells[1][0] == (0, 2, 3, 1)
    figure = plot_win_matrix(wins)
    assert [note.text for note in figure.layout.annotations if "ahead" in note.text] == [
        "<b>3–2–0</b><br>4 ahead",
        "<b>0–2–3</b><br>1 ahead",
    ]
    assert figure.data[0].z[0][1] == pytest.approx(0.6)
    assert "A b, B a" in figure.layout.title.text.replace("\xa0", " ")


def test_bars_join_what_is_not_told_apart(several: RecipeComparison) -> None:
    table = np.array([[0.9, 0.5, 0.4]] * 4 + [[0.9, 0.4, 0.5]] * 4) + np.arange(8)[:, None] / 100
    ranks = mean_ranks(table + np.random.default_rng(0).normal(scale=1e-3, size=(8, 3)), ["a", "b", "c"])
    numbers = critical_difference_numbers(ranks)
    assert numbers.names[0] == "a"
    assert [group.members for group in numbers.groups] == [(1, 2)]
    assert numbers.critical_difference is None
    figure = plot_critical_difference(ranks)
    (bar,) = [trace for trace in figure.data if trace.mode == "lines+markers"]
    assert list(bar.x) == [ranks.ranks[1], ranks.ranks[2]]
    ruler = plot_critical_difference(mean_ranks(table, ["a", "b", "c"], post_hoc="nemenyi"))
    assert any("critical difference" in note.text for note in ruler.layout.annotations)
    assert "7 data sets" in plot_critical_difference(several).layout.title.text


def test_figures_over_data_sets_refuse_one(one: RecipeComparison) -> None:
    for plot in (plot_win_matrix, plot_critical_difference):
        with pytest.raises(RequestError, match="the comparison has one"):
            plot(one)


def test_figures_take_the_comparison_itself(one: RecipeComparison, several: RecipeComparison) -> None:
    for plot in (plot_labels_to_reach, plot_spread, plot_stale_starts, plot_time_and_cost):
        assert plot(one).to_json() == plot(getattr(one.contests[0], NUMBERS[plot.__name__])).to_json()
        plot(several)
    assert len(labels_to_reach_numbers(several)) == 7 * 3
    assert plot_win_matrix(several).data[0].z is not None


NUMBERS = {
    "plot_labels_to_reach": "reach",
    "plot_spread": "spread",
    "plot_stale_starts": "stale",
    "plot_time_and_cost": "spent",
}


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


# the page -----------------------------------------------------------------------------------------------------------


def test_the_answer_of_one_data_set_says_which_and_how_sure(one: RecipeComparison) -> None:
    content = compare_content(one)
    assert content.answer[0].startswith("Good is better than every other recipe on 20 splits of digits")
    assert content.verdict == "better"
    assert verdict_of(one)[1] == "✓ good is better than every other recipe"
    values = one.contests[0].values
    assert content.highlights[0][0] == f"{values['good'].mean():.3f}"
    assert f"{(values['good'] - values['random_sampling']).mean():+.3f}" in content.answer[1]
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
    assert found.answer.startswith("No recipe is told apart from the best on 20 splits of digits")
    assert verdict_of(found) == ("unclear", "? No recipe is told apart from the best")


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


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from open_browser(tmp_path_factory.mktemp("profile"))


@pytest.mark.browser
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
