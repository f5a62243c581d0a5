"""Stopping rules by agreement of successive models: by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import cohen_kappa_score, f1_score
from sklearn.preprocessing import scale

from altune.core.streams import Streams
from altune.knobs.stopping.agreement import cohen_kappa, f_changes
from altune.knobs.stopping.performance import expected_f
from altune.loop.loop import ActiveLearningLoop
from altune.recipes.recipe import Recipe
from tests.helpers.stopping import agreement_view, fired, rule, view


@given(st.integers(2, 6), st.data())
def test_kappa_is_scikit_learns(n_classes, data):
    pairs = st.tuples(st.integers(0, n_classes - 1), st.integers(0, n_classes - 1))
    a, b = np.array(data.draw(st.lists(pairs, min_size=1, max_size=50))).T
    expected = cohen_kappa_score(a, b) if len(np.union1d(a, b)) > 1 else 1.0
    assert cohen_kappa(a, b, n_classes) == pytest.approx(expected, abs=1e-12)


A = [0, 0, 1, 1, 2, 2]
B = [0, 0, 1, 1, 2, 1]
C = [0, 0, 1, 1, 1, 1]


def noted(method, sequence):
    return [method.note(agreement_view(sequence[: end + 1][-5:])) for end in range(len(sequence))]


def test_kappa_with_each_of_the_models_before():
    method = rule("stabilizing_predictions")
    notes = noted(method, [A, B, C, C])
    assert notes[0] == {}
    assert notes[1] == {"stop_kappa_1": pytest.approx(cohen_kappa_score(A, B))}
    assert notes[2] == {
        "stop_kappa_1": pytest.approx(cohen_kappa_score(B, C)),
        "stop_kappa_2": pytest.approx(cohen_kappa_score(A, C)),
    }
    assert notes[3]["stop_kappa_1"] == 1.0


def test_the_mean_is_over_all_pairs_of_the_last_models():
    method = rule("stabilizing_predictions")
    notes = noted(method, [A, B, C, C])
    kappas = [cohen_kappa_score(*pair) for pair in ((A, B), (B, C), (A, C))]
    assert method.statistic(notes[:2]) is None
    assert method.statistic(notes[:3]) == pytest.approx(np.mean(kappas))
    last = [cohen_kappa_score(B, C), cohen_kappa_score(B, C), 1.0]
    assert method.statistic(notes) == pytest.approx(np.mean(last))


def test_or_over_successive_pairs():
    method = rule("stabilizing_predictions", average="successive", models=2)
    notes = noted(method, [A, B, C, C])
    assert method.statistic(notes[:2]) is None
    assert method.statistic(notes[:3]) == pytest.approx((cohen_kappa_score(A, B) + cohen_kappa_score(B, C)) / 2)
    assert method.statistic(notes) == pytest.approx((cohen_kappa_score(B, C) + 1) / 2)


def test_it_fires_when_the_models_agree_and_not_before():
    method = rule("stabilizing_predictions")
    notes = noted(method, [A, B, C, C, C, C])
    assert [method.fires(notes[:end]) for end in range(7)] == [False] * 5 + [True, True]
    patient = rule("stabilizing_predictions", patience=2)
    assert [patient.fires(notes[:end]) for end in range(7)] == [False] * 6 + [True]
    two = rule("stabilizing_predictions", models=2)
    assert [two.fires(noted(two, [A, B, C, C])[:end]) for end in range(5)] == [False] * 4 + [True]


def test_five_models_are_ten_pairs():
    method = rule("stabilizing_predictions", models=5)
    notes = noted(method, [A, C, C, C, C, C, C])
    assert method.statistic(notes[:4]) is None
    expected = (4 * cohen_kappa_score(A, C) + 6) / 10
    assert method.statistic(notes[:5]) == pytest.approx(expected)
    assert method.statistic(notes[:6]) == 1.0


@pytest.mark.parametrize("average", ["pairs", "successive"])
def test_a_full_trajectory_says_where_a_rule_would_have_stopped(average):
    X, y = load_breast_cancer(return_X_y=True)
    X = scale(X)

    def play(**parameters):
        loop = ActiveLearningLoop(
            Recipe(
                stopping={"method": "stabilizing_predictions", "average": average, **parameters},
                loop_size={"method": "constant", "size": 4},
            ),
            X,
            2,
            budget=100,
            loops=None,
            streams=Streams(2, "cancer", "search", 0),
        )
        while not loop.done:
            loop.tell(y[loop.ask().rows])
        return loop

    whole = play(threshold=1.0, patience=10)
    notes = [turn.notes for turn in whole.records]
    assert whole.stopped == "budget"
    for threshold in (0.9, 0.95, 0.98):
        strict = rule("stabilizing_predictions", average=average, threshold=threshold)
        fires = [strict.fires(notes[:end]) for end in range(1, len(notes) + 1)]
        live = play(threshold=threshold)
        assert live.stopped == "stabilizing_predictions"
        assert len(live.records) == fires.index(True) + 1


def test_classification_change_is_the_share_that_changed():
    method = rule("classification_change", threshold=0.25)
    sequence = [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0], [0, 1, 0, 0]]
    notes = [method.note(view(sequence[: end + 1])) for end in range(4)]
    assert notes == [{}, {"stop_changed": 0.5}, {"stop_changed": 0.25}, {"stop_changed": 0.0}]
    assert fired(method, notes) == [False, False, True, True]
    assert fired(rule("classification_change"), notes) == [False, False, False, True]


def test_delta_f_is_one_minus_the_f_measure_between_two_models():
    rng = np.random.default_rng(0)
    a, b = rng.integers(4, size=(2, 200))
    expected = [1 - f1_score(a == code, b == code) for code in range(4)]
    assert f_changes(a, b, 5)[:4] == pytest.approx(expected)
    assert np.isnan(f_changes(a, b, 5)[4])
    macro = rule("delta_f").note(view([a, b], n_classes=5))
    assert macro == {"stop_delta_f": pytest.approx(np.mean(expected))}
    a, b = a % 2, b % 2
    positive = rule("delta_f", average="positive").note(view([a, b]))
    assert positive == {"stop_delta_f_positive": pytest.approx(1 - f1_score(a, b))}


def test_delta_f_waits_for_three_loops():
    notes = [{"stop_delta_f": value} for value in (0.2, 0.04, 0.03, 0.02, 0.06)]
    assert fired(rule("delta_f"), notes) == [False, False, False, True, False]


def test_the_expected_f_of_certain_scores_is_one_and_of_doubtful_ones_what_chance_gives():
    certain = np.eye(3)[[0, 1, 2, 2]]
    assert expected_f(certain) == 1.0
    p = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7]])
    # class 0: hits 1.4 of 2 named and 1.7 expected; class 1: 0.7 of 1 and 1.3
    assert expected_f(p) == pytest.approx((2 * 1.4 / 3.7 + 2 * 0.7 / 2.3) / 2)
    # what chance gives when labels are drawn by the scores
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], size=4000)
    drawn = (rng.random(4000)[:, None] > np.cumsum(p, axis=1)).sum(axis=1)
    assert expected_f(p) == pytest.approx(f1_score(drawn, p.argmax(axis=1), average="macro"), abs=0.02)
