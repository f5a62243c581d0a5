"""Areas and values of learning curves: numbers worked by hand, and properties that hold for every curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from altune.core.errors import ScenarioError
from altune.simulation.objectives import OBJECTIVES, Objective
from altune.simulation.scenario import Scenario
from tests.helpers.curves import curve, curves


def objective(name="aulc", end=10, **parts):
    return Objective(name, "accuracy", end=float(end), **parts)


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


def test_dense_area_by_hand():
    # models refitted at 2, 4 and 8 labels, whatever the loops were: lines from .1 to .3, .5 and .9, held for 2
    refitted = {"dense_labels": np.array([2, 4, 8]), "dense_scores": {"accuracy": np.array([0.3, 0.5, 0.9])}}
    expected = (2 * 0.2 + 2 * 0.4 + 4 * 0.7 + 2 * 0.9) / 10
    assert objective("aulc_dense")(curve([5], [1.0], **refitted)) == pytest.approx(expected)
    with pytest.raises(ScenarioError, match="simulate again"):
        objective("aulc_dense")(curve([5], [1.0]))


def test_log_area_by_hand():
    # over log2 n in [0, 5]: the prior to 2, .5 from 2 to 3, .9 from 3 to 5
    assert objective("aulc_log", end=32)(curve([4, 8], [0.5, 0.9])) == pytest.approx((2 * 0.1 + 0.5 + 2 * 0.9) / 5)


def test_the_score_of_the_active_learning_challenge_by_hand():
    # Guyon 2011: log2 labels 0, 2, 4 with the points .6, .8, .9, lines between them, horizontal to 6. The areas of the
    # curve, of random predictions and of perfect ones are 2 * .7 + 2 * .85 + 2 * .9 = 4.9, 6 * .5 and 6 * 1.
    score = objective("alc_normalized", end=64)
    assert score(curve([1, 4, 16], [0.6, 0.8, 0.9], prior=0.5)) == pytest.approx((4.9 - 3.0) / (6.0 - 3.0))
    # A first model of 4 labels: a line from the prior at 1 label leads to it.
    assert score(curve([4, 16], [0.8, 0.9], prior=0.5)) == pytest.approx((2 * 0.65 + 2 * 0.85 + 2 * 0.9 - 3.0) / 3.0)
    # A line that is cut at the budget: at 64 labels the line from .8 at 16 to 1 at 256 is at .9.
    assert score(curve([1, 16, 256], [0.8, 0.8, 1.0], prior=0.5)) == pytest.approx((4 * 0.8 + 2 * 0.85 - 3.0) / 3.0)
    assert score(curve([1, 16], [0.5, 0.5], prior=0.5)) == pytest.approx(0.0)
    assert score(curve([1, 16], [1.0, 1.0], prior=0.5)) == pytest.approx(1.0)


@given(curves(), curves(), st.floats(0, 1))
def test_the_challenge_score_is_linear_in_the_scores_of_a_curve(one, other, share):
    # Two curves with the label counts of the first one, and their mixture.
    first, second = one.scores["accuracy"], np.resize(other.scores["accuracy"], len(one))
    score, prior = objective("alc_normalized", end=100), min(one.prior["accuracy"], 0.9)
    values = [
        score(curve(one.labels.tolist(), scores, prior))
        for scores in (first, second, share * first + (1 - share) * second)
    ]
    assert values[2] == pytest.approx(share * values[0] + (1 - share) * values[1], abs=1e-9)


def test_a_metric_without_a_highest_value_is_not_normalised():
    with pytest.raises(ScenarioError, match="positive_likelihood_ratio has none; give aulc_log"):
        Scenario(budget=60, metric="positive_likelihood_ratio", objective="alc_normalized").make_objective()


def test_net_value_by_hand():
    worth = objective("net_value", value=200.0)
    assert worth(curve([2, 6], [0.5, 0.9], cost=[7.0, 31.5])) == pytest.approx(200 * 0.9 - 31.5)
    assert worth.rewards_early_stop
    assert not objective().rewards_early_stop


def test_areas_run_over_cost_too():
    money = Objective("aulc", "accuracy", over="cost", end=20.0)
    assert money(curve([2, 6], [0.5, 1.0], cost=[5.0, 15.0])) == pytest.approx((5 * 0.1 + 10 * 0.5 + 5 * 1.0) / 20)


def test_an_unknown_objective_is_refused_with_the_nearest():
    with pytest.raises(ScenarioError, match=r"unknown objective 'aulk'; did you mean 'aulc'"):
        Objective("aulk")
    assert all(OBJECTIVES.values())


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


@settings(max_examples=50)
@given(curves(end=60), st.integers(2, 80))
def test_areas_are_those_of_numpys_line_and_steps(one, end):
    """A line through the points, held after the last one, and steps, both on a grid that has every corner."""
    prior, scores = one.prior["accuracy"], one.scores["accuracy"]
    x, y = np.array([0.0, *one.labels]), np.array([prior, *scores])
    corners = np.unique([*x[x < end], float(end)])
    line = np.trapezoid(np.interp(corners, x, y), corners) / end
    assert objective("aulc_trapezoid", end=end)(one) == pytest.approx(line, abs=1e-12)
    steps = np.diff(corners) @ y[np.searchsorted(x, corners[:-1], side="right") - 1] / end
    assert objective(end=end)(one) == pytest.approx(steps, abs=1e-12)
    fine = np.linspace(0, np.log2(end), 40_001)
    at = 2 ** ((fine[1:] + fine[:-1]) / 2)
    log = y[np.searchsorted(x, at, side="right") - 1].mean()
    assert objective("aulc_log", end=end)(one) == pytest.approx(log, abs=1e-3)


@pytest.mark.parametrize("name", ["aulc", "aulc_trapezoid", "aulc_log"])
@settings(max_examples=25)
@given(one=curves(), factor=st.floats(-3, 3), shift=st.floats(-1, 1))
def test_areas_are_linear_in_the_scores(name, one, factor, shift):
    prior, scores = one.prior["accuracy"], one.scores["accuracy"]
    other = curve(one.labels.tolist(), factor * scores + shift, factor * prior + shift)
    value = objective(name, end=100)
    assert value(other) == pytest.approx(factor * value(one) + shift, abs=1e-9)
