"""The loop writes the history: who chose each row, and what the model thought of it just before its label came."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

from altune.core.streams import Streams
from altune.knobs.query_strategy import Choice, QueryStrategy
from altune.loop.loop import ActiveLearningLoop
from altune.loop.prefix_cache import PrefixCache
from altune.models import FittedModel
from altune.recipes.recipe import Recipe
from altune.testing.pools import ProjectionModel

STREAMS = Streams(0, "iris", "search", 0)


class Reading(QueryStrategy):
    """The first candidates; it declares that it reads the history and uses no class scores."""

    reads_history: ClassVar[bool] = True
    method: Literal["reading"] = "reading"

    def select(self, pool: Any, size: int, rng: Any) -> Any:
        return pool.candidates[:size]


class Noting(QueryStrategy):
    """The last candidates, each by an arm of its own, with a propensity and a memo."""

    method: Literal["noting"] = "noting"

    def select(self, pool: Any, size: int, rng: Any) -> Any:
        return pool.candidates[::-1][:size]

    def choose(self, pool: Any, size: int, rng: Any) -> Choice:
        rows = self.select(pool, size, rng)
        return Choice(rows, np.array([f"arm {row}" for row in rows]), rows / 200.0, {"size": size})


def start(budget: int = 40, initial: Any = None, annotators: int = 3, **fields: Any) -> tuple[ActiveLearningLoop, Any]:
    X, y = load_iris(return_X_y=True)
    return (
        ActiveLearningLoop(
            Recipe(**fields),
            scale(X),
            3,
            budget=budget,
            loops=5,
            streams=STREAMS,
            annotators=annotators,
            initial=initial,
            prefixes=PrefixCache(),
        ),
        y,
    )


def play(loop: ActiveLearningLoop, y: Any, wrong: float = 0.0) -> list[tuple[int, Any, Any]]:
    """Play to the end; return the loop, the new rows and the model that chose them, for each request."""
    rng, bought = np.random.default_rng(0), []
    while not loop.done:
        request = loop.ask()
        new = request.rows[~np.isin(request.rows, loop.bought)]
        bought.append((len(loop.records), new, loop.model))
        labels = y[request.rows]
        loop.tell(np.where(rng.random(len(labels)) < wrong, (labels + 1) % 3, labels))
    return bought


@pytest.mark.parametrize("strategy", ["margin", Reading(), {"method": "switch", "first": Reading(), "at": 0.9}])
def test_it_has_every_row_with_its_loop_and_the_models_opinion(strategy: Any) -> None:
    loop, y = start(query_strategy=strategy)
    bought, history = play(loop, y), loop.pool.history
    assert history.rows.tolist() == loop.bought.tolist()
    assert history.loops.tolist() == [turn for turn, rows, _ in bought for _ in rows]
    assert history.n_first == len(bought[0][1])
    assert np.isnan(history.probabilities[: history.n_first]).all()
    expected = np.concatenate([model.class_scores(loop.pool.X[rows]) for _, rows, model in bought[1:]])
    np.testing.assert_allclose(history.probabilities[history.n_first :], expected, rtol=0, atol=1e-12)
    assert history.predictions[history.n_first :].tolist() == expected.argmax(axis=1).tolist()
    assert history.labels(loop.pool.labelled, loop.pool.labels).tolist() == y[history.rows].tolist()
    assert np.isnan(history.propensities).all()


@pytest.mark.parametrize(
    ("strategy", "arms"),
    [
        ("kcenter", {"kcenter"}),
        ("mixture", {"mixture"}),
        ({"method": "switch", "first": "typiclust", "then": "mixture", "at": 0.5}, {"typiclust", "mixture"}),
        ({"method": "epsilon_mix", "strategy": "switch", "epsilon": 0.5}, {"typiclust", "margin", "random"}),
    ],
)
def test_arms_are_those_who_chose(strategy: Any, arms: set[str]) -> None:
    loop, y = start(query_strategy=strategy, initial_sample="kmeans")
    play(loop, y)
    history = loop.pool.history
    assert set(history.arms[: history.n_first].tolist()) == {"initial_sample.kmeans"}
    assert set(history.arms[history.n_first :].tolist()) == arms


def test_a_strategy_may_report_arms_propensities_and_a_memo() -> None:
    loop, y = start(query_strategy={"method": "switch", "first": Noting(), "at": 0.5}, budget=30)
    play(loop, y)
    history = loop.pool.history
    chosen = np.char.startswith(history.arms, "arm ")
    assert chosen.sum() > 3
    assert history.arms[chosen].tolist() == [f"arm {row}" for row in history.rows[chosen]]
    np.testing.assert_array_equal(history.propensities[chosen], history.rows[chosen] / 200.0)
    assert np.isnan(history.propensities[~chosen]).all()
    for turn in np.unique(history.loops):
        size = int(np.count_nonzero(history.loops == turn))
        assert history.memo(int(turn)) == ({"size": size} if chosen[history.loops == turn].all() else None)


def test_rows_keep_their_arms_where_they_are_asked_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    loop, y = start(query_strategy=Noting(), budget=30)
    cls = type(loop.recipe.labeling)
    original = cls.ask
    monkeypatch.setattr(cls, "ask", lambda self, rows, *others: original(self, rows[::-1], *others))
    play(loop, y)
    history = loop.pool.history
    later = slice(history.n_first, None)
    assert history.arms[later].tolist() == [f"arm {row}" for row in history.rows[later]]
    np.testing.assert_array_equal(history.propensities[later], history.rows[later] / 200.0)


def test_random_rows_among_those_of_a_strategy_have_no_propensity() -> None:
    loop, y = start(query_strategy={"method": "epsilon_mix", "strategy": Noting(), "epsilon": 0.4}, budget=40)
    play(loop, y)
    history = loop.pool.history
    chosen, drawn = np.char.startswith(history.arms, "arm "), history.arms == "random"
    assert chosen.sum() > 3
    assert drawn.sum() > 3
    np.testing.assert_array_equal(history.propensities[chosen], history.rows[chosen] / 200.0)
    assert np.isnan(history.propensities[drawn]).all()


def test_rows_that_were_given_and_rows_held_out() -> None:
    stopping = {"method": "target", "score": 0.999, "holdout": 10}
    loop, y = start(initial=np.array([5, 60, 120, 80]), stopping=stopping)
    play(loop, y)
    history = loop.pool.history
    assert history.rows[:4].tolist() == [5, 60, 120, 80]
    assert set(history.arms[:4].tolist()) == {"given"}
    assert history.n_first == 4
    assert len(loop.pool.held_out) == 10
    assert not np.isin(history.rows, loop.pool.held_out).any()
    assert len(history) == len(loop.bought) - 10


def test_a_first_sample_in_several_parts_is_one() -> None:
    loop, y = start(initial_sample={"method": "until_all_classes", "sample": "random", "size": 2, "step": 1})
    bought, history = play(loop, y), loop.pool.history
    parts = [rows for turn, rows, _ in bought if turn == 0]
    assert len(parts) > 1
    assert history.n_first == sum(map(len, parts))
    assert set(history.arms[: history.n_first].tolist()) == {"initial_sample.until_all_classes"}
    assert history.rows.tolist() == loop.bought.tolist()


def test_labels_bought_again_add_nothing_and_dropped_ones_are_unknown() -> None:
    labeling = {"method": "majority", "annotators": 2, "audit": "confident_learning", "share": 0.2}
    loop, y = start(budget=200, labeling=labeling | {"action": "relabel"})
    play(loop, y, wrong=0.3)
    assert any("labels_bought_again" in record.notes for record in loop.records)
    assert loop.pool.history.rows.tolist() == loop.bought.tolist()
    loop, y = start(budget=200, labeling=labeling | {"action": "drop"})
    play(loop, y, wrong=0.3)
    pool = loop.pool
    labels = pool.history.labels(pool.labelled, pool.labels)
    assert (labels == -1).sum() == len(pool.history) - len(pool.labelled) > 0


def counted(monkeypatch: pytest.MonkeyPatch, strategy: Any) -> int:
    """Return the number of predictions that models make in a trajectory."""
    calls: list[str] = []
    with monkeypatch.context() as patch:
        for name in ("class_scores", "predict"):
            original = getattr(FittedModel, name)
            patch.setattr(FittedModel, name, lambda *given, of=original, name=name: [calls.append(name), of(*given)][1])
        loop, y = start(query_strategy=strategy)
        play(loop, y)
    return len(calls)


def test_predictions_are_made_for_strategies_that_read_them_only(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = 5
    assert counted(monkeypatch, "random") == 0
    assert counted(monkeypatch, "margin") == turns
    assert counted(monkeypatch, Reading()) == turns
    assert counted(monkeypatch, {"method": "epsilon_mix", "strategy": Reading()}) == turns


def test_who_does_not_declare_that_it_reads_them_has_no_probabilities() -> None:
    loop, y = start(query_strategy="random")
    play(loop, y)
    with pytest.raises(RuntimeError, match="reads_history"):
        _ = loop.pool.history.probabilities


def test_a_model_without_class_scores_has_predictions() -> None:
    loop, y = start(query_strategy=Reading(), model=ProjectionModel(mute=True))
    bought, history = play(loop, y), loop.pool.history
    assert np.isnan(history.probabilities).all()
    expected = np.concatenate([model.predict(loop.pool.X[rows]) for _, rows, model in bought[1:]])
    assert history.predictions[history.n_first :].tolist() == expected.tolist()


def test_the_same_answers_give_the_same_history() -> None:
    def played() -> Any:
        loop, y = start(query_strategy={"method": "epsilon_mix", "epsilon": 0.3}, budget=30)
        play(loop, y)
        return loop.pool.history

    first, second = played(), played()
    for name in ("rows", "loops", "arms", "propensities", "probabilities", "predictions"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
