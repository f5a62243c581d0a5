"""The spaces that ``full_grid.py`` plays in full: what is open, on which data, with how many labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from altune.recipes.space import SearchSpace
from altune.simulation.environment import Environment, make_environment

SEED = 0


@dataclass(frozen=True)
class GridPlan:
    """One grid.

    Attributes
    ----------
    data : name of the data set.
    space : the space whose recipes are played, as :meth:`SearchSpace.from_dict` reads it.
    budget, loops : labels, and the number of loops in which they are bought.
    """

    data: str
    space: dict[str, Any]
    budget: int = 100
    loops: int = 8

    def environment(self) -> Environment:
        """Return the environment that the recipes are played in."""
        return make_environment(self.data, budget=self.budget, loops=self.loops, seed=SEED)

    def search_space(self) -> SearchSpace:
        """Return the space whose recipes are played."""
        return SearchSpace.from_dict(self.space)


def _choices(method: str, **values: list[float]) -> dict[str, Any]:
    return {"method": method} | {name: {"choices": options} for name, options in values.items()}


def _starts(*sizes: int, methods: tuple[str, ...] = ("random", "kmeans", "typiclust")) -> list[Any]:
    return [_choices(method, size=list(sizes)) for method in methods]


_STRATEGIES = ["random", "margin", "entropy"]
_LOOPS = ["constant", _choices("geometric", growth=[0.8, 1.5])]
_WIDE: dict[str, Any] = {
    "initial_sample": _starts(10, 25),
    "retrain": ["reset", "warm_start"],
    "loop_size": _LOOPS,
    "query_strategy": [*_STRATEGIES, _choices("density_weighted", beta=[0.5, 2.0, 5.0])],
    "training": ["constant", {"method": "power", "exponent": 1.0}],
}
_SHORT: dict[str, Any] = {
    "initial_sample": _starts(4, 12),
    "loop_size": _LOOPS,
    "query_strategy": [*_STRATEGIES, _choices("density_weighted", beta=[0.5, 2.0])],
}
_FOREST = [
    _choices("random_forest", max_depth=[2, 8], min_samples_leaf=[1, 4]) | {"n_estimators": 10},
    _choices("extra_trees", min_samples_leaf=[1, 4]) | {"n_estimators": 10},
]

GRIDS = {
    "digits": GridPlan("digits", _WIDE),
    "image_segments": GridPlan("image_segments", _WIDE),
    "svm": GridPlan(
        "breast_cancer",
        {"model": _choices("svm_rbf", C=[0.3, 1.0, 10.0], gamma=[0.005, 0.03, 0.2]), **_SHORT},
        budget=60,
    ),
    "forest": GridPlan("wine", {"model": _FOREST, **_SHORT}, budget=60, loops=6),
    "few": GridPlan(
        "image_segments",
        {
            "initial_sample": ["random", "kmeans"],
            "retrain": ["reset", "warm_start"],
            "loop_size": ["constant", "linear"],
            "query_strategy": _STRATEGIES,
        },
        budget=80,
    ),
    "many": GridPlan(
        "iris",
        {
            "model": _choices("naive_bayes", var_smoothing=[1e-9, 0.01, 0.1]),
            "initial_sample": _starts(4, 8, 16, methods=("random", "kmeans")),
            "loop_size": ["constant", _choices("linear", step=[1, 3]), _choices("geometric", growth=[0.8, 1.25, 1.5])],
            "query_strategy": [
                "margin",
                _choices("density_weighted", beta=[0.5, 1.0, 2.0, 5.0]),
                _choices("epsilon_mix", epsilon=[0.1, 0.3, 0.6]),
            ],
        },
        budget=40,
    ),
}
"""Grids by name: two wide ones; one where the model holds nearly all; a forest; few recipes; many parameters."""
