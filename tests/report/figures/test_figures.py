"""Figures of the report by their numbers."""

from __future__ import annotations

import json
import math

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altune.analysis.paired import LabelsSaved, labels_saved
from altune.core.errors import RequestError
from altune.report import (
    Amounts,
    DifferenceRow,
    FrontAxis,
    FrontPoint,
    TrialPoint,
    plot_differences,
    plot_learning_curves,
    plot_pareto_front,
    plot_search_history,
)
from altune.report.figures.differences import difference_numbers
from altune.report.figures.learning_curves import learning_curve_numbers
from altune.report.figures.pareto_front import pareto_front_numbers
from altune.report.figures.search_history import search_history_numbers
from altune.report.figures.style import DIRECT, SERIES, safe_text, spread_apart
from altune.simulation.objectives import Objective
from tests.helpers.report_samples import (
    BUDGET,
    EVIL,
    Curves,
    difference_rows,
    example_curves,
    example_matched,
    example_trials,
)


@pytest.fixture(scope="module")
def curves() -> Curves:
    return example_curves()


@pytest.fixture(scope="module")
def matched() -> Curves:
    return example_matched()


@pytest.fixture(scope="module")
def trials() -> list[TrialPoint]:
    return example_trials()


def test_learning_curves_show_the_mean_that_the_curves_have(curves, matched) -> None:
    numbers = learning_curve_numbers(curves, "accuracy", BUDGET, matched=matched)
    assert [(line.name, line.role) for line in numbers.lines] == [
        ("confirmed recipe", "recipe"),
        ("random_sampling", "baseline"),
        ("vanilla", "baseline"),
        ("random_sampling, matched", "matched"),
    ]
    recipe = numbers.lines[0].band
    here = int(np.flatnonzero(recipe.counts == 20)[0])
    at_20 = [curve.scores["accuracy"][0] for curve in curves["confirmed recipe"]]
    assert recipe.mean[here] == pytest.approx(np.mean(at_20))
    assert recipe.low[here] == pytest.approx(np.quantile(at_20, 0.1))
    assert numbers.low > 0.15, "the prior's score must not press the curves against the top"
    assert numbers.high > max(line.band.mean.max() for line in numbers.lines)


def test_learning_curves_are_steps_with_looks_of_their_own(curves, matched) -> None:
    figure = plot_learning_curves(curves, "accuracy", BUDGET, matched=matched)
    lines = [trace for trace in figure.data if trace.name]
    assert all(trace.line.shape == "hv" for trace in figure.data)
    looks = {(trace.line.dash, trace.marker.symbol) for trace in lines}
    assert len(looks) == len(lines) == 4
    widest = max(lines, key=lambda trace: trace.line.width)
    assert widest.name == "confirmed recipe"
    assert widest.line.dash == "solid"
    assert sum(trace.fill == "tonexty" for trace in figure.data) == 3
    assert "20 blocks" in figure.layout.title.text
    assert list(figure.layout.xaxis.range) == [0, BUDGET]


def test_without_baselines_every_recipe_has_a_colour(curves) -> None:
    figure = plot_learning_curves(curves, "accuracy", BUDGET, baselines=())
    colours = {trace.name: trace.line.color for trace in figure.data if trace.name}
    assert set(colours.values()) == {look.colour for look in SERIES[:3]}


def test_labels_saved_are_an_arrow_from_the_budget_to_the_recipes_count(curves) -> None:
    saved = labels_saved(curves["confirmed recipe"], curves["random_sampling"], "accuracy", BUDGET)
    arrows = [
        note
        for note in plot_learning_curves(curves, "accuracy", BUDGET, saved=saved).layout.annotations
        if note.showarrow
    ]
    assert len(arrows) == 1
    assert (arrows[0].ax, arrows[0].x) == (BUDGET, saved.recipe_labels)
    assert arrows[0].y == arrows[0].ay
    shapes = plot_learning_curves(curves, "accuracy", BUDGET, saved=saved).layout.shapes
    level = next(shape for shape in shapes if shape.y0 == shape.y1)
    assert (level.x0, level.x1) == (saved.recipe_labels, BUDGET)
    assert level.y0 == pytest.approx(saved.target)
    missed = LabelsSaved(0.99, None, None, None, BUDGET, BUDGET, None, False)
    without = plot_learning_curves(curves, "accuracy", BUDGET, saved=missed)
    assert not [note for note in without.layout.annotations if note.showarrow]


