"""Grids that are made, not played: thousands of recipes whose values are sums of effects that are known."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
from full_grid import Grid, chance
from numpy.typing import NDArray

from altune.recipes.space import SearchSpace
from altune.simulation.environment import Environment, make_environment

Array = NDArray[np.float64]

DATA, BUDGET = "iris", 40
BLOCKS = 64
MIDDLE = 0.65
MAIN, PAIRS = 0.035, 0.015
"""Spread over the recipes of the sum of effects of single parameters, and of pairs of them."""
BLOCK = 0.012
"""Spread of the blocks: how much easier one is than another for all recipes."""
NOISE = {"made": 0.015, "noisy": 0.05}
"""What is left of a value for each recipe on each block; half of its variance comes from the single parameters."""
SPACE: dict[str, Any] = {
    "initial_sample": [
        {"method": method, "size": {"choices": [3, 5, 8, 12]}} for method in ("random", "kmeans", "typiclust")
    ],
    "loop_size": [
        "constant",
        {"method": "geometric", "growth": {"choices": [0.8, 1.25, 1.5]}},
        {"method": "linear", "step": {"choices": [1, 3]}},
    ],
    "query_strategy": [
        "random",
        "margin",
        "entropy",
        {"method": "density_weighted", "beta": {"choices": [0.25, 0.5, 1.0, 2.0, 5.0]}},
    ],
    "retrain": ["reset", "warm_start"],
    "training": ["constant", {"method": "power", "exponent": {"choices": [0.25, 0.5, 0.75, 1.0]}}],
}
"""5,760 recipes."""


def made_environment() -> Environment:
    """Return an environment with the blocks of a made grid; nothing is played in it."""
    return make_environment(DATA, budget=BUDGET, seed=0)


@cache
def made_grid(name: str) -> Grid:
    """Return a made grid: ``made``, or ``noisy`` with more noise than differences between recipes.

    A value is a sum: of the block, of each parameter (of a number: a parabola around a best one), of pairs of
    parameters, of how much a parameter suits a block, and of noise. A curve has one score after one label, so that its
    area is this value.
    """
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    space = SearchSpace.from_dict(SPACE)
    params = list(space.grid())
    features = parameter_levels(params)
    mains = [effect(levels, rng) for levels in features]
    pairs = [
        scaled(rng.normal(size=(one.max() + 1, other.max() + 1)))[one, other]
        for one, other in combinations([levels.astype(int) for levels in features], 2)
    ]
    suits = np.sum(
        [rng.normal(size=(int(levels.max()) + 1, BLOCKS))[levels.astype(int)] for levels in features], axis=0
    )
    noise = scaled(suits) + scaled(rng.normal(size=(len(params), BLOCKS)))
    recipes = MAIN * scaled(np.sum(mains, axis=0)) + PAIRS * scaled(np.sum(pairs, axis=0))
    values = MIDDLE + recipes[:, None] + BLOCK * rng.normal(size=BLOCKS) + NOISE[name] * scaled(noise)
    return Grid(
        name=name,
        space=space,
        params=params,
        weights=np.array([chance(space, each) for each in params]),
        values=values,
        labels=np.ones((*values.shape, 1), dtype=np.int32),
        scores=(values * BUDGET / (BUDGET - 1))[:, :, None].astype(np.float32),
        prior=np.zeros(BLOCKS),
        n_pool=0,
        n_test=0,
        budget=BUDGET,
    )


def parameter_levels(params: Sequence[dict[str, Any]]) -> list[NDArray[np.int64]]:
    """Return the level of each recipe in each parameter, in order of the values; 0 where it does not have it."""
    columns = []
    for path in dict.fromkeys(path for each in params for path in each):
        found = [each.get(path) for each in params]
        options = sorted({value for value in found if value is not None}, key=lambda value: (str(type(value)), value))
        place = {value: number for number, value in enumerate(options, start=1)}
        columns.append(np.array([place.get(value, 0) for value in found], dtype=np.int64))
    return columns


def effect(levels: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Return the effect of one parameter: a parabola over its levels plus a little of its own for each."""
    n_levels = int(levels.max())
    best = rng.uniform(1, n_levels)
    own = -(((np.arange(n_levels + 1) - best) / n_levels) ** 2) + 0.3 * rng.normal(size=n_levels + 1)
    own[0] = own[1:].mean() if n_levels else 0.0
    result: Array = own[levels] * rng.uniform(0.5, 1.5)
    return result


def scaled(values: Array) -> Array:
    """Return values with mean 0 and a spread of 1."""
    return (values - values.mean()) / values.std()
