"""Comparing curves: by hand, and on learning curves that were really played."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import altune
from altune.analysis.comparison.labels_to_reach import all_labels_to_reach
from altune.analysis.comparison.resources import recipes_on_front, resources_that_differ, spent_by, spent_over
from altune.analysis.comparison.spread import spread_of
from altune.analysis.comparison.stale_starts import over_data_sets, stale_share, stale_starts
from altune.analysis.paired import compare_recipes, labels_saved
from altune.core.errors import RequestError
from altune.numerics.statistics import paired_difference
from altune.simulation.curve import LearningCurve, labels_to_reach
from altune.simulation.objectives import Objective

BUDGET = 60


def curve(labels: Sequence[int], scores: Sequence[float], prior: float = 0.5) -> LearningCurve:
    n = len(labels)
    nothing = np.zeros(n)
    return LearningCurve(
        labels=np.array(labels),
        used=np.array(labels),
        cost=np.array(labels, dtype=float),
        scores={"accuracy": np.array(scores, dtype=float)},
        prior={"accuracy": prior},
        loop_rows=np.diff(labels, prepend=0),
        fit_seconds=nothing,
        query_seconds=nothing,
        evaluation_seconds=nothing,
        notes=({},) * n,
        rows=np.arange(labels[-1]),
        stopped="budget",
    )


def play(seed: int, strategy: str) -> LearningCurve:
    """Play margin or random sampling on breast_cancer: 10 labels first, then 5 a loop."""
    X, y = load_breast_cancer(return_X_y=True)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    pool, test = order[:400], order[400:]
    scaler = StandardScaler().fit(X[pool])
    X = scaler.transform(X)
    bought, labels, scores = list(pool[:10]), [], []
    while True:
        model = LogisticRegression(max_iter=200).fit(X[bought], y[bought])
        labels.append(len(bought))
        scores.append(model.score(X[test], y[test]))
        if len(bought) >= BUDGET:
            return curve(labels, scores, prior=float(max(y[test].mean(), 1 - y[test].mean())))
        rest = np.setdiff1d(pool, bought)
        unsure = np.abs(model.decision_function(X[rest])) if strategy == "margin" else rng.random(len(rest))
        bought.extend(rest[np.argsort(unsure)[:5]])


@pytest.fixture(scope="module")
def played() -> dict[str, list[LearningCurve]]:
    return {name: [play(seed, name) for seed in range(10)] for name in ("margin", "random")}


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


def test_a_run_is_stale_that_is_slow_by_its_own_measure() -> None:
    quick = curve([10, 25, 100], [0.5, 0.8, 0.9])
    stuck = curve([10, 25, 100], [0.5, 0.55, 0.9])
    flat = curve([10, 25, 100], [0.8, 0.8, 0.8])
    low_but_even = curve([10, 25, 100], [0.5, 0.52, 0.55])
    assert stale_share([quick, stuck, flat, low_but_even], "accuracy", 100) == pytest.approx(0.25)
    late = curve([10, 26, 100], [0.5, 0.8, 0.9])
    assert stale_share([late], "accuracy", 100) == 1.0
    assert stale_share([late], "accuracy", 200) == 0.0


def test_stale_share_on_real_data_is_a_share(played: dict[str, list[LearningCurve]]) -> None:
    shares = [stale_share(curves, "accuracy", BUDGET) for curves in played.values()]
    assert all(0 <= share <= 0.5 for share in shares)


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
    with pytest.raises(RequestError, match="no recipe 'fast' to measure by; there are quick, slow"):
        all_labels_to_reach({"quick": quick, "slow": slow}, "accuracy", 40, yardstick="fast")


def test_labels_to_reach_agree_with_labels_saved_on_real_data(played: dict[str, list[LearningCurve]]) -> None:
    saved = labels_saved(played["margin"], played["random"], "accuracy", BUDGET)
    margin, random = all_labels_to_reach(played, "accuracy", BUDGET, yardstick="random")
    assert (margin.labels, margin.low, margin.high) == (saved.recipe_labels, saved.low, saved.high)
    assert margin.target == pytest.approx(saved.target)
    assert random.labels == saved.baseline_first
    assert random.never == np.mean([max(one.scores["accuracy"]) < saved.target for one in played["random"]])


def test_one_recipe_twice_needs_the_same_labels() -> None:
    counts = list(range(1, 1001))
    rising = [curve(counts, np.array(counts) * slope / 1000, prior=0.0) for slope in np.linspace(0.3, 1.0, 9)]
    first, second = all_labels_to_reach({"first": rising, "second": rising}, "accuracy", 1000, target=0.4)
    assert first == replace(second, recipe="first"), "the same blocks are drawn for all"


def test_spread_is_told_from_the_unlucky_side() -> None:
    values = np.linspace(0.5, 1.0, 11)
    more, less = spread_of("a", values), spread_of("a", values, "minimize")
    assert (more.unlucky, more.worst, more.best) == pytest.approx((0.55, 0.5, 1.0))
    assert (less.unlucky, less.worst, less.best) == pytest.approx((0.95, 1.0, 0.5))
    assert spread_of("a", values, overlap=0.3).mean.low < more.mean.low


def test_what_recipes_take_and_who_is_on_the_front() -> None:
    def taking(labels: list[int], seconds: float, price: float) -> LearningCurve:
        own = curve(labels, [0.5] * len(labels))
        spent = np.full(len(labels), seconds)
        return replace(own, fit_seconds=spent, query_seconds=spent, evaluation_seconds=spent, cost=own.labels * price)

    cheap = [taking([10, 20], 1.0, 1.0), taking([10, 20], 1.0, 1.0), taking([10, 20], 50.0, 1.0)]
    dear = [taking([10, 20, 30], 2.0, 1.0)] * 3
    small, large = spent_by({"cheap": cheap, "dear": dear})
    assert (small.fit_seconds, small.seconds, small.labels, small.loops) == (2.0, 4.0, 20.0, 1.0), (
        "a slow run is no mean"
    )
    assert (large.evaluation_seconds, large.cost, large.blocks) == (6.0, 30.0, 3)
    assert resources_that_differ([small, large]) == ("labels", "seconds"), "money says what labels say"
    assert recipes_on_front([0.8, 0.9], [small, large], "maximize", ("labels",)) == ("cheap", "dear")
    assert recipes_on_front([0.9, 0.9], [small, large], "maximize", ("labels",)) == ("cheap",)
    assert recipes_on_front([0.9, 0.8], [small, large], "minimize", ()) == ("dear",)
    (mean, _) = spent_over([[small, large], [large, small]])
    assert (mean.labels, mean.blocks) == (25.0, 6)


def test_stale_runs_are_counted_with_their_interval() -> None:
    quick, stuck = curve([10, 25, 100], [0.5, 0.8, 0.9]), curve([10, 25, 100], [0.5, 0.55, 0.9])
    found = stale_starts({"a": [quick, stuck], "b": [quick, quick]}, "accuracy", 100)
    assert [(one.recipe, one.stale, one.runs) for one in found] == [("a", 1, 2), ("b", 0, 2)]
    (a, b) = over_data_sets([found, found])
    assert (a.stale, a.runs, a.share, b.low) == (2, 4, 0.5, 0.0)
    assert a.high - a.low < found[0].high - found[0].low


def test_what_is_left_beside_a_matched_baseline_is_named() -> None:
    sizes = {"budget": 30, "n_trials": 3, "n_blocks": 2, "select_among": 1, "select_blocks": 2, "report_blocks": 3}
    strategies = [{"method": "margin"}, {"method": "entropy"}]
    alone = altune.tune("iris", altune.SearchSpace.from_dict({"query_strategy": strategies}), ablation=False, **sizes)
    assert (alone.findings.others, alone.findings.selection) == ((), "the selection itself")
    space = {
        "query_strategy": strategies,
        "stopping": {"method": "classification_change", "threshold": 0.5},
        "retrain": {"method": "warm_start"},
        "baselines": {"plain": {"stopping": {"method": "budget"}, "retrain": {"method": "reset"}}},
    }
    both = altune.tune("iris", altune.SearchSpace.from_dict(space), ablation=False, **sizes)
    assert both.findings.selection == "the selection together with retraining and stopping"
