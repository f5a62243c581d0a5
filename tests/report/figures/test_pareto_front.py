"""Figures of several objectives by their numbers."""

from __future__ import annotations

from altune.report import Amounts, FrontAxis, FrontPoint, plot_pareto_front
from altune.report.figures.front_numbers import pareto_front_numbers
from tests.helpers.figures import LABELS, title_of

SCORE_AND_LABELS = [FrontAxis("score"), FrontAxis("labels bought", LABELS)]
FRONT = [
    FrontPoint("trial 0", (0.9, 200.0), "picked"),
    FrontPoint("trial 1", (0.8, 100.0)),
    FrontPoint("trial 2", (0.7, 150.0)),
    FrontPoint("trial 3", (0.99, 50.0), "infeasible"),
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
    assert set(marks) == {"picked", "on the front", "other trials", "infeasible", "random sampling"}
    assert len({trace.marker.symbol for trace in marks.values()}) == len(marks)
    assert (marks["picked"].x, marks["picked"].y) == ((200.0,), (0.9,))
    assert marks["picked"].text[0] == "<b>trial 0</b>, picked<br>score: 0.9000<br>labels bought: 200.0"
    line = next(trace for trace in figure.data if trace.mode == "lines")
    assert line.line.shape == "hv"
    assert "★ picked, ● 1 other on the front, ○ 1 other trial, ✕ 1 infeasible" in title_of(figure)
    names = [note.text for note in figure.layout.annotations]
    assert names == ["<b>trial 0, picked</b>", "random sampling"]


def test_names_of_the_front_stand_apart_where_points_coincide() -> None:
    points = [FrontPoint("trial 0", (0.9, 200.0), "picked"), FrontPoint("random_sampling", (0.9, 200.0), "baseline")]
    figure = plot_pareto_front([*points, FrontPoint("trial 1", (0.5, 100.0))], SCORE_AND_LABELS)
    heights = [note.y for note in figure.layout.annotations]
    assert abs(heights[0] - heights[1]) > 0.02
