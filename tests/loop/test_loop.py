"""The loop: what it asks for, what it counts, what it refuses, and that every model survives every way to retrain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.preprocessing import scale

from altune.core.errors import RequestError
from altune.core.registry import methods, parse_method
from altune.core.streams import Streams
from altune.loop.loop import ActiveLearningLoop
from altune.models.custom import CustomModel
from altune.recipes.recipe import Capabilities, Recipe
from altune.testing import variants

STREAMS = Streams(0, "iris", "search", 0)
QUICK: dict[str, dict[str, Any]] = {
    "random_forest": {"n_estimators": 5},
    "extra_trees": {"n_estimators": 5},
    "hist_gradient_boosting": {"max_iter": 5},
    "sgd": {"max_epochs": 20},
    "mlp": {"max_epochs": 30, "hidden_units": 20, "learning_rate": 0.02},
}


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), y


def make(X, n_classes=3, *, budget=30, loops=None, streams=STREAMS, annotators=1, initial=None, **fields):
    return ActiveLearningLoop(
        Recipe(**fields),
        X,
        n_classes,
        budget=budget,
        loops=loops,
        streams=streams,
        annotators=annotators,
        initial=None if initial is None else np.asarray(initial),
    )


def finish(loop, y):
    """Answer truly until the loop ends; return the number of labels given in each turn."""
    told = []
    while not loop.done:
        rows = loop.ask().rows
        loop.tell(y[rows])
        told.append(len(rows))
    return told


# ask and tell ---------------------------------------------------------------------------------------


def test_asked_again_before_it_was_told_it_asks_the_same(iris):
    X, y = iris
    loop = make(X)
    first = loop.ask()
    assert loop.ask() is first
    loop.tell(y[first.rows])
    second = loop.ask()
    assert loop.ask() is second
    assert not np.isin(second.rows, first.rows).any()


def test_the_rows_bought_are_kept_in_their_order(iris):
    X, y = iris
    loop = make(X)
    asked = []
    while not loop.done:
        asked += loop.ask().rows.tolist()
        loop.tell(y[loop.ask().rows])
    assert loop.bought.tolist() == asked
    assert loop.pool.labelled.tolist() == sorted(asked)
    assert np.array_equal(loop.pool.labels, y[loop.pool.labelled])


def test_misuse_is_refused_in_words_and_changes_nothing(iris):
    X, y = iris
    loop = make(X, budget=12)
    with pytest.raises(RequestError, match=r"tell\(\) before ask\(\)"):
        loop.tell(np.array([0]))
    rows = loop.ask().rows
    right = y[rows]
    for wrong, words in (
        (right[:-1], f"{len(rows)} labels were asked for, {len(rows) - 1} were given"),
        (right.reshape(1, -1), "labels were asked for"),
        (right.astype(float), "class codes"),
        (np.array(["setosa"] * len(rows)), "class codes"),
        (right + 3, "0 to 2"),
        (right - 3, "0 to 2"),
    ):
        with pytest.raises(RequestError, match=words):
            loop.tell(wrong)
    assert loop.pool.labels_bought == 0
    assert loop.ask().rows.tolist() == rows.tolist()
    loop.tell(right.tolist())
    assert loop.pool.labels_bought == len(rows)
    finish(loop, y)
    with pytest.raises(RequestError, match=r"ended \(budget\)"):
        loop.ask()
    with pytest.raises(RequestError, match="nothing was asked"):
        loop.tell(right)


def test_a_budget_that_buys_no_row_is_refused(iris):
    with pytest.raises(RequestError, match="budget of 2 labels buys no row"):
        make(iris[0], budget=2, annotators=3, labeling={"method": "majority", "annotators": 3})


# what is counted ------------------------------------------------------------------------------------


def test_the_default_sizes_use_up_budget_and_loops(iris):
    X, y = iris
    loop = make(X, budget=60, loops=20)
    assert finish(loop, y) == [3] + [3] * 17 + [2] * 3
    assert loop.stopped == "budget"
    assert [turn.labels_bought for turn in loop.records] == np.cumsum([3] + [3] * 17 + [2] * 3).tolist()


def test_three_annotators_are_three_labels_and_the_last_loop_is_cut_to_whole_rows(iris):
    X, y = iris
    loop = make(
        X,
        budget=50,
        annotators=5,
        initial_sample={"method": "random", "size": 5},
        loop_size={"method": "constant", "size": 4},
        labeling={"method": "majority", "annotators": 3},
    )
    assert finish(loop, y) == [15, 12, 12, 9]
    assert loop.pool.labels_bought == 48
    assert [turn.loop_rows for turn in loop.records] == [5, 4, 4, 3]
    assert [turn.labels_used for turn in loop.records] == [5, 9, 13, 16]
    assert loop.stopped == "budget"


def test_the_first_sample_too_is_cut_to_the_budget(iris):
    X, y = iris
    loop = make(X, budget=12, initial_sample={"method": "random", "size": 100})
    assert finish(loop, y) == [12]
    assert loop.stopped == "budget"


def test_held_out_rows_are_bought_first_count_and_are_never_trained_on(iris):
    X, y = iris
    loop = make(
        X,
        budget=40,
        initial_sample={"method": "random", "size": 8},
        loop_size={"method": "constant", "size": 5},
        stopping={"method": "target", "score": 0.99, "holdout": 10},
    )
    first = loop.ask().rows
    assert len(first) == 18
    loop.tell(y[first])
    held_out = loop.pool.held_out
    assert held_out.tolist() == first[:10].tolist()
    assert (loop.records[0].labels_bought, loop.records[0].labels_used) == (18, 8)
    finish(loop, y)
    assert loop.pool.labels_bought == 40
    assert not np.isin(held_out, loop.pool.labelled).any()
    assert not np.isin(held_out, loop.pool.candidates).any()
    assert len(loop.pool.labelled) == 30


def test_at_most_half_the_budget_validates(iris):
    X, y = iris
    loop = make(X, budget=20, stopping={"method": "target", "score": 0.99, "holdout": 100})
    loop.tell(y[loop.ask().rows])
    assert len(loop.pool.held_out) == 10
    assert len(loop.pool.labelled) == 3


def test_rows_that_a_protocol_labels_first_are_not_held_out(iris):
    X, y = iris
    initial = [140, 3, 70, 55]
    for seed in range(5):
        stopping = {"method": "target", "score": 0.99, "holdout": 10}
        loop = make(X, budget=24, streams=Streams(seed, "iris", "search", 0), initial=initial, stopping=stopping)
        rows = loop.ask().rows
        assert rows[-4:].tolist() == initial
        loop.tell(y[rows])
        assert loop.pool.labelled.tolist() == sorted(initial)
        assert not np.isin(initial, loop.pool.held_out).any()


def test_given_first_rows_replace_the_initial_sample_and_are_cut_to_the_budget(iris):
    X, y = iris
    initial = np.arange(0, 150, 10)
    assert make(X, initial=initial).ask().rows.tolist() == initial.tolist()
    loop = make(X, budget=6, initial=initial)
    assert finish(loop, y) == [6]
    assert loop.bought.tolist() == initial[:6].tolist()


def test_relabelled_rows_are_labels_bought(iris):
    X, y = iris
    wrong = np.random.default_rng(0).random(150) < 0.25
    first_answer = np.where(wrong, (y + 1) % 3, y)
    loop = make(
        X,
        budget=100,
        initial_sample={"method": "random", "size": 60},
        loop_size={"method": "constant", "size": 10},
        labeling={"method": "single", "audit": "confident_learning", "action": "relabel", "share": 0.2, "every": 2},
    )
    loop.tell(first_answer[loop.ask().rows])
    suspects = int(loop.records[0].notes["audit_suspects"])
    assert suspects > 0
    request = loop.ask()
    again, new = request.rows[:suspects], request.rows[suspects:]
    assert np.isin(again, loop.bought).all()
    assert not np.isin(new, loop.bought).any()
    assert wrong[again].mean() > 0.5
    assert len(new) == 10
    loop.tell(y[request.rows])
    assert loop.records[1].labels_bought == 60 + suspects + 10
    assert (loop.records[1].loop_rows, loop.records[1].labels_used) == (10, 70)
    # between equals the newest answer holds, so the repaired labels are in use
    assert np.array_equal(loop.pool.labels[np.isin(loop.pool.labelled, again)], y[np.sort(again)])
    assert "audit_ran" not in loop.records[1].notes  # every second loop
    assert len(loop.ask()) == 10
    finish(loop, y)
    assert loop.pool.labels_bought == 100


def test_relabelling_leaves_room_for_a_new_row(iris):
    X, y = iris
    wrong = np.where(np.arange(150) % 4 == 0, (y + 1) % 3, y)
    loop = make(
        X,
        budget=63,
        initial_sample={"method": "random", "size": 60},
        labeling={"method": "single", "audit": "confident_learning", "action": "relabel", "share": 0.5},
    )
    loop.tell(wrong[loop.ask().rows])
    assert loop.records[0].notes["audit_suspects"] > 3
    rows = loop.ask().rows
    assert len(rows) == 3
    assert np.isin(rows, loop.bought).tolist() == [True, True, False]


def test_dropped_and_weighted_suspects_stay_bought(iris):
    X, y = iris
    wrong = np.where(np.arange(150) % 5 == 0, (y + 1) % 3, y)
    used = {}
    for action in ("drop", "weight"):
        labeling = {"method": "single", "audit": "confident_learning", "action": action, "share": 0.1}
        loop = make(X, budget=60, initial_sample={"method": "random", "size": 60}, labeling=labeling)
        loop.tell(wrong[loop.ask().rows])
        assert loop.pool.labels_bought == 60
        assert 0 < loop.records[0].notes["audit_suspects"] <= 6
        used[action] = loop.records[0].labels_used
        assert loop.records[0].labels_used == 60 - (action == "drop") * loop.records[0].notes["audit_suspects"]
    assert used["drop"] < used["weight"] == 60


# when it ends ---------------------------------------------------------------------------------------


def test_loops_limit(iris):
    X, y = iris
    loop = make(X, budget=100, loops=3, loop_size={"method": "constant", "size": 2})
    assert finish(loop, y) == [5, 2, 2, 2]
    assert loop.stopped == "loops"
    assert [turn.loop for turn in loop.records] == [0, 1, 2, 3]


def test_the_pool_ends(iris):
    X, y = iris
    loop = make(X[:40:3], budget=100, loop_size={"method": "constant", "size": 5})
    finish(loop, y[:40:3])
    assert loop.stopped == "pool"
    assert loop.pool.labels_bought == 14


def test_a_rule_stops_it_and_gives_its_name(iris):
    X, y = iris
    loop = make(
        X, budget=120, loop_size={"method": "constant", "size": 5}, stopping={"method": "stabilizing_predictions"}
    )
    finish(loop, y)
    assert loop.stopped == "stabilizing_predictions"
    rule = loop.recipe.stopping
    notes = [turn.notes for turn in loop.records]
    assert rule.fires(notes)
    assert not any(rule.fires(notes[:end]) for end in range(1, len(notes)))


# common random numbers ------------------------------------------------------------------------------


def turns_of(X, y, **fields):
    loop = make(X, **fields)
    rows = []
    while not loop.done:
        rows.append(loop.ask().rows.tolist())
        loop.tell(y[rows[-1]])
    return rows


def test_another_query_strategy_starts_from_the_same_rows(iris):
    X, y = iris
    first = {name: turns_of(X, y, query_strategy={"method": name})[0] for name in ("margin", "random", "kcenter")}
    assert first["margin"] == first["random"] == first["kcenter"]
    assert turns_of(X, y, streams=Streams(0, "iris", "search", 1))[0] != first["margin"]


def test_another_model_or_stop_leaves_random_queries_as_they_were(iris):
    X, y = iris
    random = {"query_strategy": {"method": "random"}}
    plain = turns_of(X, y, **random)
    assert turns_of(X, y, model={"method": "random_forest", "n_estimators": 3}, **random) == plain
    assert turns_of(X, y, stopping={"method": "stabilizing_predictions", "threshold": 1.0}, **random)[:3] == plain[:3]
    assert turns_of(X, y, retrain={"method": "warm_start"}, **random) == plain
    # a stream of its own for each loop: what one loop draws does not move the next
    other = turns_of(X, y, loop_size={"method": "geometric", "start": 1, "growth": 2.0}, **random)
    assert other[0] == plain[0]


def test_margin_least_confidence_and_entropy_pick_the_same_rows_of_two_classes():
    X, y = load_breast_cancer(return_X_y=True)
    rows = {
        name: turns_of(scale(X), y, n_classes=2, budget=60, loops=10, query_strategy={"method": name})
        for name in ("margin", "least_confidence", "entropy", "random")
    }
    assert rows["margin"] == rows["least_confidence"] == rows["entropy"]
    assert rows["margin"][0] == rows["random"][0]
    assert rows["margin"] != rows["random"]


# classes that appear --------------------------------------------------------------------------------


def models_and_retrains():
    for name, cls in methods("model").items():
        if issubclass(cls, CustomModel):
            continue
        model = parse_method("model", {"method": name, **QUICK.get(name, {})})
        ways = [*(way for retrain in methods("retrain").values() for way in variants(retrain()))]
        ways.append(parse_method("retrain", {"method": "warm_start", "on": "new", "replay": 0.5}))
        for number, way in enumerate(ways):
            recipe = Recipe(model=model, retrain=way, query_strategy={"method": "random"})
            if not recipe.problems(Capabilities(n_classes=3)):
                yield pytest.param(recipe, id=f"{name}-{way.method}-{number}")


@pytest.mark.parametrize("recipe", list(models_and_retrains()))
def test_classes_that_appear_in_loop_3_break_no_model(recipe):
    X, y = load_wine(return_X_y=True)
    X = scale(X)
    known_until = ([0], [0], [0, 1], [0, 1, 2], [0, 1, 2])
    loop = ActiveLearningLoop(
        recipe.replace(loop_size={"method": "constant", "size": 25}),
        X,
        3,
        budget=120,
        loops=4,
        streams=STREAMS,
        initial=np.arange(20),
    )
    seen = set()
    for known in known_until:
        rows = loop.ask().rows
        told = np.minimum(y[rows], max(known))
        loop.tell(told)
        seen |= set(told.tolist())
        scores = loop.model.class_scores(X)
        assert scores.shape == (len(X), 3)
        np.testing.assert_allclose(scores.sum(axis=1), 1.0, atol=1e-9)
        assert set(loop.model.predict(X).tolist()) <= {0, 1, 2}
        assert set(loop.model.seen.tolist()) == seen
    assert loop.stopped in ("loops", "budget")
    assert (loop.model.predict(X)[y == 2] == 2).mean() > 0.3
