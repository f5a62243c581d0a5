"""One turn of the loop scores the pool once and combines the answers once, with the results of doing it twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

from altune.core.streams import Streams
from altune.knobs.query_strategy import ScoreStrategy
from altune.loop.loop import ActiveLearningLoop
from altune.recipes.recipe import Recipe

STREAMS = Streams(0, "iris", "search", 0)


def counted(monkeypatch: pytest.MonkeyPatch, cls: type, name: str) -> list[Any]:
    """Count the calls of a method of a class; return the list that grows by each result."""
    results: list[Any] = []
    original = getattr(cls, name)

    def counting(*arguments: Any, **options: Any) -> Any:
        results.append(original(*arguments, **options))
        return results[-1]

    monkeypatch.setattr(cls, name, counting)
    return results


def start(recipe: Recipe, budget: int = 60) -> tuple[ActiveLearningLoop, Any]:
    X, y = load_iris(return_X_y=True)
    return ActiveLearningLoop(recipe, scale(X), 3, budget=budget, loops=8, streams=STREAMS, annotators=3), y


@pytest.mark.parametrize("strategy", ["margin", "random", "qbc"])
@pytest.mark.parametrize("size", ["diminishing", "threshold"])
def test_the_pool_is_scored_once_a_loop(strategy: str, size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"method": size, "of": "strategy"} | ({"tau": -0.5} if size == "threshold" else {})
    recipe = Recipe(query_strategy=strategy, loop_size=sizes)
    scores = counted(monkeypatch, type(recipe.query_strategy), "scores")
    loop, y = start(recipe)
    queries = 0
    while not loop.done:
        request = loop.ask()
        if loop.records:
            queries += 1
            # the selection alone, with a stream of its own, picks the same rows
            rng = STREAMS.generator("query", len(loop.records))
            alone = recipe.query_strategy.select(loop.pool, len(request), rng)
            scores.pop()
            np.testing.assert_array_equal(request.rows, alone)
        assert len(scores) == queries
        loop.tell(y[request.rows])
    assert queries > 2


def test_a_loop_size_cannot_change_the_scores() -> None:
    recipe = Recipe(loop_size={"method": "diminishing"})
    states: list[Any] = []

    class Spoiling(type(recipe.loop_size)):  # type: ignore[misc]
        def next_size(self, state: Any) -> int:
            states.append(state)
            return super().next_size(state)

    loop, y = start(recipe.replace(loop_size=Spoiling()))
    loop.tell(y[loop.ask().rows])
    loop.ask()
    with pytest.raises(ValueError, match="read-only"):
        states[0].utilities("strategy")[0] = 9.0


def test_a_strategy_that_selects_in_its_own_way_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(loop_size={"method": "diminishing", "high": 4})
    cls = type(recipe.query_strategy)
    assert issubclass(cls, ScoreStrategy)
    monkeypatch.setattr(cls, "select", lambda self, pool, size, rng: pool.candidates[:size])
    loop, y = start(recipe)
    loop.tell(y[loop.ask().rows])
    first = loop.pool.candidates[:4].tolist()
    assert loop.ask().rows.tolist() == first[: len(loop.ask())]


@pytest.mark.parametrize(
    "labeling",
    [
        {"method": "majority", "annotators": 2},
        {"method": "dawid_skene", "annotators": 2, "audit": "confident_learning", "action": "relabel", "share": 0.2},
    ],
)
def test_answers_are_combined_once_a_turn(labeling: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(
        labeling=labeling,
        initial_sample={"method": "random", "size": 20},
        loop_size={"method": "constant", "size": 5},
        stopping={"method": "target", "score": 0.99, "holdout": 10},
    )
    labels = counted(monkeypatch, type(recipe.labeling), "combine")
    loop, y = start(recipe, budget=140)
    rng = np.random.default_rng(3)
    bought_again = turns = 0
    while not loop.done:
        request = loop.ask()
        before = recipe.labeling.combine(loop.answers, request.again, 3) if len(request.again) else request.again
        wrong = rng.random(len(request)) < 0.3
        labels.clear()
        loop.tell(np.where(wrong, (y[request.rows] + 1) % 3, y[request.rows]))
        turns += 1
        assert len(labels) == 1
        pool = loop.pool
        np.testing.assert_array_equal(pool.labels, recipe.labeling.combine(loop.answers, pool.labelled, 3))
        if len(request.again):
            bought_again += len(request.again)
            now = recipe.labeling.combine(loop.answers, request.again, 3)
            assert loop.records[-1].notes["labels_corrected"] == np.count_nonzero(now != before)
    assert turns > 5
    assert (bought_again > 0) == ("audit" in labeling)
