"""The grid of recipes and search blocks by its numbers, and on a phone."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from altune.core.errors import RequestError
from altune.report import FigureBlock, PageContent, PlayedRow, plot_search_blocks, render_page
from altune.report.figures.search_blocks import LARGEST, MOST_ROWS, search_blocks_numbers
from tests.helpers.browser import show
from tests.helpers.figures import LABELS, title_of
from tests.helpers.report_samples import EVIL

ROWS = [
    PlayedRow("random_sampling", 0.4, 0.05, (0.5, 0.3), baseline=True),
    PlayedRow("trial 0", 0.5, 0.1, (0.6,)),
    PlayedRow("trial 3", 0.7, 0.02, (0.9, 0.7, 0.8), confirmed="selected", detail="margin"),
    PlayedRow("trial 1", 0.6, 0.1, (0.7,), confirmed="candidate"),
]
MEANS = [0.65, 0.4, 0.5]


def rows_of_search(count: int, most: int) -> list[PlayedRow]:
    """Return a search of many recipes, of which the best was played on the most blocks, and three baselines."""
    rng = np.random.default_rng(0)
    plays = [max(1, most - recipe) for recipe in range(count)]
    recipes = [
        PlayedRow(f"trial {number}", 0.9 - 0.01 * number, 0.02, tuple(rng.normal(0.8, 0.05, n).tolist()))
        for number, n in enumerate(plays)
    ]
    names = ("random_sampling", "margin", "vanilla")
    return [*recipes, *(PlayedRow(name, 0.5, 0.02, (0.5, 0.4, 0.5), baseline=True) for name in names)]


def test_the_best_recipe_is_on_top_and_the_baselines_are_below() -> None:
    numbers = search_blocks_numbers(ROWS, MEANS)
    assert [row.name for row in numbers.rows] == ["trial 3", "trial 1", "trial 0", "random_sampling"]
    assert (numbers.n_recipes, numbers.n_plays, numbers.left_out) == (3, 5, 0)
    assert numbers.offsets[0] == pytest.approx({0: 0.25, 1: 0.3, 2: 0.3})
    assert numbers.offsets[2] == pytest.approx({0: -0.05})


def test_where_less_is_better_the_lowest_is_on_top_and_a_low_value_is_better() -> None:
    numbers = search_blocks_numbers(ROWS, MEANS, less_is_better=True)
    assert [row.name for row in numbers.rows] == ["trial 0", "trial 1", "trial 3", "random_sampling"]
    assert numbers.offsets[0] == pytest.approx({0: 0.05})
    assert "less is better" in title_of(plot_search_blocks(ROWS, MEANS, amounts=LABELS))


def test_each_play_is_a_dot_filled_if_it_is_better_than_average() -> None:
    figure = plot_search_blocks(ROWS, MEANS)
    means, better, worse = figure.data
    assert means.x == (0.7, 0.6, 0.5, 0.4)
    assert list(means.error_x.array) == [0.02, 0.1, 0.1, 0.05]
    assert sorted(zip(better.x, better.y, strict=True)) == [(1, -1), (1, 0), (2, 0), (3, 0)]
    assert len(worse.x) == 3
    assert better.marker.color != worse.marker.color
    assert better.marker.color == better.marker.line.color, "filled"
    assert worse.marker.color == "#ffffff", "open, so that it differs without colour"
    assert max(better.marker.size) == LARGEST
    assert min(better.marker.size) < LARGEST / 2
    assert better.text[1] == "<b>trial 3</b> on block 2: 0.7000<br>0.3000 better than an average recipe there"
    assert "± 0.0200<br>from 3 blocks<br>margin" in means.text[0]


def test_a_recipe_may_begin_on_another_block() -> None:
    row = PlayedRow("trial 4", 0.8, 0.02, (0.8, 0.3), positions=(0, 7))
    figure = plot_search_blocks([row], [0.5] * 8)
    assert (figure.data[1].x, figure.data[2].x) == ((1,), (8,))
    assert "on block 8: 0.3000" in figure.data[2].text[0]
    assert len(figure.layout.xaxis2.tickvals) == 8


def test_candidates_are_marked_and_the_key_says_so() -> None:
    figure = plot_search_blocks(ROWS, MEANS, value="accuracy")
    names = ("<b>★ trial 3</b>", "<b>◆ trial 1</b>", "trial 0", "random sampling")
    assert figure.layout.yaxis.ticktext == names
    assert len(figure.layout.shapes) == 2
    title = title_of(figure)
    assert "3 recipes, 5 plays<br>" in title
    assert "left: accuracy<br>★ selected, ◆ candidates of the confirmation" in title
    assert "★" not in title_of(plot_search_blocks([ROWS[1]], MEANS))


def test_of_many_recipes_the_best_are_drawn_and_a_line_says_so() -> None:
    rows = rows_of_search(MOST_ROWS + 7, 5)
    assert search_blocks_numbers(rows, [0.8] * 5).left_out == 7
    figure = plot_search_blocks(rows, [0.8] * 5)
    assert len(figure.layout.yaxis.ticktext) == MOST_ROWS + 3
    assert f"47 recipes, 57 plays; the best {MOST_ROWS} are shown" in title_of(figure)


def test_recipes_that_are_all_alike_are_drawn_and_none_are_refused() -> None:
    alike = [PlayedRow("trial 0", 0.5, 0.0, (0.5,)), PlayedRow("trial 1", 0.5, 0.0, (0.5,))]
    assert len(plot_search_blocks(alike, [0.5]).data[1].x) == 2
    with pytest.raises(RequestError, match="no recipe was played yet"):
        plot_search_blocks([], [])


def test_names_stay_text() -> None:
    figure = plot_search_blocks([PlayedRow(EVIL, 0.5, 0.1, (0.5,), detail=EVIL)], [0.5], value=EVIL)
    assert "<script" not in figure.to_json()


@pytest.mark.parametrize("width", [390, 1200])
def test_dots_of_a_row_do_not_touch_on_any_screen(browser, tmp_path: Path, width: int) -> None:
    figure = plot_search_blocks(rows_of_search(50, 12), [0.8] * 12, value="area under the learning curve (accuracy)")
    part = FigureBlock("Figures", "A figure.", figure)
    show(browser, render_page(PageContent("t", ["a"], "better", parts=[part])), tmp_path / "page.html", width)
    blocks, ticks = browser.execute_script(
        "return ['.x2tick text', '.xtick text'].map(name => [...document.querySelectorAll(name)].map(text => {"
        " const box = text.getBoundingClientRect(); return [box.left, box.right]; }))"
    )
    assert len(blocks) == 12
    assert min(np.diff([sum(ends) / 2 for ends in blocks])) >= LARGEST
    for labels in (blocks, ticks):
        assert all(first[1] < second[0] for first, second in itertools.pairwise(labels))
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
