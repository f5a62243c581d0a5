"""Figures of learning curves by their numbers."""

from __future__ import annotations

import numpy as np
import pytest

from altune.analysis.label_counts import LabelsSaved, labels_saved
from altune.report import plot_learning_curves
from altune.report.figures.learning_curves import learning_curve_numbers
from altune.report.figures.style import SERIES
from tests.helpers.report_samples import BUDGET


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


def test_labels_saved_are_an_arrow_from_the_baselines_count_to_the_recipes(curves) -> None:
    saved = labels_saved(curves["confirmed recipe"], curves["random_sampling"], "accuracy", BUDGET)
    arrows = [
        note
        for note in plot_learning_curves(curves, "accuracy", BUDGET, saved=saved).layout.annotations
        if note.showarrow
    ]
    assert len(arrows) == 1
    assert (arrows[0].ax, arrows[0].x) == (saved.baseline_labels, saved.recipe_labels)
    assert arrows[0].y == arrows[0].ay
    shapes = plot_learning_curves(curves, "accuracy", BUDGET, saved=saved).layout.shapes
    level = next(shape for shape in shapes if shape.y0 == shape.y1)
    assert (level.x0, level.x1) == (saved.recipe_labels, BUDGET)
    assert level.y0 == pytest.approx(saved.target)
    missed = LabelsSaved(0.99, None, BUDGET, BUDGET, BUDGET - 10, -1, None, -1, False)
    without = plot_learning_curves(curves, "accuracy", BUDGET, saved=missed)
    assert not [note for note in without.layout.annotations if note.showarrow]
