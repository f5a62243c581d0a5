"""Loop sizes that follow the agreement of successive models."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from altune.core.streams import Streams
from altune.knobs.loop_size.agreement import stepped
from altune.knobs.stopping import cohen_kappa
from altune.loop.loop import ActiveLearningLoop
from altune.recipes.recipe import Recipe
from tests.helpers.loop_sizes import rows_of, size_of

STREAMS = Streams(0, "dynamic", "search", 0)


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
