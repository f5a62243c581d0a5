"""Labels that change and rows that come and go while a loop runs."""

from __future__ import annotations

import pytest
from sklearn.datasets import load_iris

from altune.core.errors import RequestError
from altune.core.streams import Streams
from altune.loop.loop import ActiveLearningLoop
from altune.recipes.recipe import Recipe

X, Y = load_iris(return_X_y=True)


def begun(n_rows: int = 150) -> ActiveLearningLoop:
    """Return a loop with one model."""
    recipe, streams = Recipe(query_strategy="random"), Streams(0, "iris", "search", 0)
    loop = ActiveLearningLoop(recipe, X[:n_rows], 3, budget=30, loops=5, streams=streams)
    loop.tell(Y[loop.ask().rows])
    return loop


def test_a_correction_replaces_a_label_and_a_label_that_is_taken_back_is_gone() -> None:
    loop = begun()
    row, other = loop.bought[:2].tolist()
    bought = loop.pool.labels_bought
    loop.correct(row, 0, 2 - int(Y[row]) if Y[row] != 1 else 0)
    rows, codes = loop.labels
    assert codes[rows == row] != Y[row]
    with pytest.raises(RequestError, match=r"annotator 1 gave no label of row"):
        loop.correct(row, 1, -1)
    assert row in loop.labels[0]
    loop.correct(row, 0, -1)
    assert row not in loop.labels[0]
    assert loop.pool.labels_bought == bought
    loop.tell(Y[loop.ask().rows])
    assert row not in loop.pool.labelled
    assert other in loop.pool.labelled


def test_the_last_label_stays() -> None:
    loop = begun()
    rows = loop.bought
    loop.withdraw(rows[1:])
    for change in (lambda: loop.withdraw(rows[:1]), lambda: loop.correct(int(rows[0]), 0, -1)):
        with pytest.raises(RequestError, match="no label would remain"):
            change()
        assert loop.labels[0].tolist() == [rows[0]]
        assert len(loop.answers) == len(rows)


def test_rows_that_are_added_are_chosen_among() -> None:
    loop = begun(100)
    loop.extend(X)
    chosen: set[int] = set()
    while not loop.done:
        request = loop.ask()
        chosen |= set(request.rows.tolist())
        loop.tell(Y[request.rows])
    assert max(chosen) >= 100
    assert loop.pool.n_rows == 150


def test_rows_that_are_held_out_are_never_trained_on() -> None:
    recipe = Recipe(stopping={"method": "target", "score": 0.99, "holdout": 8})
    loop = ActiveLearningLoop(recipe, X, 3, budget=40, loops=4, streams=Streams(0, "iris", "search", 0))
    while not loop.done:
        loop.tell(Y[loop.ask().rows])
        assert len(loop.pool.held_out) == 8
        assert not set(loop.pool.held_out) & set(loop.pool.labelled)
    assert loop.records[-1].labels_used == loop.pool.labels_bought - 8
