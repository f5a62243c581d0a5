"""Loop sizes that are known in advance, by hand."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from altune.core.errors import FormatError
from altune.core.registry import parse_method
from altune.knobs.loop_size import LoopState
from altune.recipes.recipe import Recipe
from tests.helpers.loop_sizes import play, rows_of


def sizes(method, *, first, budget, loops, pool=10_000):
    """Return the sizes of all loops as the loop would ask for them."""
    rule = parse_method("loop_size", method)
    labelled, found = first, []
    for loop in range(1, (loops or 10_000) + 1):
        left = budget - labelled
        if left < 1:
            break
        state = LoopState(loop, None if loops is None else loops - loop + 1, left, labelled, pool, budget)
        found.append(min(left, rule.next_size(state)))
        labelled += found[-1]
    return found


def test_linear_by_hand():
    assert sizes({"method": "linear", "start": 5, "step": 2.5}, first=10, budget=999, loops=5) == [5, 8, 10, 12, 15]
    assert sizes({"method": "linear", "start": 7, "step": -3}, first=10, budget=999, loops=4) == [7, 4, 1, 1]


def test_linear_without_a_start_uses_up_budget_and_loops():
    assert sizes({"method": "linear", "step": 2}, first=10, budget=10 + 35, loops=5) == [3, 5, 7, 9, 11]
    assert sizes({"method": "linear", "step": -2}, first=10, budget=10 + 35, loops=5) == [11, 9, 7, 5, 3]


@given(step=st.floats(-5, 5), loops=st.integers(1, 20), rest=st.integers(200, 2000))
def test_linear_without_a_start_never_leaves_labels_over(step, loops, rest):
    assert sum(sizes({"method": "linear", "step": step}, first=10, budget=10 + rest, loops=loops)) == rest


def test_linear_grows_where_loops_are_free():
    found = sizes({"method": "linear", "step": 1}, first=10, budget=400, loops=None)
    assert sum(found) == 390
    assert len(found) <= 20
    assert found[-2] > found[0]


def test_a_share_is_one_of_the_rows_that_the_whole_budget_labels():
    assert sizes({"method": "constant", "share": 0.1}, first=10, budget=55, loops=9) == [6, 6, 6, 6, 6, 6, 6, 3]
    assert sizes({"method": "linear", "share": 0.1, "step": 2}, first=10, budget=50, loops=4) == [5, 7, 9, 11]
    assert sizes({"method": "geometric", "share": 0.05, "growth": 2}, first=10, budget=100, loops=4) == [5, 10, 20, 40]
    assert sizes({"method": "constant", "share": 0.001}, first=2, budget=5, loops=None) == [1, 1, 1]


def test_sizes_that_are_given_do_not_use_all_loops():
    free = ["constant", "linear", "geometric"]
    given = [{"method": "constant", "size": 3}, {"method": "linear", "start": 3}, {"method": "geometric", "share": 0.1}]
    assert all(parse_method("loop_size", name).uses_all_loops for name in free)
    assert not any(parse_method("loop_size", method).uses_all_loops for method in [*given, "fraction", "list"])


def test_a_list_is_taken_in_order_and_its_last_size_repeats():
    listed = {"method": "list", "sizes": [3, 1, 20]}
    assert sizes(listed, first=10, budget=100, loops=6) == [3, 1, 20, 20, 20, 20]
    recipe = Recipe(loop_size=listed)
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert recipe.to_dict()["loop_size"]["sizes"] == [3, 1, 20]


def test_a_published_protocol_of_sizes_is_played_as_listed(cancer):
    assert rows_of(play(*cancer, budget=60, loops=None, loop_size={"method": "list", "sizes": [5, 10, 15]})) == [
        5, 10, 15, 15, 5,
    ]  # fmt: skip


def test_constant():
    assert sizes({"method": "constant", "size": 30}, first=10, budget=100, loops=20) == [30, 30, 30]
    assert sizes({"method": "constant", "size": 3}, first=10, budget=100, loops=4) == [3, 3, 3, 3]


def test_by_default_the_rest_of_the_budget_in_equal_parts():
    assert sizes("constant", first=10, budget=210, loops=20) == [10] * 20
    assert sizes("constant", first=10, budget=21, loops=4) == [3, 3, 3, 2]
    assert sizes("constant", first=10, budget=13, loops=20) == [1, 1, 1]
    assert sizes("constant", first=10, budget=200, loops=None) == [10] * 19


@given(first=st.integers(1, 50), rest=st.integers(1, 500), loops=st.integers(1, 40))
def test_equal_parts_use_up_the_budget_and_differ_by_one_at_most(first, rest, loops):
    found = sizes("constant", first=first, budget=first + rest, loops=loops)
    assert sum(found) == rest
    assert max(found) - min(found) <= 1


def test_geometric_by_hand():
    growing = {"method": "geometric", "start": 5, "growth": 1.5}
    assert sizes(growing, first=10, budget=1000, loops=5) == [
        5,
        round(7.5),
        round(11.25),
        round(16.875),
        round(25.3125),
    ]
    shrinking = {"method": "geometric", "start": 16, "growth": 0.5}
    assert sizes(shrinking, first=10, budget=1000, loops=7) == [16, 8, 4, 2, 1, 1, 1]


def test_geometric_without_a_start_uses_up_budget_and_loops():
    assert sizes({"method": "geometric", "growth": 2.0}, first=10, budget=10 + 31, loops=5) == [1, 2, 4, 8, 16]
    assert sizes({"method": "geometric", "growth": 0.5}, first=10, budget=10 + 31, loops=5) == [16, 8, 4, 2, 1]


@given(growth=st.floats(0.5, 2.0), loops=st.integers(1, 20), rest=st.integers(200, 2000))
def test_geometric_without_a_start_never_leaves_labels_over(growth, loops, rest):
    found = sizes({"method": "geometric", "growth": growth}, first=10, budget=10 + rest, loops=loops)
    assert sum(found) == rest
    moves = [later - earlier for earlier, later in itertools.pairwise(found)]
    assert all(move >= -1 for move in moves) if growth >= 1 else all(move <= 1 for move in moves)


def test_geometric_grows_where_loops_are_free():
    found = sizes({"method": "geometric", "growth": 1.25}, first=10, budget=400, loops=None)
    assert sum(found) == 390
    assert len(found) <= 20
    assert found[-1] > 5 * found[0]


def test_fraction_by_hand():
    labelled = {"method": "fraction", "rho": 0.5}
    assert sizes(labelled, first=10, budget=100, loops=5) == [5, 8, 12, 18, 27]
    pool = {"method": "fraction", "of": "pool", "rho": 0.02}
    assert sizes(pool, first=10, budget=100, loops=5, pool=1000) == [20, 20, 20, 20, 10]


def test_a_fraction_that_is_whole_is_not_rounded_up_by_binary_dust():
    assert 0.07 * 100 > 7
    rule = parse_method("loop_size", {"method": "fraction", "of": "pool", "rho": 0.07})
    assert rule.next_size(LoopState(1, 5, 50, 10, 100, 60)) == 7
    assert rule.next_size(LoopState(1, 5, 50, 10, 101, 60)) == math.ceil(7.07)


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "constant", "size": 0},
        {"method": "geometric", "growth": 2.5},
        {"method": "fraction", "rho": 0.0},
        {"method": "constant", "sise": 3},
        {"method": "constant", "size": 2.5},
    ],
)
def test_sizes_outside_of_their_ranges_are_refused(wrong):
    with pytest.raises(FormatError):
        parse_method("loop_size", wrong)
