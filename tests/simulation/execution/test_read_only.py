"""What trajectories share is read-only: a change in place ends the trial, and no other recipe sees anything of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_iris

from altune.core.registry import register, unregister
from altune.data import Dataset
from altune.knobs import Pool, QueryStrategy
from altune.knobs.pool_coverage import pool_neighbour_graph
from altune.knobs.pool_geometry import pool_points
from altune.recipes.recipe import Recipe
from altune.simulation.environment import make_environment
from altune.simulation.execution.items import Failure
from altune.simulation.execution.player import Player
from altune.simulation.execution.shared_arrays import load_block, save_block
from altune.simulation.prepared import prepare_block
from tests.helpers.curves import same, tasks_for


def sort(array: Any) -> None:
    array.sort()


def zero(array: Any) -> None:
    array[:] = 0


def unlock(array: Any) -> None:
    array.flags.writeable = True


CHANGES: dict[str, Any] = {
    "features": lambda pool: zero(pool.X),
    "features made writable": lambda pool: unlock(pool.X),
    "features within an operation": lambda pool: np.multiply(pool.X, 2, out=pool.X),
    "sparse features": lambda pool: zero(pool.X.data),
    "candidates": lambda pool: sort(pool.candidates),
    "labels": lambda pool: zero(pool.labels),
    "labelled rows": lambda pool: zero(pool.labelled),
    "probabilities": lambda pool: zero(pool.known().probabilities),
    "margins": lambda pool: zero(pool.known().margin),
    "predictions": lambda pool: zero(pool.known().predictions),
    "history": lambda pool: zero(pool.history.rows),
    "points": lambda pool: zero(pool_points(pool).values),
    "norms": lambda pool: zero(pool_points(pool).norms),
    "neighbours": lambda pool: zero(pool_neighbour_graph(pool, 3).rows),
    "a cached array": lambda pool: zero(pool.shared.get("mine", lambda: np.ones(3))),
}


class Careless(QueryStrategy):
    """Changes what it is given."""

    method: Literal["careless"] = "careless"
    change: str

    def select(self, pool: Pool, size: int, rng: Any) -> Any:
        CHANGES[self.change](pool)
        return pool.candidates[:size]


@pytest.fixture
def careless() -> Iterator[None]:
    register(Careless)
    yield
    unregister("query_strategy", "careless")


def iris(thin: bool) -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(sparse.csr_array(X) if thin else X, y, name="iris")


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_in_place_ends_the_trial_and_changes_nothing(careless, what):
    environment = make_environment(iris(what.startswith("sparse")), budget=20, loops=2)
    entropy = tasks_for(environment, Recipe(query_strategy="entropy"), blocks=1)
    spoilt = tasks_for(environment, Recipe(query_strategy={"method": "careless", "change": what}), blocks=1)
    with Player() as player:
        (right,) = player.play(entropy)
    with Player() as player:
        failure, after = player.play([*spoilt, *entropy])
    assert isinstance(failure, Failure)
    assert failure.reason.startswith("query_strategy 'careless' in loop 1: ")
    if "writable" not in what:
        assert "it changed an array that it may only read" in failure.reason
    same(right, after)


@pytest.mark.parametrize("thin", [False, True])
def test_the_arrays_of_a_worker_are_read_only_too(tmp_path, thin):
    environment = make_environment(iris(thin), budget=20)
    save_block(prepare_block(environment.dataset, environment.blocks("search", 1)[0], 0), tmp_path / "block")
    prepared = load_block(tmp_path / "block")
    for X in (prepared.X_pool, prepared.X_test):
        for array in [X.data, X.indices, X.indptr] if thin else [X]:
            with pytest.raises(ValueError, match="WRITEABLE"):
                unlock(array)
    with pytest.raises(ValueError, match="read-only"):
        zero(prepared.y_pool)
