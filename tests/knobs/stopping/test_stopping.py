"""Stopping rules by hand, against other libraries, and by replay of a full trajectory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score
from sklearn.preprocessing import scale

from altune.core.registry import parse_method
from altune.core.streams import Streams
from altune.knobs.stopping import StopView, balanced_hits, cohen_kappa, last_all
from altune.loop.loop import ActiveLearningLoop
from altune.numerics.statistics import bootstrap_low, wilson_low
from altune.recipes.recipe import Recipe


def rule(name, **parameters):
    return parse_method("stopping", {"method": name, **parameters})


def view(predictions=(), labels=(), said=(), n_classes=3, seed=0):
    arrays = tuple(np.asarray(one, dtype=np.intp) for one in predictions)
    held = np.asarray(labels, dtype=np.intp), np.asarray(said, dtype=np.intp)
    return StopView(arrays, *held, 10, n_classes, np.random.default_rng(seed))


@given(st.integers(2, 6), st.data())
def test_kappa_is_scikit_learns(n_classes, data):
    pairs = st.tuples(st.integers(0, n_classes - 1), st.integers(0, n_classes - 1))
    a, b = np.array(data.draw(st.lists(pairs, min_size=1, max_size=50))).T
    expected = cohen_kappa_score(a, b) if len(np.union1d(a, b)) > 1 else 1.0
    assert cohen_kappa(a, b, n_classes) == pytest.approx(expected, abs=1e-12)


@given(st.integers(1, 200), st.data(), st.sampled_from([0.8, 0.9, 0.95, 0.975]))
def test_the_lower_bound_of_accuracy_is_wilsons(trials, data, confidence):
    hits = data.draw(st.integers(0, trials))
    expected = binomtest(hits, trials).proportion_ci(2 * confidence - 1, method="wilson").low
    assert wilson_low(hits, trials, confidence) == pytest.approx(expected, abs=1e-12)


@pytest.mark.filterwarnings("ignore")  # scikit-learn's, of classes that are absent
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_balanced_hits_average_to_balanced_accuracy(pairs):
    labels, said = np.array(pairs).T
    expected = balanced_accuracy_score(labels, said)
    assert balanced_hits(labels == said, labels).mean() == pytest.approx(expected)


# budget ---------------------------------------------------------------------------------------------


def test_budget_never_fires():
    assert rule("budget").note(view()) == {}
    assert not rule("budget").fires([{}] * 100)


# target ---------------------------------------------------------------------------------------------


def test_target_notes_the_bound_of_the_held_out_accuracy():
    labels, said = np.arange(20) % 3, np.arange(20) % 3
    said[:2] = (said[:2] + 1) % 3
    noted = rule("target", confidence=0.95).note(view(labels=labels, said=said))
    assert noted == {"stop_lower_bound": wilson_low(18, 20, 0.95)}


def test_target_of_balanced_accuracy_is_the_bootstraps_and_below_the_score():
    labels = np.array([0] * 27 + [1] * 3)
    said = np.zeros(30, dtype=int)
    noted = rule("target", metric="balanced_accuracy").note(view(labels=labels, said=said, n_classes=2, seed=4))
    expected = bootstrap_low(balanced_hits(labels == said, labels), 0.9, np.random.default_rng(4))
    assert noted["stop_lower_bound"] == expected
    assert expected <= 0.5
    accuracy = rule("target").note(view(labels=labels, said=said, n_classes=2))["stop_lower_bound"]
    assert accuracy > 0.75  # which accuracy would not have seen


def test_target_without_held_out_labels_reaches_nothing():
    assert rule("target").note(view()) == {"stop_lower_bound": 0.0}


def test_target_waits_for_as_many_loops_as_it_is_patient():
    notes = [{"stop_lower_bound": low} for low in (0.95, 0.8, 0.9, 0.91)]
    assert [rule("target", score=0.9).fires(notes[:end]) for end in range(5)] == [False, True, False, True, True]
    patient = rule("target", score=0.9, patience=2)
    assert [patient.fires(notes[:end]) for end in range(5)] == [False, False, False, False, True]
    assert rule("target", holdout=17).held_out_rows == 17


def test_last_all_wants_the_key_in_each_of_the_last_notes():
    assert last_all([{"a": 1.0}, {}, {"a": 1.0}], "a", 1, lambda value: value > 0)
    assert not last_all([{"a": 1.0}, {}, {"a": 1.0}], "a", 2, lambda value: value > 0)
    assert not last_all([], "a", 1, lambda value: True)


# stabilizing predictions ----------------------------------------------------------------------------

A = [0, 0, 1, 1, 2, 2]
B = [0, 0, 1, 1, 2, 1]
C = [0, 0, 1, 1, 1, 1]


def noted(method, sequence):
    return [method.note(view(sequence[: end + 1][-5:])) for end in range(len(sequence))]


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
    assert method.mean_kappa(notes[:2]) is None
    assert method.mean_kappa(notes[:3]) == pytest.approx(np.mean(kappas))
    last = [cohen_kappa_score(B, C), cohen_kappa_score(B, C), 1.0]
    assert method.mean_kappa(notes) == pytest.approx(np.mean(last))


def test_or_over_successive_pairs():
    method = rule("stabilizing_predictions", average="successive", models=2)
    notes = noted(method, [A, B, C, C])
    assert method.mean_kappa(notes[:2]) is None
    assert method.mean_kappa(notes[:3]) == pytest.approx((cohen_kappa_score(A, B) + cohen_kappa_score(B, C)) / 2)
    assert method.mean_kappa(notes) == pytest.approx((cohen_kappa_score(B, C) + 1) / 2)


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
    assert method.mean_kappa(notes[:4]) is None
    expected = (4 * cohen_kappa_score(A, C) + 6) / 10
    assert method.mean_kappa(notes[:5]) == pytest.approx(expected)
    assert method.mean_kappa(notes[:6]) == 1.0


# replay ---------------------------------------------------------------------------------------------


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
