"""Figures of differences by their numbers."""

from __future__ import annotations

import math

import pytest

from altune.report import DifferenceRow, plot_differences
from altune.report.figures.differences import difference_numbers
from tests.helpers.figures import LABELS, title_of
from tests.helpers.report_samples import difference_rows


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
