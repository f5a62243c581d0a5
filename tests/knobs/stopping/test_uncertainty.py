"""Stopping rules by uncertainty, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.helpers.stopping import fired, rule, view


def test_overall_uncertainty_is_the_mean_entropy_plain_or_normalised():
    scores = [[0.5, 0.5], [1.0, 0.0]]
    assert rule("overall_uncertainty").note(view(scores=scores)) == {"stop_entropy": pytest.approx(np.log(2) / 2)}
    normalised = rule("overall_uncertainty", normalised=True)
    noted = normalised.note(view(scores=scores))
    assert noted == {"stop_entropy_normalised": pytest.approx(0.5)}
    assert not normalised.fires([noted])
    assert rule("overall_uncertainty", normalised=True, threshold=0.51).fires([noted])
    assert rule("overall_uncertainty").fires([{"stop_entropy": 0.009}])
    assert not rule("overall_uncertainty").fires([{"stop_entropy": 0.011}])
    assert normalised.fires([{"stop_entropy_normalised": 0.049}])


def test_max_confidence_looks_at_the_worst_row_just_bought_or_still_in_the_pool():
    scores = np.array([[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]])
    tenth = -(0.9 * np.log(0.9) + 0.1 * np.log(0.1))
    seen = view(scores=scores, unlabelled=[False, True, True], new_scores=scores[1:])
    assert rule("max_confidence").note(seen) == {"stop_selected_entropy": pytest.approx(tenth)}
    assert rule("max_confidence", of="pool").note(seen) == {"stop_pool_entropy": pytest.approx(tenth)}
    assert rule("max_confidence").note(view(scores=scores)) == {}  # loop 0: no model chose its rows
    assert fired(rule("max_confidence"), [{}, {"stop_selected_entropy": 0.002}, {"stop_selected_entropy": 0.001}]) == [
        False,
        False,
        True,
    ]
    assert rule("max_confidence", of="pool").fires([{"stop_pool_entropy": 0.01}])


def test_min_expected_error_is_the_mean_doubt():
    noted = rule("min_expected_error").note(view(scores=[[0.9, 0.1], [0.3, 0.7]]))
    assert noted == {"stop_expected_error": pytest.approx(0.2)}
    assert rule("min_expected_error", threshold=0.2001).fires([noted])
    assert not rule("min_expected_error").fires([noted])


def test_contradictory_information_counts_drops_in_a_row():
    method = rule("contradictory_information")
    notes = [{"stop_confidence": value} for value in (0.5, 0.9, 0.8, 0.7, 0.75, 0.7, 0.6, 0.5)]
    assert [method.statistic(notes[:end]) for end in range(1, 9)] == [0, 0, 1, 2, 0, 1, 2, 3]
    assert fired(method, notes) == [False] * 7 + [True]
    assert fired(rule("contradictory_information", drops=2), notes)[3]
    assert not any(fired(rule("contradictory_information", drops=1, by=0.3), notes))
    scores = np.array([[0.5, 0.5], [1.0, 0.0]])
    assert method.note(view(scores=scores)) == {"stop_confidence": 0.75}
    variance = rule("contradictory_information", of="variance")
    assert variance.note(view(scores=scores)) == {"stop_variance": pytest.approx((np.log(2) / 2) ** 2)}
    selected = rule("contradictory_information", of="selected_variance")
    assert selected.note(view(scores=scores, new_scores=scores[:1])) == {"stop_selected_variance": 0.0}
    falling = [{"stop_variance": value} for value in (0.3, 0.2, 0.1)]
    assert fired(variance, falling) == [False, False, True]
