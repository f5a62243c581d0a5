"""Labels that a recipe saves: by hand, and on learning curves that were really played."""

from __future__ import annotations

import json

import numpy as np
import pytest

from altune.analysis.label_counts import labels_saved
from altune.core.errors import RequestError
from altune.simulation.curve import LearningCurve
from tests.helpers.compared import BUDGET, curve


def test_labels_saved_worked_by_hand() -> None:
    recipe = [curve([10, 20, 40], [0.6, 0.8, 0.9]), curve([10, 20, 40], [0.7, 0.9, 0.9])]
    baseline = [curve([10, 30, 40], [0.6, 0.7, 0.8]), curve([10, 30, 40], [0.6, 0.7, 0.9])]
    saved = labels_saved(recipe, baseline, "accuracy", 40)
    assert saved.target == pytest.approx(0.85)
    assert (saved.recipe_after, saved.recipe_labels) == (10, 20)
    assert (saved.baseline_after, saved.baseline_labels) == (30, 40)
    assert (saved.saved, saved.reached) == (20, True)
    assert (saved.low, saved.high) == (None, None), "two blocks have no interval"


def test_a_baseline_that_has_its_final_score_early_leaves_little_to_save() -> None:
    flat = [curve([10, 20, 100], [0.6, 0.9, 0.9])] * 5
    saved = labels_saved(flat, flat, "accuracy", 100)
    assert (saved.recipe_labels, saved.baseline_labels, saved.saved) == (20, 20, 0)
    late = [curve([10, 60, 100], [0.6, 0.9, 0.95])] * 5
    assert labels_saved(late, flat, "accuracy", 100).saved == -40


def test_the_range_of_a_loop_is_in_the_interval_of_equal_blocks() -> None:
    # All blocks are alike, so all that is not known is where in the loops 11 to 20 and 31 to 40 the score is reached.
    recipe, baseline = [curve([10, 20, 40], [0.6, 0.9, 0.9])] * 6, [curve([10, 30, 40], [0.6, 0.7, 0.9])] * 6
    saved = labels_saved(recipe, baseline, "accuracy", 40)
    assert (saved.saved, saved.low, saved.high) == (20, 31 - 20, 40 - 11)


def test_a_dip_after_the_target_does_not_take_the_labels_back() -> None:
    recipe = [curve([10, 20, 30], [0.6, 0.9, 0.7])]
    baseline = [curve([10, 30], [0.6, 0.8])]
    assert labels_saved(recipe, baseline, "accuracy", 30).recipe_labels == 20


def test_a_target_out_of_reach_saves_less_than_nothing() -> None:
    saved = labels_saved([curve([10], [0.7])] * 5, [curve([10, 20], [0.7, 0.8])] * 5, "accuracy", 20)
    assert not saved.reached
    assert saved.recipe_labels is None
    assert saved.recipe_after == 20
    assert (saved.saved, saved.low, saved.high) == (20 - 21, None, 20 - 21)
    json.dumps(saved.to_dict(), allow_nan=False)


def test_points_beyond_the_budget_are_not_used() -> None:
    recipe = [curve([10, 200], [0.7, 0.99])]
    baseline = [curve([10, 50, 200], [0.7, 0.8, 0.99])]
    saved = labels_saved(recipe, baseline, "accuracy", 100)
    assert saved.target == pytest.approx(0.8)
    assert not saved.reached


def test_a_lower_end_beyond_the_budget_is_open() -> None:
    good, bad = curve([10, 20], [0.6, 0.95]), curve([10, 20], [0.6, 0.7])
    saved = labels_saved([good, good, good, good, bad], [curve([10, 40], [0.6, 0.85])] * 5, "accuracy", 40)
    assert saved.reached
    assert (saved.low, saved.high) == (None, 40 - 11)


def test_margin_saves_labels_on_real_data(played: dict[str, list[LearningCurve]]) -> None:
    saved = labels_saved(played["margin"], played["random"], "accuracy", BUDGET)
    assert saved.reached
    assert saved.recipe_labels is not None
    assert saved.low is not None
    assert saved.high is not None
    assert 0 < saved.low <= saved.saved <= saved.high <= BUDGET
    assert saved.target == pytest.approx(np.mean([c.scores["accuracy"][-1] for c in played["random"]]))
    assert saved == labels_saved(played["margin"], played["random"], "accuracy", BUDGET)
    back = labels_saved(played["random"], played["margin"], "accuracy", BUDGET)
    assert not back.reached
    assert back.saved < 0


def test_different_blocks_are_refused() -> None:
    with pytest.raises(RequestError, match="same blocks for both, got 1 and 2"):
        labels_saved([curve([10], [0.7])], [curve([10], [0.7])] * 2, "accuracy", 20)
