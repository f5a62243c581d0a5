"""Loop sizes asked for by hand and in a loop."""

from __future__ import annotations

import numpy as np

from altune.core.registry import parse_method
from altune.core.streams import Streams
from altune.knobs.loop_size import LoopState
from altune.loop.loop import ActiveLearningLoop
from altune.recipes.recipe import Recipe

STREAMS = Streams(0, "dynamic", "search", 0)


def state(**changes):
    return LoopState(**{"loop": 3, "loops_left": 10, "rows_left": 200, "rows_labelled": 60, "pool_rows": 500,
                        "budget_rows": 260, **changes})  # fmt: skip


def size_of(method, **changes):
    return parse_method("loop_size", method).next_size(state(**changes))


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
