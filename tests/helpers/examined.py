"""Recipes whose loops are examined."""

from __future__ import annotations

from typing import Any

from altune.recipes.recipe import Recipe
from altune.simulation.annotators import Annotator
from altune.simulation.environment import make_environment
from altune.simulation.prepared import prepare_block
from altune.simulation.trajectory import Trajectory, play

NOISY = (Annotator(error=0.2),)
AUDIT = {"method": "single", "audit": "knn_disagreement", "share": 0.2}
SPARSE = {"method": "constant", "size": 10}


def examined(
    recipe: Recipe, data: Any = "iris", *, seed: int = 0, loops: int = 6, budget: int = 40, **environment: Any
):
    """Return the plain and the examined curve of one block, with the prepared."""
    made = make_environment(data, budget=budget, loops=loops, **environment)
    prepared = prepare_block(made.dataset, made.blocks("report", 1)[0], seed)
    trajectory = Trajectory(recipe, prepared, made.scenario, examined=True)
    trajectory.advance()
    return play(recipe, prepared, made.scenario), trajectory.curve(), prepared