def title_of(figure: go.Figure) -> str:
    """Return title and subtitle on one line."""
    return str(figure.layout.title.text).replace("\xa0", " ").replace(",<br>", ", ")


def test_history_draws_complete_trials_and_counts_the_rest(trials) -> None:
    numbers = search_history_numbers(list(reversed(trials)))
    assert dict(numbers.states) == {"complete": 57, "forbidden": 2, "failed": 1}
    assert 7 not in [trial.number for trial in numbers.trials]
    assert (np.diff(numbers.best) >= 0).all()
    assert numbers.best[-1] == max(trial.value for trial in trials if trial.value is not None)
    figure = plot_search_history(trials, {"vanilla": 0.83})
    assert "60 trials: ○ 57 complete, 2 forbidden, + 1 failed<" in title_of(figure)
    points = next(trace for trace in figure.data if trace.mode == "markers")
    assert len(points.x) == 57
    assert "margin" in points.text[0]
    assert figure.layout.yaxis.range[0] < min(trial.value for trial in trials if trial.value is not None)


def test_history_of_a_search_without_a_complete_trial_still_draws() -> None:
    figure = plot_search_history([TrialPoint(0, None, "failed")], {"vanilla": 0.83})
    assert "1 trial: 1 failed" in title_of(figure)
    assert "no trials" in title_of(plot_search_history([], {}))


LABELS = Amounts(1, "labels", less_is_better=True)


def test_history_of_an_objective_where_less_is_better_goes_downwards() -> None:
    trials = [TrialPoint(0, 40.0), TrialPoint(1, 50.0), TrialPoint(2, 31.5)]
    numbers = search_history_numbers(trials, LABELS)
    assert numbers.best.tolist() == [40.0, 40.0, 31.5]
    figure = plot_search_history(trials, {"random_sampling": 45.0}, value="labels to the target", amounts=LABELS)
    assert "less is better" in figure.layout.yaxis.title.text
    points = next(trace for trace in figure.data if trace.name == "trial")
    assert points.text[2] == "<b>trial 2</b>: 31.5"


def test_history_marks_what_does_not_count_and_leaves_it_out_of_the_best() -> None:
    trials = [
        TrialPoint(0, 0.5),
        TrialPoint(1, 0.9, broken="breaks labels <= 28 by 2"),
        TrialPoint(2, 0.8, "dropped", "clearly worse than the best on 3 blocks"),
        TrialPoint(3, None, "failed"),
        TrialPoint(4, None, "running"),
        TrialPoint(5, None, "waiting"),
        TrialPoint(6, None, "forbidden"),
        TrialPoint(7, 0.6),
    ]
    numbers = search_history_numbers(trials)
    assert numbers.best.tolist() == [0.5, 0.6]
    assert [trial.number for trial in numbers.beside] == [1, 2]
    assert [trial.number for trial in numbers.without] == [3, 4, 5]
    figure = plot_search_history(trials, {})
    marks = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    assert len({trace.marker.symbol for trace in marks.values()}) == len(marks) == 6
    assert marks["trial, breaking a bound"].y == (0.9,)
    assert "labels &lt;= 28 by 2" in marks["trial, breaking a bound"].text[0]
    assert "0.8000, as far as it was seen" in marks["trial, dropped early"].text[0]
    bottom = figure.layout.yaxis.range[0]
    assert marks["trial, running"].y == marks["trial, failed"].y == (bottom,)
    assert bottom < 0.5
    assert "8 trials: ○ 2 complete, ✕ 1 breaking a bound, ▽ 1 dropped early" in title_of(figure)


def test_a_difference_below_zero_is_better_where_less_is() -> None:
    rows = [DifferenceRow("random", -34.2, -40.0, -28.0), DifferenceRow("oracle", 3.0, 1.0, 5.0)]
    numbers = difference_numbers(rows, LABELS)
    assert [number.verdict for number in numbers] == ["better", "worse"]
    assert numbers[0].value == "−34.2 [−40.0, −28.0]"
    figure = plot_differences(rows, amounts=LABELS)
    assert "← recipe better  |  baseline better →" in figure.layout.xaxis.title.text
    assert "below zero is better" in title_of(figure)


def test_differences_of_many_data_sets_name_them_and_stay_short() -> None:
    rows = [DifferenceRow("random_sampling", 0.01, 0.0, 0.02, data=f"data {number}") for number in range(8)]
    figure = plot_differences(rows)
    assert [number.label for number in difference_numbers(rows)][:2] == [
        "data 0: random sampling",
        "data 1: random sampling",
    ]
    assert figure.layout.height / len(rows) < plot_differences(rows[:4]).layout.height / 4


