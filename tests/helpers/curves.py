"""Learning curves by hand and at random."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.execution.items import WorkItem


def same(a: LearningCurve, b: LearningCurve) -> None:
    """All but the wall clock is the same to the last bit."""
    one, other = a.to_dict(), b.to_dict()
    assert {name: value for name, value in one.items() if "seconds" not in name} == {
        name: value for name, value in other.items() if "seconds" not in name
    }


def tasks_for(environment, *recipes: Recipe, blocks: int = 2) -> list[WorkItem]:
    return [
        WorkItem(recipe, block, environment) for recipe in recipes for block in environment.blocks("search", blocks)
    ]


def curve(labels, scores, prior=0.1, cost=None, **parts):
    n = len(labels)
    values = {
        "labels": np.asarray(labels, dtype=np.int64),
        "used": np.asarray(labels, dtype=np.int64),
        "cost": np.asarray(labels if cost is None else cost, dtype=np.float64),
        "scores": {"accuracy": np.asarray(scores, dtype=np.float64)},
        "prior": {"accuracy": prior},
        "loop_rows": np.diff(labels, prepend=0),
        "fit_seconds": np.full(n, 0.1),
        "query_seconds": np.full(n, 0.2),
        "evaluation_seconds": np.full(n, 0.3),
        "notes": tuple({} for _ in range(n)),
        "rows": np.arange(labels[-1]),
        "stopped": "budget",
    }
    return LearningCurve(**{**values, **parts})


@st.composite
def curves(draw, end=100):
    labels = sorted(draw(st.sets(st.integers(1, end + 20), min_size=1, max_size=12)))
    scores = draw(st.lists(st.floats(0, 1), min_size=len(labels), max_size=len(labels)))
    return curve(labels, scores, draw(st.floats(0, 1)))
