"""Loop sizes that weigh the price of a loop against stale models."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from altune.core.errors import RequestError
from altune.core.streams import Streams
from altune.knobs.loop_size import Judged
from altune.knobs.loop_size.cost import PowerLaw, cheapest_size, economic_size, error_line, power_law, stale_error
from altune.loop.loop import ActiveLearningLoop
from altune.recipes.recipe import Capabilities, Recipe
from altune.simulation.annotators import Annotator
from altune.simulation.environment import make_environment
from altune.simulation.scenario import Scenario
from tests.helpers.loop_sizes import play, rows_of, size_of
from tests.helpers.loops import record_states

STREAMS = Streams(0, "dynamic", "search", 0)
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


def test_errors_are_those_of_the_model_that_was_there_before_the_labels(digits, monkeypatch):
    X, y = digits
    recipe = Recipe(
        initial_sample={"method": "random", "size": 30}, loop_size={"method": "cost_aware"}, query_strategy="random"
    )
    loop = ActiveLearningLoop(recipe, X, 10, budget=150, loops=6, streams=STREAMS, price_per_loop=3.0)
    states = record_states(monkeypatch, recipe.loop_size)
    expected = []
    while not loop.done:
        rows, before = loop.ask().rows, loop.model
        if before is not None:
            assert states[-1].errors == tuple(expected)
        used = loop.records[-1].labels_used if loop.records else 0
        loop.tell(y[rows])
        if before is not None:
            expected.append(Judged(used, len(rows), int((before.predict(X[rows]) != y[rows]).sum())))
    assert len(states[-1].errors) == len(expected) - 1 > 2


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


def test_a_row_that_several_label_is_priced_by_all_of_them(cancer, monkeypatch):
    X, y = cancer
    recipe = Recipe(initial_sample={"method": "random", "size": 5}, labeling={"method": "majority", "annotators": 3})
    loop = ActiveLearningLoop(
        recipe, X, 2, budget=60, loops=4, streams=STREAMS, annotators=3, price_per_label=2.0, price_per_loop=7.0
    )
    states = record_states(monkeypatch, recipe.loop_size)
    loop.tell(y[loop.ask().rows])
    loop.ask()
    (known,) = states
    assert (known.price_per_row, known.price_per_loop, known.budget_rows, known.last_rows) == (6.0, 7.0, 20, None)
