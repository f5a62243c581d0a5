"""Labels that each recipe needs to reach a score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from altune.analysis.comparison.labels_to_reach import all_labels_to_reach
from altune.analysis.label_counts import labels_saved
from altune.core.errors import RequestError
from altune.simulation.curve import LearningCurve
from tests.helpers.compared import BUDGET, curve


def test_labels_to_reach_worked_by_hand() -> None:
    quick = [curve([10, 20, 40], [0.6, 0.8, 0.9]), curve([10, 20, 40], [0.7, 0.9, 0.9])]
    slow = [curve([10, 40], [0.6, 0.8]), curve([10, 40], [0.6, 0.9])]
    found = all_labels_to_reach({"quick": quick, "slow": slow}, "accuracy", 40, yardstick="slow")
    assert [one.target for one in found] == pytest.approx([0.85, 0.85])
    assert [one.labels for one in found] == [20, 40]
    assert [one.on_blocks for one in found] == [(40, 20), (None, 40)]
    assert [one.never for one in found] == [0.0, 0.5]
    fixed = all_labels_to_reach({"quick": quick, "slow": slow}, "accuracy", 40, target=0.95)
    assert [(one.labels, one.low, one.high, one.never) for one in fixed] == [(None, None, None, 1.0)] * 2
    with pytest.raises(RequestError, match="the yardstick 'fast' is not one of the recipes quick, slow"):
        all_labels_to_reach({"quick": quick, "slow": slow}, "accuracy", 40, yardstick="fast")


def test_labels_to_reach_agree_with_labels_saved_on_real_data(played: dict[str, list[LearningCurve]]) -> None:
    saved = labels_saved(played["margin"], played["random"], "accuracy", BUDGET)
    margin, random = all_labels_to_reach(played, "accuracy", BUDGET, yardstick="random")
    assert (margin.reached.after, margin.labels) == (saved.recipe_after, saved.recipe_labels)
    assert margin.low is not None
    assert margin.low <= saved.recipe_after + 1
    assert margin.target == pytest.approx(saved.target)
    assert random.labels == saved.baseline_labels
    assert random.never == np.mean([max(one.scores["accuracy"]) < saved.target for one in played["random"]])


def test_the_labels_of_the_loop_are_in_the_interval_of_equal_blocks() -> None:
    # All blocks are alike, so all that is not known is where in the loop of labels 11 to 20 the score is reached.
    (only,) = all_labels_to_reach({"only": [curve([10, 20, 40], [0.6, 0.9, 0.9])] * 6}, "accuracy", 40, target=0.85)
    assert (only.labels, only.low, only.high) == (20, 11, 20)


def test_one_recipe_twice_needs_the_same_labels() -> None:
    counts = list(range(1, 1001))
    rising = [curve(counts, np.array(counts) * slope / 1000, prior=0.0) for slope in np.linspace(0.3, 1.0, 9)]
    first, second = all_labels_to_reach({"first": rising, "second": rising}, "accuracy", 1000, target=0.4)
    assert first == replace(second, recipe="first"), "the same blocks are drawn for all"