def test_amounts_are_written_as_what_they_count() -> None:
    assert LABELS.signed_headline(-34.2) == "−34 labels"
    assert LABELS.signed_headline(2.25) == "+2.2 labels"
    assert LABELS.exact.text(119.0) == "119.0"
    assert Amounts().exact.text(0.91234) == "0.9123"
    assert Amounts().signed(-0.0001) == "+0.000"
    assert Amounts().interval(0.5, -math.inf, math.inf) == "0.500 (one block, no interval)"
    money = Amounts.of(Objective("net_value", end=100, value=10.0))
    assert (money.text(843.236), money.headline(843.236), money.less_is_better) == ("843.24", "843", False)
    assert Amounts.of(Objective("deficiency", end=100)) == Amounts(3, "", less_is_better=True)


SCORE_AND_LABELS = [FrontAxis("score"), FrontAxis("labels bought", LABELS)]
FRONT = [
    FrontPoint("trial 0", (0.9, 200.0), "picked"),
    FrontPoint("trial 1", (0.8, 100.0)),
    FrontPoint("trial 2", (0.7, 150.0)),
    FrontPoint("trial 3", (0.99, 50.0), "breaking a bound"),
    FrontPoint("random_sampling", (0.6, 300.0), "baseline"),
]


def test_the_front_leaves_out_what_is_beaten_or_out_of_bounds() -> None:
    numbers = pareto_front_numbers(FRONT, SCORE_AND_LABELS)
    assert numbers.front == (0, 1)
    pair = numbers.pairs[0]
    assert (pair.along, pair.up) == (1, 0), "the second objective runs along, the first upwards"
    corners = list(zip(pair.x, pair.y, strict=True))
    assert corners == [(100.0, 0.6), (100.0, 0.8), (200.0, 0.9), (300.0, 0.9)], "to the worst that is drawn"


def test_the_front_of_two_objectives_where_more_is_better_steps_the_other_way() -> None:
    points = [FrontPoint("a", (1.0, 3.0)), FrontPoint("b", (2.0, 1.0)), FrontPoint("c", (0.5, 0.5))]
    pair = pareto_front_numbers(points, [FrontAxis("x"), FrontAxis("y")]).pairs[0]
    assert list(zip(pair.x, pair.y, strict=True)) == [(3.0, 0.5), (3.0, 1.0), (1.0, 2.0), (0.5, 2.0)]


def test_three_objectives_have_a_panel_for_each_pair() -> None:
    points = [
        FrontPoint("a", (0.9, 200.0, 5.0)),
        FrontPoint("b", (0.8, 100.0, 9.0)),
        FrontPoint("c", (0.7, 150.0, 1.0)),
    ]
    axes = [*SCORE_AND_LABELS, FrontAxis("loops", Amounts(1, "loops", less_is_better=True))]
    numbers = pareto_front_numbers(points, axes)
    assert numbers.front == (0, 1, 2)
    assert [(pair.along, pair.up) for pair in numbers.pairs] == [(1, 0), (2, 0), (2, 1)]
    assert 150.0 not in numbers.pairs[0].x, "on the front of all three, off the line of the first two"
    figure = plot_pareto_front(points, axes)
    assert [figure.layout[f"xaxis{n}"].title.text.split("<br>")[0] for n in ("", 2, 3)] == [
        "labels bought",
        "loops",
        "loops",
    ]


def test_the_front_marks_each_kind_in_its_own_way_without_colour() -> None:
    figure = plot_pareto_front(FRONT, SCORE_AND_LABELS)
    marks = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    assert set(marks) == {"picked", "on the front", "other trials", "breaking a bound", "random sampling"}
    assert len({trace.marker.symbol for trace in marks.values()}) == len(marks)
    assert (marks["picked"].x, marks["picked"].y) == ((200.0,), (0.9,))
    assert marks["picked"].text[0] == "<b>trial 0</b>, picked<br>score: 0.9000<br>labels bought: 200.0"
    line = next(trace for trace in figure.data if trace.mode == "lines")
    assert line.line.shape == "hv"
    assert "★ picked, ● 1 other on the front, ○ 1 other trials, ✕ 1 breaking a bound" in title_of(figure)
    names = [note.text for note in figure.layout.annotations]
    assert names == ["<b>trial 0, picked</b>", "random sampling"]


