"""An ablation made by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import altune
from altune.analysis.ablation import Ablation, find_ablation
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.objectives import Objective
from altune.tuning.ablation import Ablated, AblationCurves
from altune.tuning.ablation_path import PathStep
from altune.tuning.played import Played


def flat(score: float) -> LearningCurve:
    """Return a curve whose final score is the objective's value."""
    nothing = np.zeros(1)
    return LearningCurve(
        labels=np.array([10]),
        used=np.array([10]),
        cost=np.array([10.0]),
        scores={"accuracy": np.array([score])},
        prior={"accuracy": 0.1},
        loop_rows=np.array([10]),
        fit_seconds=nothing,
        query_seconds=nothing,
        evaluation_seconds=nothing,
        notes=({},),
        rows=np.arange(10),
        stopped="budget",
    )


def played(recipe: Recipe, values: Sequence[float]) -> Played:
    return Played(recipe, tuple(flat(value) for value in values))


def by_hand() -> Ablation:
    start = altune.Recipe(name="vanilla", query_strategy="least_confidence")
    middle = start.replace(query_strategy="margin")
    end = middle.replace(loop_size={"method": "geometric", "growth": 1.5}, model="naive_bayes")
    path = (
        played(start, [0.50, 0.60, 0.70, 0.80, 0.65]),
        played(middle, [0.60, 0.71, 0.79, 0.90, 0.75]),
        played(end, [0.61, 0.70, 0.80, 0.89, 0.75]),
    )
    without = {"query_strategy": played(start, [0.51, 0.60, 0.70, 0.79, 0.65])}
    ablated = Ablated(
        (PathStep(("query_strategy",), {"query_strategy": 0.7}), PathStep(("loop_size", "model"), {})),
        3,
        {"loop_size": "no", "model": "no"},
        (AblationCurves(path, without),),
    )
    return find_ablation(ablated, 0, Objective("final_score", end=10), overlap=10 / 30)
