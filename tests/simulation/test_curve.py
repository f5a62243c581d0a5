"""Learning curves and objectives: numbers worked by hand, and properties that hold for every curve."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altune.core.errors import ScenarioError
from altune.simulation.curve import LearningCurve, band, curves_frame, held_area, trapezoid_area
from altune.simulation.objectives import OBJECTIVES, Objective


def curve(labels, scores, prior=0.1, cost=None, **parts):
    n = len(labels)
    values = {
        "labels": np.asarray(labels, dtype=np.int64),
        "used": np.asarray(labels, dtype=np.int64),
        "cost": np.asarray(labels if cost is None else cost, dtype=np.float64),
        "scores": {"accuracy": np.asarray(scores, dtype=np.float64)},
        "prior": {"accuracy": prior},
        "loop_rows": np.diff(labels, prepend=0),
        "fit_seconds": np.full(n, 0.1),
        "query_seconds": np.full(n, 0.2),
        "evaluation_seconds": np.full(n, 0.3),
        "notes": tuple({} for _ in range(n)),
        "rows": np.arange(labels[-1]),
        "stopped": "budget",
    }
    return LearningCurve(**{**values, **parts})


@st.composite
def curves(draw, end=100):
    labels = sorted(draw(st.sets(st.integers(1, end + 20), min_size=1, max_size=12)))
    scores = draw(st.lists(st.floats(0, 1), min_size=len(labels), max_size=len(labels)))
    return curve(labels, scores, draw(st.floats(0, 1)))


def objective(name="aulc", end=10, **parts):
    return Objective(name, "accuracy", end=float(end), **parts)


# by hand --------------------------------------------------------------------------------------------


def test_held_area_by_hand():
    # the prior for 2 labels, .5 for 4, 1.0 for 4
    assert objective()(curve([2, 6], [0.5, 1.0])) == pytest.approx((2 * 0.1 + 4 * 0.5 + 4 * 1.0) / 10)


def test_before_the_first_model_the_prior_counts():
    late = objective()(curve([8], [1.0]))
    assert late == pytest.approx((8 * 0.1 + 2 * 1.0) / 10)
    assert objective()(curve([2], [1.0])) > late


def test_after_an_early_stop_the_last_score_holds():
    assert objective()(curve([2, 4], [0.5, 0.8])) == pytest.approx((2 * 0.1 + 2 * 0.5 + 6 * 0.8) / 10)


def test_a_model_at_the_end_of_the_budget_comes_too_late_for_the_held_area():
    assert objective()(curve([2, 10], [0.5, 1.0])) == objective()(curve([2], [0.5]))
    assert objective("final_score")(curve([2, 10], [0.5, 1.0])) == 1.0


def test_trapezoid_by_hand():
    # from .1 to .5 over 2 labels, to 1.0 over 4, held for 4
    expected = (2 * (0.1 + 0.5) / 2 + 4 * (0.5 + 1.0) / 2 + 4 * 1.0) / 10
    assert objective("aulc_trapezoid")(curve([2, 6], [0.5, 1.0])) == pytest.approx(expected)


def test_trapezoid_cuts_the_line_at_the_budget():
    # at 10 labels the line from (6, .5) to (14, .9) stands at .7
    expected = (6 * (0.1 + 0.5) / 2 + 4 * (0.5 + 0.7) / 2) / 10
    assert objective("aulc_trapezoid")(curve([6, 14], [0.5, 0.9])) == pytest.approx(expected)


def test_log_area_by_hand():
    # over log2 n in [0, 5]: the prior to 2, .5 from 2 to 3, .9 from 3 to 5
    assert objective("aulc_log", end=32)(curve([4, 8], [0.5, 0.9])) == pytest.approx((2 * 0.1 + 0.5 + 2 * 0.9) / 5)


def test_net_value_by_hand():
    worth = objective("net_value", value=200.0)
    assert worth(curve([2, 6], [0.5, 0.9], cost=[7.0, 31.5])) == pytest.approx(200 * 0.9 - 31.5)
    assert worth.rewards_early_stop
    assert not objective().rewards_early_stop


def test_areas_run_over_cost_too():
    money = Objective("aulc", "accuracy", over="cost", end=20.0)
    assert money(curve([2, 6], [0.5, 1.0], cost=[5.0, 15.0])) == pytest.approx((5 * 0.1 + 10 * 0.5 + 5 * 1.0) / 20)


def test_an_unknown_objective_is_refused_with_the_nearest():
    with pytest.raises(ScenarioError, match=r"no objective 'aulk'; did you mean 'aulc'"):
        Objective("aulk")
    assert all(OBJECTIVES.values())


# properties -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["aulc", "aulc_trapezoid", "aulc_log"])
@given(one=curves())
def test_an_area_lies_between_the_least_and_the_largest_score(name, one):
    everything = [one.prior["accuracy"], *one.scores["accuracy"]]
    value = objective(name, end=100)(one)
    assert min(everything) - 1e-12 <= value <= max(everything) + 1e-12


@given(curves())
def test_the_held_area_is_the_mean_score_in_hand_at_each_label(one):
    expected = one.at(np.arange(100), "accuracy").mean()
    assert objective(end=100)(one) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["aulc", "aulc_trapezoid", "aulc_log"])
@given(one=curves(), data=st.data())
def test_a_better_score_never_lowers_an_area(name, one, data):
    where = data.draw(st.integers(0, len(one) - 1))
    better = one.scores["accuracy"].copy()
    better[where] = data.draw(st.floats(better[where], 1.0))
    other = curve(one.labels.tolist(), better, one.prior["accuracy"])
    assert objective(name, end=100)(other) >= objective(name, end=100)(one) - 1e-12


@pytest.mark.parametrize("name", ["aulc", "aulc_trapezoid", "aulc_log"])
@given(one=curves())
def test_saying_the_last_score_again_changes_nothing(name, one):
    again = curve(
        [*one.labels.tolist(), int(one.labels[-1]) + 5],
        [*one.scores["accuracy"], one.scores["accuracy"][-1]],
        one.prior["accuracy"],
    )
    assert objective(name, end=100)(again) == pytest.approx(objective(name, end=100)(one), abs=1e-12)


@given(curves())
def test_a_constant_curve_has_its_own_height(one):
    flat = curve(one.labels.tolist(), np.full(len(one), 0.7), 0.7)
    for name in ("aulc", "aulc_trapezoid", "aulc_log"):
        assert objective(name, end=100)(flat) == pytest.approx(0.7, abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_the_trapezoid_is_numpys(scores):
    x = np.arange(1, len(scores) + 1)
    expected = np.trapezoid([0.3, *scores], np.arange(len(scores) + 1)) / len(scores)
    assert trapezoid_area(x, np.array(scores), 0.3, float(len(scores))) == pytest.approx(expected, abs=1e-12)


@given(curves(), st.integers(1, 99))
def test_held_areas_of_two_parts_add_up(one, cut):
    x, y, prior = one.labels, one.scores["accuracy"], one.prior["accuracy"]
    whole = held_area(x, y, prior, 100.0)
    parts = cut * held_area(x, y, prior, float(cut)) + (100 - cut) * held_area(x, y, prior, 100.0, float(cut))
    assert parts / 100 == pytest.approx(whole, abs=1e-12)


# the record -----------------------------------------------------------------------------------------


@given(curves())
def test_a_curve_reads_back_from_json_exactly(one):
    facts = tuple({"stop_kappa_1": 1 / 3 + number} for number in range(len(one)))
    one = curve(one.labels.tolist(), one.scores["accuracy"], one.prior["accuracy"], notes=facts)
    back = LearningCurve.from_dict(json.loads(json.dumps(one.to_dict())))
    assert back.to_dict() == one.to_dict()
    assert back.notes == one.notes
    for name in ("labels", "used", "cost", "loop_rows", "fit_seconds", "rows"):
        assert getattr(back, name).dtype == getattr(one, name).dtype
        np.testing.assert_array_equal(getattr(back, name), getattr(one, name))
    np.testing.assert_array_equal(back.scores["accuracy"], one.scores["accuracy"])


def test_a_curve_without_a_part_is_no_curve():
    plain = curve([2, 6], [0.5, 1.0]).to_dict()
    del plain["stopped"]
    with pytest.raises(KeyError):
        LearningCurve.from_dict(plain)


def test_the_score_in_hand():
    one = curve([2, 6], [0.5, 1.0])
    assert one.at(np.array([0, 1, 2, 5, 6, 1000]), "accuracy").tolist() == [0.1, 0.1, 0.5, 0.5, 1.0, 1.0]
    assert len(one) == 2


def test_as_a_table():
    frame = curve(
        [2, 6], [0.5, 1.0], notes=({"stop_kappa_1": 0.5}, {"stop_kappa_1": 0.75, "audit_ran": 1.0})
    ).to_frame()
    assert frame["labels"].tolist() == [2, 6]
    assert frame["accuracy"].tolist() == [0.5, 1.0]
    assert frame["loop"].tolist() == [0, 1]
    assert frame["stop_kappa_1"].tolist() == [0.5, 0.75]
    assert frame["audit_ran"].isna().tolist() == [True, False]
    assert "stop_kappa_1" not in curve([2, 6], [0.5, 1.0]).to_frame()


def test_a_band_is_the_mean_of_what_is_in_hand():
    found = band([curve([2, 6], [0.5, 1.0]), curve([4], [0.9], prior=0.3)], "accuracy", 10)
    assert found.counts.tolist() == [0, 2, 4, 6, 10]
    np.testing.assert_allclose(found.mean, [0.2, 0.4, 0.7, 0.95, 0.95])
    np.testing.assert_allclose(found.low, [0.12, 0.32, 0.54, 0.91, 0.91])
    assert found.blocks == 2
    assert band([curve([2, 16], [0.5, 1.0])], "accuracy", 10).counts.tolist() == [0, 2, 10]


def test_many_curves_at_once_are_the_frames_of_each_one_below_the_other() -> None:
    alike = [
        curve([2, 6], [0.5, 1.0]),
        replace(curve([2, 4, 6], [0.1, 0.5, 1.0]), notes=({}, {"audit_ran": 1.0}, {})),
    ]
    keys = {"recipe": ["a", "b"], "block": [3, 4]}
    frames = [
        one.to_frame().assign(recipe=name, block=block) for one, name, block in zip(alike, *keys.values(), strict=True)
    ]
    found = curves_frame(alike, keys)
    assert list(found.columns[:3]) == ["recipe", "block", "loop"]
    pd.testing.assert_frame_equal(found, pd.concat(frames, ignore_index=True)[list(found.columns)])
    assert curves_frame([]).empty