def test_names_of_the_front_stand_apart_where_points_coincide() -> None:
    points = [FrontPoint("trial 0", (0.9, 200.0), "picked"), FrontPoint("random_sampling", (0.9, 200.0), "baseline")]
    figure = plot_pareto_front([*points, FrontPoint("trial 1", (0.5, 100.0))], SCORE_AND_LABELS)
    heights = [note.y for note in figure.layout.annotations]
    assert abs(heights[0] - heights[1]) > 0.02


def test_differences_are_judged_by_their_intervals() -> None:
    rows = [
        DifferenceRow("random", 0.02, 0.01, 0.03),
        DifferenceRow("random", 0.005, -0.002, 0.012, matched=True),
        DifferenceRow("oracle", -0.02, -0.03, -0.01),
        DifferenceRow("single", 0.1, -math.inf, math.inf),
        DifferenceRow("none", 0.1, None, None),
    ]
    numbers = difference_numbers(rows)
    assert [n.verdict for n in numbers] == ["better", "unclear", "worse", "no interval", "no interval"]
    assert numbers[0].value == "+0.020 [+0.010, +0.030]"
    assert numbers[1].label == "random, matched"
    assert numbers[2].value == "−0.020 [−0.030, −0.010]"
    figure = plot_differences(rows, blocks=20)
    by_mean = {trace.x[0]: trace for trace in figure.data}
    assert by_mean[0.02].error_x.array[0] == pytest.approx(0.01)
    assert by_mean[0.1].error_x.array is None
    assert len({trace.marker.symbol for trace in figure.data}) >= 4
    low, high = figure.layout.xaxis.range
    assert low < -0.03 < 0 < 0.1 < high
    assert "20 paired blocks" in figure.layout.title.text


def test_first_difference_is_on_top(curves, matched) -> None:
    rows = difference_rows(curves, matched)
    figure = plot_differences(rows)
    top = max(figure.data, key=lambda trace: trace.y[0])
    assert top.x[0] == pytest.approx(rows[0].mean)


def test_nothing_to_plot_is_refused() -> None:
    with pytest.raises(RequestError, match="no differences"):
        plot_differences([])
    with pytest.raises(RequestError, match="no learning curves"):
        plot_learning_curves({}, "accuracy", BUDGET)
    with pytest.raises(RequestError, match="two objectives or more"):
        plot_pareto_front([FrontPoint("trial 0", (1.0,))], [FrontAxis("score")])


def test_names_cannot_become_markup_in_any_figure(curves) -> None:
    evil = dict(zip([EVIL, f"{EVIL}2", f"{EVIL}3"], curves.values(), strict=True))
    figures = [
        plot_learning_curves(evil, "accuracy", BUDGET, matched={EVIL: curves["vanilla"]}),
        plot_search_history([TrialPoint(0, 0.5, detail=EVIL), TrialPoint(1, None, EVIL)], {EVIL: 0.4}, value=EVIL),
        plot_differences([DifferenceRow(EVIL, 0.1, 0.0, 0.2, data=EVIL)] * 7, value=EVIL),
        plot_search_history([TrialPoint(0, 0.5, "dropped", EVIL), TrialPoint(1, 0.4, broken=EVIL)], {}),
        plot_pareto_front(
            [FrontPoint(EVIL, (1.0, 2.0), "picked", EVIL), FrontPoint(f"{EVIL}2", (1.0, 3.0), "baseline", EVIL)],
            [FrontAxis(EVIL), FrontAxis(EVIL, Amounts(1, EVIL, less_is_better=True))],
        ),
    ]
    for figure in figures:
        text = json.loads(figure.to_json())
        assert "<script" not in json.dumps(text)
        assert "&lt;script" in json.dumps(text)


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0.01, 0.3))
def test_labels_never_overlap_and_keep_their_order(positions: list[float], gap: float) -> None:
    placed = spread_apart(positions, gap)
    assert len(placed) == len(positions)
    assert (np.diff(np.sort(placed)) >= gap - 1e-9).all()
    order = np.argsort(positions, kind="stable")
    assert (np.diff(np.array(placed)[order]) > 0).all()
    assert np.sum(placed) == pytest.approx(np.sum(positions))


def test_long_names_are_cut_before_they_are_escaped() -> None:
    assert safe_text("<" * 50, longest=4) == "&lt;&lt;&lt;…"


def test_direct_labels_are_marked_for_the_page(curves) -> None:
    figure = plot_learning_curves(curves, "accuracy", BUDGET)
    assert [note.name for note in figure.layout.annotations] == [DIRECT] * 3
    assert figure.layout.showlegend is False
