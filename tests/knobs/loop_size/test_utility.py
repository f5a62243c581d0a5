"""Loop sizes that follow the utilities of the candidates."""

from __future__ import annotations

import numpy as np

from altune.core.streams import Streams
from altune.knobs.stopping.monitor import StoppingMonitor
from altune.loop.loop import ActiveLearningLoop
from altune.loop.query import Query
from altune.recipes.recipe import Recipe
from tests.helpers.loop_sizes import play, size_of, utilities
from tests.helpers.loops import record_states

STREAMS = Streams(0, "dynamic", "search", 0)


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


def test_scores_that_are_drawn_are_those_that_the_selection_ranks(cancer, monkeypatch):
    X, y = cancer
    drawn = Recipe(
        query_strategy="random", loop_size={"method": "threshold", "of": "strategy", "tau": 0.95, "high": 99}
    )
    loop = ActiveLearningLoop(drawn, X, 2, budget=60, loops=5, streams=STREAMS)
    loop.tell(y[loop.ask().rows])
    states = record_states(monkeypatch, drawn.loop_size)
    rows = loop.ask().rows
    scores = states[0].utilities("strategy")
    assert set(rows) == set(loop.pool.candidates[scores >= 0.95])


def test_a_fixed_size_asks_for_no_utilities(cancer, monkeypatch):
    def forbidden(*_):
        raise AssertionError("computed although nobody asked")

    watching = []

    class Recorded(StoppingMonitor):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            watching.append(self)

    monkeypatch.setattr("altune.loop.loop.StoppingMonitor", Recorded)
    monkeypatch.setattr(Query, "utilities", forbidden)
    monkeypatch.setattr("altune.loop.requests.cohen_kappa", forbidden)
    states = record_states(monkeypatch, Recipe().loop_size)
    play(*cancer, budget=40, loops=4)
    assert not watching[0].predictions
    assert all(state.errors == () for state in states)
