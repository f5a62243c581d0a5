"""Paired comparisons of curves: by hand, and on learning curves that were really played."""

from __future__ import annotations

import json

import numpy as np
import pytest

from altune.analysis.paired import compare_recipes
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


def test_comparison_on_real_data(played: dict[str, list[LearningCurve]]) -> None:
    objective = Objective(end=BUDGET)
    comparison = compare_recipes({**played, "margin again": played["margin"]}, objective, overlap=169 / 400)
    assert [(pair.a, pair.b) for pair in comparison.differences] == [
        ("margin", "random"),
        ("margin", "margin again"),
        ("random", "margin again"),
    ]
    ahead, same, behind = comparison.differences
    values = {name: [objective(c) for c in curves] for name, curves in played.items()}
    alone = paired_difference(values["margin"], values["random"], overlap=169 / 400)
    assert (ahead.difference.mean, ahead.difference.p) == (alone.mean, alone.p)
    assert ahead.difference.basis == "blocks alone"
    assert ahead.difference.mean > 0
    assert ahead.difference.p_holm == pytest.approx(min(1, 3 * ahead.difference.p))
    assert (same.difference.mean, same.difference.p, same.difference.p_holm) == (0, 1, 1)
    assert behind.difference.mean == pytest.approx(-ahead.difference.mean)
    assert comparison.recipes["margin"].mean == pytest.approx(np.mean(values["margin"]))


def test_a_comparison_is_plain_json(played: dict[str, list[LearningCurve]]) -> None:
    one = {name: curves[:1] for name, curves in played.items()}
    comparison = compare_recipes(one, Objective(end=BUDGET), overlap=169 / 400)
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
        compare_recipes(uneven, Objective(end=BUDGET), overlap=169 / 400)
    with pytest.raises(RequestError, match="no learning curves"):
        compare_recipes({}, Objective(end=BUDGET))
