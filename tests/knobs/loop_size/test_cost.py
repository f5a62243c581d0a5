"""Loop sizes that are listed, that grow by steps, and that follow utilities, agreement or prices."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.preprocessing import scale

from altune.core.errors import FormatError, RequestError
from altune.core.registry import parse_method
from altune.core.streams import Streams
from altune.knobs.loop_size import Judged, LoopState
from altune.knobs.loop_size.agreement import stepped
from altune.knobs.loop_size.cost import (
    PowerLaw,
    cheapest_size,
    economic_size,
    error_line,
    power_law,
    stale_error,
)
from altune.knobs.stopping import cohen_kappa
from altune.loop.loop import ActiveLearningLoop
from altune.recipes.recipe import Capabilities, Recipe
from altune.simulation.environment import make_environment
from altune.simulation.scenario import Annotator, Scenario

STREAMS = Streams(0, "dynamic", "search", 0)


def state(**changes):
    return LoopState(**{"loop": 3, "loops_left": 10, "rows_left": 200, "rows_labelled": 60, "pool_rows": 500,
                        "budget_rows": 260, **changes})  # fmt: skip


def size_of(method, **changes):
    return parse_method("loop_size", method).next_size(state(**changes))


def sizes(method, *, first, budget, loops):
    """Return the sizes of all loops as the loop would ask for them."""
    rule, labelled, found = parse_method("loop_size", method), first, []
    for loop in range(1, (loops or 10_000) + 1):
        left = budget - labelled
        if left < 1:
            break
        found.append(
            min(left, rule.next_size(LoopState(loop, loops and loops - loop + 1, left, labelled, 9999, budget)))
        )
        labelled += found[-1]
    return found


def utilities(values):
    return {"utilities": lambda of: np.asarray(values, dtype=float)}


def play(X, y, budget=80, loops=8, **fields):
    """Return the loop at its end; ``fields`` are knobs, and prices."""
    prices = {name: fields.pop(name) for name in list(fields) if name.startswith("price")}
    recipe = Recipe(**{"initial_sample": {"method": "random", "size": 10}, **fields})
    n_classes = int(y.max()) + 1
    loop = ActiveLearningLoop(recipe, X, n_classes, budget=budget, loops=loops, streams=STREAMS, **prices)
    while not loop.done:
        loop.tell(y[loop.ask().rows])
    return loop


def rows_of(loop):
    return [turn.loop_rows for turn in loop.records[1:]]


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:600] / 16, y[:600]


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


# linear, list ---------------------------------------------------------------------------------------


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


# bounds ---------------------------------------------------------------------------------------------


def test_the_bounds_hold_and_follow_the_equal_parts_where_none_are_given():
    many, none = utilities(np.ones(300)), utilities(np.zeros(300))
    rule = {"method": "threshold", "tau": 0.5}
    assert (size_of(rule, **many), size_of(rule, **none)) == (80, 5)  # an equal part is 20
    assert (size_of({**rule, "high": 33}, **many), size_of({**rule, "low": 9}, **none)) == (33, 9)
    assert size_of({**rule, "low": 90}, **many) == 90
    assert size_of({**rule, "high": 3}, **none) == 3


def test_bounds_that_exclude_each_other_are_refused_before_anything_is_played():
    recipe = Recipe(loop_size={"method": "threshold", "low": 9, "high": 8})
    assert "9 is above 8" in recipe.problems(Capabilities())[0]
    assert Recipe(loop_size={"method": "threshold", "low": 8, "high": 8}).problems(Capabilities()) == []


# threshold, diminishing -----------------------------------------------------------------------------


def test_threshold_takes_all_rows_of_enough_utility():
    values = [0.1, 0.5, 0.4999, 0.7, 0.5] * 4
    assert size_of({"method": "threshold", "tau": 0.5}, **utilities(values)) == 12
    assert size_of({"method": "threshold", "tau": -0.5, "of": "strategy"}, **utilities([-0.2, -0.5, -0.9] * 5)) == 10


def test_diminishing_stops_where_the_next_row_is_worth_too_little():
    values = [1.0] * 6 + [0.8] * 3 + [0.79] * 9
    rule = {"method": "diminishing", "eta": 0.8}
    assert size_of(rule, **utilities(values)) == 9
    assert size_of({**rule, "eta": 1.0}, **utilities(values)) == 6
    assert size_of({**rule, "eta": 0.0}, **utilities(values)) == 18
    # margins count from the worst of them: −1 is worth nothing, 0 the most
    margins = np.array(values) - 1.0
    assert size_of(rule, **utilities([*margins, -1.0])) == 9


def test_both_follow_what_the_model_in_hand_says(digits):
    X, y = digits
    for method, of in (("threshold", "uncertainty"), ("diminishing", "strategy")):
        loop = ActiveLearningLoop(
            Recipe(
                initial_sample={"method": "random", "size": 30},
                loop_size={"method": method, "of": of, "low": 1, "high": 500},
                query_strategy={"method": "margin"},
            ),
            X, 10, budget=500, loops=20, streams=STREAMS,
        )  # fmt: skip
        loop.tell(y[loop.ask().rows])
        known = loop.pool.known()
        if of == "uncertainty":
            expected = int((known.least_confidence >= 0.3).sum())
        else:
            least_sure, surest = known.margin.min(), known.margin.max()
            expected = int((surest - known.margin >= 0.8 * (surest - least_sure)).sum())
        assert len(loop.ask()) == min(500 - 30, expected) > 1


def test_a_strategy_without_scores_of_rows_is_sized_by_uncertainty(digits):
    X, y = digits
    asked = []
    for strategy in ("kcenter", "typiclust"):
        loop = ActiveLearningLoop(
            Recipe(
                initial_sample={"method": "random", "size": 40},
                loop_size={"method": "threshold", "of": "strategy", "tau": 0.5, "low": 1, "high": 400},
                query_strategy=strategy,
            ),
            X, 10, budget=500, loops=20, streams=STREAMS,
        )  # fmt: skip
        loop.tell(y[loop.ask().rows])
        asked.append(len(loop.ask()))
        assert asked[-1] == int((loop.pool.known().least_confidence >= 0.5).sum())
    assert asked[0] == asked[1]


def test_scores_that_are_drawn_are_those_that_the_selection_ranks(cancer):
    loop = play(*cancer, budget=11, loops=1)
    loop.stopped, loop.loops, loop.pool.budget = None, 5, 60
    drawn = Recipe(
        query_strategy="random", loop_size={"method": "threshold", "of": "strategy", "tau": 0.95, "high": 99}
    )
    loop.recipe = drawn
    scores = loop._utilities("strategy")
    rows = loop.ask().rows
    assert set(rows) == set(loop.pool.candidates[scores >= 0.95])


def test_a_fixed_size_asks_for_no_utilities(cancer, monkeypatch):
    def forbidden(*_):
        raise AssertionError("computed although nobody asked")

    monkeypatch.setattr(ActiveLearningLoop, "_utilities", forbidden)
    monkeypatch.setattr(ActiveLearningLoop, "_agreement", forbidden)
    loop = play(*cancer, budget=40, loops=4)
    assert not loop._watch.predictions
    assert loop._errors == ()


# agreement ------------------------------------------------------------------------------------------


def agreeing(kappa, **changes):
    return {"agreement": lambda: kappa, **changes}


def test_agreement_steps_up_and_down():
    rule = {"method": "agreement", "kappa": 0.9, "growth": 1.5, "low": 2, "high": 30}
    assert size_of(rule, **agreeing(0.9, last_rows=10)) == 15
    assert size_of(rule, **agreeing(0.8999, last_rows=10)) == 7
    assert size_of(rule, **agreeing(1.0, last_rows=25)) == 30
    assert size_of(rule, **agreeing(0.0, last_rows=2)) == 2


def test_agreement_begins_with_its_start_or_an_equal_part():
    assert size_of({"method": "agreement"}, **agreeing(None)) == 20
    assert size_of({"method": "agreement", "start": 12}, **agreeing(None, last_rows=50)) == 12


@given(size=st.integers(1, 1000), factor=st.floats(1.01, 4.0))
def test_a_step_always_moves(size, factor):
    assert stepped(size, factor, True) > size
    assert stepped(size, factor, False) < size


def test_agreement_is_kappa_of_the_last_two_models_on_the_stop_set(cancer):
    X, y = cancer
    recipe = Recipe(
        initial_sample={"method": "random", "size": 10},
        loop_size={"method": "agreement", "start": 10, "low": 1, "high": 99},
    )
    loop = ActiveLearningLoop(recipe, X, 2, budget=200, loops=9, streams=STREAMS)
    models = []
    while not loop.done:
        loop.tell(y[loop.ask().rows])
        models.append(loop.model)
    found = rows_of(loop)
    stop_set = np.arange(len(y))  # the pool has fewer than 1000 rows: all are watched
    assert len(found) > 4
    for number in range(1, len(found)):
        if sum(found[: number + 1]) + 10 == 200:
            break  # cut to the budget
        kappa = cohen_kappa(models[number - 1].predict(X[stop_set]), models[number].predict(X[stop_set]), 2)
        assert found[number] == stepped(found[number - 1], 1.5, kappa >= 0.9)


# cost_aware -----------------------------------------------------------------------------------------


FALLING = (Judged(20, 100, 40), Judged(40, 100, 30), Judged(80, 100, 20))


def test_the_economic_size_is_where_loops_and_staleness_cost_least():
    F, h = 7.0, 0.013
    sizes = np.arange(1, 200)
    price = F / sizes + h * sizes / 2
    assert abs(economic_size(F, h) - sizes[np.argmin(price)]) < 1


def test_the_slope_is_that_of_a_line_in_ln_n():
    line = error_line(FALLING)
    assert line.slope == pytest.approx(-0.1 / math.log(2))
    assert line.at_zero == pytest.approx(0.4 + 0.1 * math.log2(20))
    # a point judged on more rows draws the line to itself
    even = error_line((Judged(20, 100, 40), Judged(40, 100, 30), Judged(80, 100, 40)))
    uneven = error_line((Judged(20, 100, 40), Judged(40, 100, 30), Judged(80, 10_000, 4000)))
    assert even.slope == pytest.approx(0.0)
    assert uneven.at_zero + uneven.slope * math.log(80) == pytest.approx(0.4, abs=1e-3)


def test_slope_by_hand():
    rule = {"method": "cost_aware", "low": 1, "high": 999}
    known = {"errors": FALLING, "price_per_row": 2.0, "price_per_loop": 50.0, "rows_labelled": 100}
    staleness = 2.0 * (0.1 / math.log(2)) / 100
    assert size_of(rule, **known) == round(math.sqrt(2 * 50 / staleness))
    assert size_of({**rule, "worth": 4.0}, **known) == round(math.sqrt(2 * 50 / staleness / 4))
    assert size_of({**rule, "high": 80}, **known) == 80


def test_a_power_law_is_found_again():
    n = np.array([10, 20, 40, 80, 160, 320])
    exact = tuple(Judged(int(size), 10**8, round(10**8 * 0.9 * size**-0.4)) for size in n)
    law = power_law(exact)
    assert law.exponent == pytest.approx(0.4, abs=1e-5)
    assert law.error(100) == pytest.approx(0.9 * 100**-0.4, rel=1e-4)
    assert power_law((Judged(10, 5, 0), Judged(20, 5, 0), Judged(40, 5, 0))).exponent == pytest.approx(0.0)


@pytest.mark.parametrize("exponent", [0.2, 1.0, 1.7])
def test_stale_error_is_the_integral(exponent):
    law = PowerLaw(math.log(0.8), exponent)
    found = stale_error(law, 50, np.array([3.0, 40.0]))
    for size, value in zip((3.0, 40.0), found, strict=True):
        integral, _ = quad(lambda x: law.error(50) - law.error(50 + x), 0, size)
        assert value == pytest.approx(integral, rel=1e-6)


def test_the_cheapest_size_by_brute_force_and_near_the_economic_one():
    law, n, F, worth = PowerLaw(math.log(2.0), 0.5), 400, 0.02, 1.0
    prices = {}
    for size in range(1, 300):
        integral, _ = quad(lambda x: law.error(n) - law.error(n + x), 0, size)
        prices[size] = (F + worth * integral) / size
    found = cheapest_size(F, worth, n, law, 299)
    assert found == min(prices, key=prices.__getitem__)
    slope = 0.5 * law.error(n) / n
    assert found == pytest.approx(economic_size(F, worth * slope), rel=0.1)


def test_where_no_loop_earns_its_price_all_the_rest_is_one():
    law = PowerLaw(math.log(0.5), 0.5)
    assert cheapest_size(1e6, 1.0, 100, law, 500) == 500
    assert cheapest_size(1e-6, 1.0, 100, law, 500) == 1


@pytest.mark.parametrize("estimate", ["slope", "power_law"])
def test_dearer_loops_are_larger_and_rarer(estimate, digits):
    loops = []
    for price in (0.05, 1.0, 20.0):
        size = {"method": "cost_aware", "estimate": estimate, "low": 1, "high": 400}
        loop = play(*digits, budget=300, loops=None, loop_size=size, query_strategy="random", price_per_loop=price)
        loops.append(len(rows_of(loop)))
    assert loops[0] > loops[1] > loops[2]


def test_errors_are_those_of_the_model_that_was_there_before_the_labels(digits):
    X, y = digits
    recipe = Recipe(
        initial_sample={"method": "random", "size": 30}, loop_size={"method": "cost_aware"}, query_strategy="random"
    )
    loop = ActiveLearningLoop(recipe, X, 10, budget=150, loops=6, streams=STREAMS, price_per_loop=3.0)
    expected = []
    while not loop.done:
        rows, before = loop.ask().rows, loop.model
        used = loop.records[-1].labels_used if loop.records else 0
        loop.tell(y[rows])
        if before is not None:
            expected.append(Judged(used, len(rows), int((before.predict(X[rows]) != y[rows]).sum())))
    assert loop._errors == tuple(expected)
    assert len(expected) > 3


def test_too_little_known_is_an_equal_part_and_a_curve_that_does_not_fall_a_doubling():
    prices = {"price_per_row": 1.0, "price_per_loop": 5.0}
    for estimate in ("slope", "power_law"):
        rule = {"method": "cost_aware", "estimate": estimate, "low": 1, "high": 999}
        assert size_of(rule, errors=FALLING[:2], **prices) == 20
        assert size_of(rule, errors=(FALLING[0], FALLING[0], FALLING[1]), **prices) == 20
        rising = tuple(Judged(n, 100, wrong) for n, wrong in ((20, 20), (40, 30), (80, 40)))
        assert size_of(rule, errors=rising, **prices) == 60


def test_prices_that_a_size_reads_must_exist():
    recipe = Recipe(loop_size="cost_aware")
    assert "price_per_loop and price_per_label above 0" in recipe.problems(Capabilities())[0]
    assert recipe.problems(Capabilities(price_per_loop=2.0)) == []
    assert recipe.problems(Capabilities(price_per_loop=2.0, price_per_label=0.0)) != []


def test_the_environment_hands_on_its_prices():
    annotators = (Annotator(price=3.0), Annotator())
    environment = make_environment(
        "iris", scenario=Scenario(annotators=annotators, price_per_label=1.0, price_per_loop=4.0)
    )
    assert (environment.capabilities.price_per_label, environment.capabilities.price_per_loop) == (2.0, 4.0)
    environment.require(Recipe(loop_size="cost_aware"))
    with pytest.raises(RequestError, match="price of a loop"):
        make_environment("iris").require(Recipe(loop_size="cost_aware"))


def test_a_row_that_several_label_is_priced_by_all_of_them(cancer):
    X, y = cancer
    recipe = Recipe(initial_sample={"method": "random", "size": 5}, labeling={"method": "majority", "annotators": 3})
    loop = ActiveLearningLoop(
        recipe, X, 2, budget=60, loops=4, streams=STREAMS, annotators=3, price_per_label=2.0, price_per_loop=7.0
    )
    loop.tell(y[loop.ask().rows])
    known = loop._state(15)
    assert (known.price_per_row, known.price_per_loop, known.budget_rows, known.last_rows) == (6.0, 7.0, 20, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "list", "sizes": []},
        {"method": "list", "sizes": [5, 0]},
        {"method": "agreement", "growth": 1.0},
        {"method": "diminishing", "eta": 1.5},
        {"method": "threshold", "of": "margin"},
        {"method": "cost_aware", "worth": 0},
        {"method": "linear", "step": 2000},
    ],
)
def test_parameters_outside_of_their_ranges_are_refused(wrong):
    with pytest.raises(FormatError):
        parse_method("loop_size", wrong)


def test_iris_is_played_to_its_budget_by_every_dynamic_size():
    X, y = load_iris(return_X_y=True)
    for method in ("linear", "list", "threshold", "diminishing", "agreement", "cost_aware"):
        loop = play(X, y, budget=60, loops=None, loop_size=method, price_per_loop=2.0)
        assert loop.pool.labels_bought == 60
        assert loop.stopped == "budget"
