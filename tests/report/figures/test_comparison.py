"""Figures of a comparison by their numbers."""

from __future__ import annotations

import numpy as np
import pytest

from altune.analysis.comparison.labels_to_reach import LabelsToReach
from altune.analysis.comparison.mean_ranks import mean_ranks
from altune.analysis.comparison.resources import Spent
from altune.analysis.comparison.result import RecipeComparison
from altune.analysis.comparison.spread import spread_of
from altune.analysis.comparison.stale_starts import counted
from altune.analysis.comparison.win_matrix import WinMatrix
from altune.analysis.label_counts import Reached
from altune.core.errors import RequestError
from altune.numerics.statistics import mean_interval
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
from altune.report.figures.rows import by_data
from altune.report.figures.spread import spread_numbers
from altune.report.figures.stale_starts import stale_starts_numbers
from altune.report.figures.time_and_cost import time_and_cost_numbers
from altune.report.figures.win_matrix import win_matrix_numbers


def test_labels_to_reach_are_marks_lines_and_arrows() -> None:
    usual = LabelsToReach("a_b", 0.9, Reached(40, 30), 30, 60, (40, None, 50, 60), 100)
    beyond = LabelsToReach("b", 0.9, Reached(80, 70), 60, None, (80, None), 100)
    never = LabelsToReach("c", 0.9, Reached(None, 100), None, None, (None, None), 100)
    rarely = LabelsToReach("c", 0.9, Reached(None, 100), 60, None, (None, 70), 100)
    assert labels_to_reach_numbers({"": [rarely]})[0].value == "not by 100 [60, over 100]; 50% of blocks never"
    single = LabelsToReach("d", 0.9, Reached(40, 30), None, None, (40,), 100)
    rows = labels_to_reach_numbers({"": [usual, beyond, never, single]})
    assert [row.value for row in rows] == [
        "31 to 40 labels [30, 60]; 25% of blocks never",
        "71 to 80 labels [60, over 100]; 50% of blocks never",
        "not within 100 labels; 100% of blocks never",
        "31 to 40 labels",
    ]
    assert [(row.x, row.low, row.high, row.beyond) for row in rows] == [
        (40, 30, 60, False),
        (80, 60, 100, True),
        (100, 100, 100, False),
        (40, 31, 40, False),
    ]
    assert rows[0].label == "a b"
    figure = plot_labels_to_reach({"": [usual, beyond, never, single]})
    assert "0.900" in figure.layout.title.text
    symbols = [trace.marker.symbol for trace in figure.data if trace.mode == "markers"]
    assert sorted(symbols) == ["circle", "circle", "circle", "triangle-right", "x"]
    assert labels_to_reach_numbers({"x": [usual], "y": [beyond]})[1].label == "y: b"
    with pytest.raises(RequestError, match="nothing to plot"):
        plot_labels_to_reach({})


def test_stale_shares_have_their_intervals_and_an_axis_that_does_not_exaggerate() -> None:
    rows = stale_starts_numbers({"": [counted("a", 1, 100), counted("b", 0, 100)]})
    assert rows[0].value == "1% [0%, 5%], 1 of 100 trajectories"
    figure = plot_stale_starts({"": [counted("a", 1, 100)]})
    assert figure.layout.xaxis.range[1] >= 0.3
    assert figure.data[0].error_x.array[0] == pytest.approx(rows[0].shows.high - 0.01)


def test_spread_shows_every_block_and_the_worst_tenth() -> None:
    own = spread_of("a", np.linspace(0.5, 1.0, 11), mean_interval(np.linspace(0.5, 1.0, 11)))
    (row,) = spread_numbers({"": [own]}, Amounts())
    assert (row.label, row.shows) == ("a", own)
    assert row.value == "mean 0.750, worst tenth 0.550, worst 0.500"
    points, bar, mean = plot_spread({"": [own]}).data
    assert list(points.x) == list(own.values)
    assert max(points.y) - min(points.y) < 0.2, "blocks of a recipe stay in its row"
    assert (bar.x[0], mean.x[0]) == pytest.approx((0.55, 0.75))
    less = plot_spread(
        {"": [spread_of("a", [30, 50], mean_interval([30, 50]), "minimize")]}, amounts=Amounts(1, "labels", True)
    )
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
    assert numbers.groups == ((1, 2),)
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
    for plot, numbers in ((plot_labels_to_reach, "reach"), (plot_spread, "spread"), (plot_stale_starts, "stale")):
        assert plot(one).to_json() == plot({"digits": getattr(one.contests[0], numbers)}).to_json()
        assert plot(several).data
    assert plot_time_and_cost(one).to_json() == plot_time_and_cost(one.contests[0].spent).to_json()
    assert plot_time_and_cost(several).data
    assert len(labels_to_reach_numbers(by_data(several, "reach"))) == 7 * 3
    assert plot_win_matrix(several).data[0].z is not None
