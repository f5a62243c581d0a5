"""One trial is picked of several objectives by a rule, and the front holds what nothing betters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from altune.core.errors import RequestError
from altune.tuning.preference import Preference, pareto_front

NAMES = ("aulc", "labels")
DIRECTIONS = ("maximize", "minimize")
VALUES = np.array([[0.90, 200], [0.895, 120], [0.893, 150], [0.80, 20]])


def order(text):
    return Preference.parse(text, NAMES).order(VALUES, NAMES, DIRECTIONS)


def test_a_rule_decides_clause_by_clause():
    assert order("score within 0.01, then fewest labels")[0] == 1
    assert order("score") == [0, 1, 2, 3]
    assert order("fewest labels")[0] == 3
    assert order("aulc within 0.2, fewest labels")[0] == 3
    assert order("aulc within 0.02")[0] == 0


def test_the_next_best_follow_when_the_pick_is_taken_out():
    assert order("score within 0.01, then fewest labels") == [1, 2, 0, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accuracy within 0.1", "no objective of the study"),
        ("score about 0.1", "not understood"),
        ("most labels", "worse end of labels"),
        ("", "not understood"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(text, said):
    with pytest.raises(RequestError, match=said):
        Preference.parse(text, NAMES)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_the_front_is_what_nothing_betters(points):
    values = np.array(points, dtype=float)
    front = pareto_front(values, DIRECTIONS)

    def betters(a, b):
        return a[0] >= b[0] and a[1] <= b[1] and tuple(a) != tuple(b)

    expected = [place for place, one in enumerate(points) if not any(betters(other, one) for other in points)]
    assert front == expected


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=8))
def test_a_pick_without_distances_lies_on_the_front(points):
    values = np.array(points, dtype=float)
    pick = Preference.usual(NAMES).order(values, NAMES, DIRECTIONS)[0]
    assert pick in pareto_front(values, DIRECTIONS)
