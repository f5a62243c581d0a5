"""Paired comparisons of curves: by hand, and on learning curves that were really played."""

from __future__ import annotations

import json

import numpy as np
import pytest

from altune.analysis.paired import compare_recipes, labels_saved
from altune.core.errors import RequestError
from altune.numerics.statistics import paired_difference
from altune.simulation.curve import LearningCurve, labels_to_reach
from altune.simulation.objectives import Objective
from tests.helpers.compared import BUDGET, curve


def test_labels_to_reach_reads_the_held_curve() -> None:
    rising = curve([10, 20, 30], [0.7, 0.9, 0.8])
    assert labels_to_reach(rising, "accuracy", 0.85) == 20
    assert labels_to_reach(rising, "accuracy", 0.9) == 20
    assert labels_to_reach(rising, "accuracy", 0.95) is None
    assert labels_to_reach(rising, "accuracy", 0.4) == 0


def test_labels_saved_worked_by_hand() -> None:
    recipe = [curve([10, 20, 40], [0.6, 0.8, 0.9]), curve([10, 20, 40], [0.7, 0.9, 0.9])]
    baseline = [curve([10, 40], [0.6, 0.8]), curve([10, 40], [0.6, 0.9])]
    saved = labels_saved(recipe, baseline, "accuracy", 40)
    assert saved.target == pytest.approx(0.85)
    assert (saved.recipe_labels, saved.saved, saved.baseline_labels, saved.reached) == (20, 20, 40, True)
    assert (saved.low, saved.high) == (20, 20)
    assert saved.baseline_first == 40


def test_a_dip_after_the_target_does_not_take_the_labels_back() -> None:
    recipe = [curve([10, 20, 30], [0.6, 0.9, 0.7])]
    baseline = [curve([10, 30], [0.6, 0.8])]
    saved = labels_saved(recipe, baseline, "accuracy", 30)
    assert saved.recipe_labels == 20
    assert saved.low is None
    assert saved.high is None


def test_a_target_out_of_reach_is_said_and_not_invented() -> None:
    saved = labels_saved([curve([10], [0.7])] * 3, [curve([10, 20], [0.7, 0.8])] * 3, "accuracy", 20)
    assert not saved.reached
    assert saved.recipe_labels is saved.saved is saved.low is saved.high is None
    json.dumps(saved.to_dict(), allow_nan=False)


def test_points_beyond_the_budget_are_not_used() -> None:
    recipe = [curve([10, 200], [0.7, 0.99])]
    baseline = [curve([10, 50, 200], [0.7, 0.8, 0.99])]
    saved = labels_saved(recipe, baseline, "accuracy", 100)
    assert saved.target == pytest.approx(0.8)
    assert not saved.reached


def test_an_upper_end_beyond_the_budget_is_open() -> None:
    good, bad = curve([10, 20], [0.6, 0.95]), curve([10, 20], [0.6, 0.7])
    saved = labels_saved([good, good, good, bad], [curve([10, 40], [0.6, 0.85])] * 4, "accuracy", 40)
    assert saved.reached
    assert saved.low == 20
    assert saved.high is None


def test_a_flat_baseline_betrays_itself() -> None:
    flat = [curve([10, 20, 100], [0.6, 0.9, 0.9])]
    saved = labels_saved(flat, flat, "accuracy", 100)
    assert saved.saved == 80
    assert saved.baseline_first == 20


def test_margin_saves_labels_on_real_data(played: dict[str, list[LearningCurve]]) -> None:
    saved = labels_saved(played["margin"], played["random"], "accuracy", BUDGET)
    assert saved.reached
    assert saved.low is not None
    assert saved.recipe_labels is not None
    assert 10 <= saved.low <= saved.recipe_labels < 50
    assert saved.target == pytest.approx(np.mean([c.scores["accuracy"][-1] for c in played["random"]]))
    assert saved == labels_saved(played["margin"], played["random"], "accuracy", BUDGET)


def test_comparison_on_real_data(played: dict[str, list[LearningCurve]]) -> None:
    objective = Objective(end=BUDGET)
    comparison = compare_recipes({**played, "margin again": played["margin"]}, objective, n_train=400, n_test=169)
    assert [(pair.a, pair.b) for pair in comparison.differences] == [
        ("margin", "random"),
        ("margin", "margin again"),
        ("random", "margin again"),
    ]
    ahead, same, behind = comparison.differences
    values = {name: [objective(c) for c in curves] for name, curves in played.items()}
    assert ahead.difference == paired_difference(values["margin"], values["random"], n_train=400, n_test=169)
    assert ahead.difference.mean > 0
    assert ahead.p_holm == pytest.approx(min(1, 3 * ahead.difference.p))
    assert (same.difference.mean, same.difference.p, same.p_holm) == (0, 1, 1)
    assert behind.difference.mean == pytest.approx(-ahead.difference.mean)
    assert comparison.recipes["margin"].mean == pytest.approx(np.mean(values["margin"]))


def test_a_comparison_is_plain_json(played: dict[str, list[LearningCurve]]) -> None:
    one = {name: curves[:1] for name, curves in played.items()}
    comparison = compare_recipes(one, Objective(end=BUDGET), n_train=400, n_test=169)
    plain = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert plain["recipes"]["margin"]["low"] is None
    assert set(plain["differences"][0]) >= {
        "a",
        "b",
        "mean",
        "low",
        "high",
        "p",
        "p_holm",
        "blocks",
        "better",
    }


def test_different_blocks_are_refused(played: dict[str, list[LearningCurve]]) -> None:
    uneven = {"margin": played["margin"], "random": played["random"][:4]}
    with pytest.raises(RequestError, match="margin 10, random 4"):
        compare_recipes(uneven, Objective(end=BUDGET), n_train=400, n_test=169)
    with pytest.raises(RequestError, match="no learning curves"):
        labels_saved([], [], "accuracy", BUDGET)
