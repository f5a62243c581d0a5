"""Searches whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import optuna

from altune.analysis.importance.observations import Observation
from altune.recipes.space import SearchSpace
from tests.helpers.benchmark_scripts import load

optuna.logging.set_verbosity(optuna.logging.WARNING)
Params = dict[str, Any]
MIXED = SearchSpace.from_dict(
    {
        "query_strategy": ["random", "margin", {"method": "density_weighted", "beta": {"low": 0.0, "high": 2.0}}],
        "loop_size": ["constant", {"method": "geometric", "growth": {"low": 0.5, "high": 1.5}}],
        "retrain": ["reset", "warm_start"],
    }
)
"""A conditional parameter in each of two knobs, and a knob that the functions below leave out."""
FINITE = SearchSpace.from_dict(
    {
        "query_strategy": [
            "random",
            "margin",
            {"method": "density_weighted", "beta": {"choices": [0.5, 1.0, 2.0]}},
        ],
        "loop_size": ["constant", {"method": "geometric", "growth": 1.5}],
        "retrain": ["reset", "warm_start", {"method": "reset_every"}],
    }
)
grid_command = load("full_grid")


def strategy_part(params: Params) -> float:
    """0, 1, or evenly on [0, 2]: mean 2/3, variance 1/3."""
    return float(params.get("query_strategy.density_weighted.beta", params["query_strategy"] == "margin"))


def loop_part(params: Params) -> float:
    """0 or evenly on [0, 1]: mean 1/4, variance 5/48."""
    return float(params.get("loop_size.geometric.growth", 0.5)) - 0.5


def objective(params: Params) -> float:
    """Both parts and their product: the interaction has the variance 1/3 · 5/48, retraining has none."""
    a, b = strategy_part(params), loop_part(params)
    return a + b + (a - 2 / 3) * (b - 1 / 4)


def search(
    space: SearchSpace,
    function: Callable[[Params], float],
    n: int,
    seed: int,
    *,
    noise: float = 0.0,
    sampler: str = "random",
) -> tuple[optuna.Study, list[Observation]]:
    """Let Optuna search, each recipe played on five blocks."""
    kinds = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
    study = optuna.create_study(direction="maximize", sampler=kinds[sampler](seed=seed))
    rng = np.random.default_rng(seed)
    played = []
    for _ in range(n):
        trial = study.ask()
        space.suggest(trial)
        values = function(trial.params) + noise * rng.normal(size=5)
        study.tell(trial, float(values.mean()))
        played.append(Observation(dict(trial.params), float(values.mean()), tuple(values)))
    return study, played


def every(space: SearchSpace) -> list[Params]:
    """Return every recipe of a finite space."""
    return list(space.grid())


def chances(space: SearchSpace) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([grid_command.chance(space, params) for params in space.grid()])
