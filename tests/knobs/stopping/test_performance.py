"""Stopping rules by performance: by hand and against other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score

from altune.knobs.stopping.performance import balanced_hits
from altune.numerics.statistics import bootstrap_low, wilson_low
from tests.helpers.stopping import agreement_view, fired, rule, view


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


def test_target_notes_the_bound_of_the_held_out_accuracy():
    labels, said = np.arange(20) % 3, np.arange(20) % 3
    said[:2] = (said[:2] + 1) % 3
    noted = rule("target", confidence=0.95).note(agreement_view(labels=labels, said=said))
    assert noted == {"stop_lower_bound": wilson_low(18, 20, 0.95)}


def test_target_of_balanced_accuracy_is_the_bootstraps_and_below_the_score():
    labels = np.array([0] * 27 + [1] * 3)
    said = np.zeros(30, dtype=int)
    noted = rule("target", metric="balanced_accuracy").note(
        agreement_view(labels=labels, said=said, n_classes=2, seed=4)
    )
    expected = bootstrap_low(balanced_hits(labels == said, labels), 0.9, np.random.default_rng(4))
    assert noted["stop_lower_bound"] == expected
    assert expected <= 0.5
    accuracy = rule("target").note(agreement_view(labels=labels, said=said, n_classes=2))["stop_lower_bound"]
    assert accuracy > 0.75  # which accuracy would not have seen


def test_target_without_held_out_labels_reaches_nothing():
    assert rule("target").note(agreement_view()) == {"stop_lower_bound": 0.0}


def test_target_waits_for_as_many_loops_as_it_is_patient():
    notes = [{"stop_lower_bound": low} for low in (0.95, 0.8, 0.9, 0.91)]
    assert [rule("target", score=0.9).fires(notes[:end]) for end in range(5)] == [False, True, False, True, True]
    patient = rule("target", score=0.9, patience=2)
    assert [patient.fires(notes[:end]) for end in range(5)] == [False, False, False, False, True]
    assert rule("target", holdout=17).held_out_rows == 17


def test_oracle_accuracy_is_how_often_the_chooser_was_right():
    method = rule("oracle_accuracy", threshold=0.75)
    noted = method.note(view(new_predictions=[0, 1, 1, 0], new_labels=[0, 1, 1, 1]))
    assert noted == {"stop_oracle_accuracy": 0.75}
    assert method.fires([noted])
    assert not rule("oracle_accuracy").fires([noted])
    assert method.note(view()) == {}


def test_convergence_is_a_small_slope_at_a_new_maximum():
    key = "stop_expected_f"
    method = rule("performance_convergence", window=3, threshold=0.01)
    values = [0.2, 0.5, 0.8, 0.81, 0.815, 0.818, 0.7, 0.819]
    notes = [{key: value} for value in values]
    # windows of three, a loop apart: the slope is a third of what entered less what left
    slopes = [(values[end] - values[end - 3]) / 3 for end in range(3, 8)]
    found = [method.statistic(notes[:end]) for end in range(1, 9)]
    assert found[:3] == [None] * 3
    assert found[3:] == pytest.approx(slopes)
    assert fired(method, notes) == [False] * 5 + [True, False, True]
    lower = [*notes[:6], {key: 0.8175}]  # a small positive slope, and no new maximum
    assert 0 < method.statistic(lower) < 0.01
    assert not method.fires(lower)


def test_uncertainty_convergence_takes_the_least_margin_of_the_chosen_and_medians():
    method = rule("uncertainty_convergence", window=3, threshold=0.06)
    assert method.note(view(new_scores=[[0.7, 0.3], [0.45, 0.55]])) == {"stop_selected_margin": pytest.approx(0.1)}
    notes = [{"stop_selected_margin": value} for value in (0.1, 0.2, 0.9, 0.25, 0.95)]
    assert method.statistic(notes[:4]) == pytest.approx(0.25 - 0.2)
    assert fired(method, notes) == [False] * 5  # the fourth is no maximum, the fifth moves the median too far
    assert rule("uncertainty_convergence", window=3, threshold=0.1).fires(
        [*notes[:2], {"stop_selected_margin": 0.21}, {"stop_selected_margin": 0.25}]
    )
