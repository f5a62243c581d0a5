"""Every objective by hand, the sums over blocks, and the bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altune.core.errors import FormatError, ScenarioError
from altune.simulation.curve import LearningCurve
from altune.simulation.objectives import KINDS, Constraint, Objective, Risk, perfect
from altune.simulation.scenario import Scenario


def curve(labels, scores, prior=0.1, cost=None, seconds=1.0):
    points = len(labels)
    return LearningCurve(
        labels=np.array(labels),
        used=np.array(labels),
        cost=np.array(labels if cost is None else cost, dtype=float),
        scores={"accuracy": np.array(scores, dtype=float)},
        prior={"accuracy": prior},
        loop_rows=np.diff([0, *labels]),
        fit_seconds=np.full(points, seconds),
        query_seconds=np.full(points, seconds),
        evaluation_seconds=np.zeros(points),
        notes=({},) * points,
        rows=np.arange(labels[-1]),
        stopped="budget",
    )


def objective(name, end=10.0, **more):
    return Objective(name, "accuracy", "labels", end, **more)


OWN = curve([2, 4, 8], [0.5, 0.8, 0.9])
RANDOM = curve([2, 5, 10], [0.4, 0.6, 0.8])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # over log2 n in [0, log2 10]: lines from .1 to .5, .8 and .9 at 1, 2 and 3, held; the prior 0, 1 the best
        ("alc_normalized", ((0.3 + 0.65 + 0.85 + np.log2(10 / 8) * 0.9) / np.log2(10) - 0.1) / 0.9),
        # trapezoid([.8, .9]) / 2
        ("aubc_lu", 0.85 / 2),
        # (.8 - own area) / (.8 - random's): (2·.1 + 2·.5 + 4·.8 + 2·.9)/10 and (2·.1 + 3·.4 + 5·.6)/10
        ("deficiency", (0.8 - 0.62) / (0.8 - 0.44)),
        ("labels_to_target", 4.0),
        ("data_utilization", 4 / 10),
        ("final_score", 0.9),
        ("last_k_slope", 100 * np.polyfit([2, 4, 8], [0.5, 0.8, 0.9], 1)[0]),
        ("labels", 8.0),
        ("cost", 8.0),
        ("loops", 2.0),
        ("seconds", 6.0),
    ],
)
def test_by_hand(name, expected):
    assert objective(name)(OWN, RANDOM) == pytest.approx(expected)


def test_every_objective_gives_a_finite_number_for_the_shortest_curve():
    one = curve([1], [0.1])
    for name in KINDS.keys() - {"aulc_dense"}:
        assert np.isfinite(objective(name)(one, one)), name


def test_a_target_takes_the_place_of_the_final_score_of_random_sampling():
    assert objective("labels_to_target", target=0.5)(OWN) == 2
    assert objective("labels_to_target", target=0.95)(OWN) == 10
    with pytest.raises(ScenarioError, match="needs the learning curve of random sampling"):
        objective("labels_to_target")(OWN)


def test_random_sampling_is_1_against_itself():
    assert objective("deficiency")(RANDOM, RANDOM) == pytest.approx(1)
    assert objective("data_utilization")(RANDOM, RANDOM) == pytest.approx(1)
    flat = curve([1], [0.1])
    assert objective("deficiency")(flat, flat) == 1


def test_net_value_pays_for_computing():
    assert objective("net_value", value=100.0, price_per_hour=3600.0)(OWN) == pytest.approx(90 - 8 - 6)


def test_a_dense_area_wants_what_was_not_recorded():
    with pytest.raises(ScenarioError, match="simulate again"):
        objective("aulc_dense")(OWN)


# several blocks -------------------------------------------------------------------------------------


def test_risk_by_hand():
    values = [0.5, 0.6, 0.7, 0.8]
    assert Risk.parse("mean")(values, "maximize") == pytest.approx(0.65)
    assert Risk.parse("cvar:0.25")(values, "maximize") == pytest.approx(0.5)
    assert Risk.parse("cvar:0.25")(values, "minimize") == pytest.approx(0.8)
    assert Risk.parse("cvar:0.375")(values, "maximize") == pytest.approx((0.5 + 0.5 * 0.6) / 1.5)
    assert Risk.parse("quantile:0.5")(values, "maximize") == pytest.approx(0.65)
    assert Risk.parse("quantile:0.1")(values, "minimize") == pytest.approx(np.quantile(values, 0.9))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0.01, 0.99))
def test_the_worst_share_is_never_better_than_the_mean(values, share):
    assert Risk("cvar", share)(values, "maximize") <= np.mean(values) + 1e-9
    assert Risk("cvar", share)(values, "minimize") >= np.mean(values) - 1e-9


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12), st.floats(0.01, 0.99), st.randoms())
def test_the_conditional_value_at_risk_is_the_bound_of_rockafellar_and_uryasev(values, share, chance):
    """max over t of t − E[(t − X)₊]/α, which is concave and piecewise linear with its corners at the values (2000)."""
    x = np.array(values)
    bound = max(t - np.maximum(t - x, 0).mean() / share for t in x)
    assert Risk("cvar", share)(values, "maximize") == pytest.approx(bound, abs=1e-9)
    assert Risk("cvar", share)(-x, "minimize") == pytest.approx(-bound, abs=1e-9)
    mixed = chance.sample(values, len(values))
    for risk in (Risk(), Risk("cvar", share), Risk("quantile", share)):
        assert risk(mixed, "maximize") == pytest.approx(risk(values, "maximize"), abs=1e-9)
        assert risk(3 * x - 1, "maximize") == pytest.approx(3 * risk(values, "maximize") - 1, abs=1e-8)


@pytest.mark.parametrize("text", ["median", "cvar:2", "quantile:x", "mean:0.1"])
def test_an_unknown_risk_is_refused(text):
    with pytest.raises(ScenarioError, match="unknown risk"):
        Risk.parse(text)


# bounds and scenarios -------------------------------------------------------------------------------


def test_bounds_are_read_and_broken():
    assert Constraint.parse("labels<=300").violation(310) == 10
    assert Constraint.parse("final_score >= 0.9").violation(0.95) == pytest.approx(-0.05)
    for text, said in [
        ("labels < 3", "is not a constraint"),
        ("label <= 3", "did you mean"),
        ("labels <= x", "is not a constraint"),
    ]:
        with pytest.raises(ScenarioError, match=said):
            Constraint.parse(text)


def test_a_scenario_may_name_several_objectives():
    scenario = Scenario(budget=20, objective=("aulc", "labels"), risk="cvar:0.2", constraints=["labels<=15"])
    assert [one.name for one in scenario.make_objectives()] == ["aulc", "labels"]
    assert [one.direction for one in scenario.make_objectives()] == ["maximize", "minimize"]
    assert scenario.make_objective().risk == Risk("cvar", 0.2)
    assert scenario.constraints == ("labels <= 15",)
    assert Scenario.from_dict(scenario.to_dict()) == scenario


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"objective": "labels"}, "is best without any label"),
        ({"objective": ("aulc", "aulc")}, "several different ones"),
        ({"objective": ("aulc", "net_value")}, "needs `value`"),
        ({"risk": "worst"}, "unknown risk"),
        ({"constraints": ("seconds < 5",)}, "is not a constraint"),
    ],
)
def test_a_scenario_refuses_what_means_nothing(fields, said):
    with pytest.raises(FormatError, match=said):
        Scenario.from_dict({"budget": 20, **fields})


def test_what_scores_afterwards_is_no_part_of_what_is_played():
    plain = Scenario(budget=20)
    for fields in (
        {"objective": "final_score"},
        {"risk": "cvar:0.1"},
        {"constraints": ("labels <= 3",)},
        {"value": 3.0},
    ):
        assert Scenario(budget=20, **fields).played_digest() == plain.played_digest()
    for fields in ({"objective": "aulc_dense"}, {"price_per_label": 2.0}, {"metric": "f1_macro"}):
        assert Scenario(budget=20, **fields).played_digest() != plain.played_digest()


def test_a_perfect_model_scores_1_or_loses_nothing():
    assert perfect("balanced_accuracy") == 1
    assert perfect("neg_log_loss") == 0
