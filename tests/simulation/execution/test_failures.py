"""Whatever code of a recipe raises is the failure of one trial, in one line; what interrupts altune is none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from sklearn.datasets import load_iris

from altune.core.errors import EstimatorError, WorkError
from altune.core.registry import register, unregister
from altune.data import Dataset
from altune.knobs import Pool, QueryStrategy
from altune.recipes.recipe import Recipe
from altune.simulation.environment import Environment, make_environment
from altune.simulation.execution.items import Failure
from altune.simulation.execution.player import Player
from tests.helpers.curves import tasks_for


class Unreadable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text either")


class Unpickled(Exception):
    def __init__(self) -> None:
        super().__init__("holds a lock")
        self.lock = threading.Lock()


class Exotic(BaseException):
    pass


def recursion(*_: Any) -> Any:
    return recursion()


class Faulty(QueryStrategy):
    """Raises what a test puts here."""

    method: Literal["faulty"] = "faulty"

    def select(self, pool: Pool, size: int, rng: Any) -> Any:
        raise FAULT[0]


FAULT: list[BaseException] = []


@pytest.fixture
def environment() -> Iterator[Environment]:
    register(Faulty)
    X, y = load_iris(return_X_y=True)
    yield make_environment(Dataset(X, y, name="iris"), budget=30, loops=3)
    unregister("query_strategy", "faulty")


def outcome(environment: Environment, fault: BaseException) -> Any:
    FAULT[:] = [fault]
    with Player() as player:
        return player.play(tasks_for(environment, Recipe(query_strategy="faulty")))[0]


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (ValueError("wrong"), "ValueError: wrong"),
        (ValueError("\n two\nlines"), "ValueError: two"),
        (ValueError(), "ValueError: no message"),
        (KeyError("key"), "KeyError: 'key'"),
        (SystemExit(3), "SystemExit: 3"),
        (SystemExit(), "SystemExit: no message"),
        (GeneratorExit(), "GeneratorExit: no message"),
        (StopIteration(), "StopIteration: no message"),
        (Exotic("odd"), "Exotic: odd"),
        (MemoryError(), "MemoryError: no message"),
        (Unreadable(), "Unreadable: its message cannot be read"),
        (Unpickled(), "Unpickled: holds a lock"),
        (ValueError("x" * 5_000_000), f"ValueError: {'x' * 500} …"),
        (ValueError("half \ud800"), "ValueError: half \\ud800"),
        (ExceptionGroup("several", [ValueError("a"), KeyError("b")]), "ExceptionGroup: several (2 sub-exceptions)"),
        (WorkError("it has no rows"), "it has no rows"),
        (EstimatorError("'faulty' says so itself"), None),
        (WorkError(), "no message"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_a_method_raises_is_one_line_that_names_it(environment, fault, line):
    failure = outcome(environment, fault)
    assert isinstance(failure, Failure)
    assert failure.reason == (
        "'faulty' says so itself" if line is None else f"query_strategy 'faulty' in loop 1: {line}"
    )
    assert len(failure.details) <= 20_000
    assert json.loads(json.dumps(failure.reason)).encode()


def test_an_endless_recursion_is_a_failure(environment, monkeypatch):
    monkeypatch.setattr(Faulty, "select", lambda self, *_: recursion())
    assert outcome(environment, ValueError()).reason.startswith("query_strategy 'faulty' in loop 1: RecursionError: ")


def test_ctrl_c_is_no_failure(environment):
    with pytest.raises(KeyboardInterrupt):
        outcome(environment, KeyboardInterrupt())
