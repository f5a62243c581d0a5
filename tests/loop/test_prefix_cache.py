"""Trajectories of one block share what equal beginnings come to, and no result changes by it."""

import numpy as np
import pytest

from altune.loop.prefix_cache import LRUCache, PrefixCache, PrefixKey
from altune.models.base import Model
from altune.recipes.recipe import Recipe
from altune.simulation.annotators import Annotator
from altune.simulation.environment import make_environment
from altune.simulation.prepared import prepare_block
from altune.simulation.trajectory import play

START = {"initial_sample": {"method": "typiclust", "size": 9}, "loop_size": {"method": "constant", "size": 6}}
NOISY = {"annotators": [Annotator(error=0.1), Annotator(error=0.2)]}


def recipe(**knobs):
    return Recipe.from_dict({**START, **knobs})


ALIKE = {
    "margin": recipe(query_strategy="margin"),
    "entropy": recipe(query_strategy="entropy"),
    "larger loops": recipe(query_strategy="margin", loop_size={"method": "constant", "size": 12}),
    "switch": recipe(
        query_strategy={"method": "switch", "first": "margin", "then": "random", "at": 0.5},
    ),
    "stops early": recipe(query_strategy="margin", stopping={"method": "classification_change"}),
    "another start": recipe(query_strategy="margin", initial_sample={"method": "typiclust", "size": 12}),
    "stronger": recipe(query_strategy="margin", model={"method": "logistic_regression", "C": 10.0}),
    "warm": recipe(query_strategy="margin", retrain="warm_start"),
    "best of": recipe(query_strategy="margin", model_init={"method": "best_of", "starts": 2}),
    "retuned": recipe(query_strategy="margin", training={"method": "retune", "every": 2}),
    "audited": recipe(
        query_strategy="margin", labeling={"method": "majority", "annotators": 2, "audit": "confident_learning"}
    ),
    "dropped": recipe(
        query_strategy="margin",
        labeling={"method": "majority", "annotators": 2, "audit": "confident_learning", "action": "drop"},
    ),
    "auto": recipe(query_strategy="margin", labeling={"method": "auto", "threshold": 0.9}),
}


def without_times(curve):
    return {name: value for name, value in curve.to_dict().items() if not name.endswith("seconds")}


@pytest.fixture(scope="module")
def environment():
    return make_environment("wine", budget=45, loops=5, **NOISY)


def arena_of(environment):
    return prepare_block(environment.dataset, environment.blocks("search", 1)[0], environment.seed)


@pytest.fixture(scope="module")
def alone(environment):
    return {name: without_times(play(one, arena_of(environment), environment.scenario)) for name, one in ALIKE.items()}


@pytest.mark.parametrize("order", [1, -1])
def test_sharing_changes_no_result(environment, alone, order):
    prepared = arena_of(environment)
    for name in list(ALIKE)[::order]:
        assert without_times(play(ALIKE[name], prepared, environment.scenario)) == alone[name], name


def test_the_recipes_of_this_file_differ(alone):
    assert len({str(curve) for curve in alone.values()}) >= 10


def fits(monkeypatch, environment, recipes):
    counted = []
    fit = Model.fit

    def counting(self, *arguments, **others):
        counted.append(self.method)
        return fit(self, *arguments, **others)

    monkeypatch.setattr(Model, "fit", counting)
    prepared = arena_of(environment)
    for one in recipes:
        play(one, prepared, environment.scenario)
    return len(counted)


def test_equal_beginnings_are_trained_once(monkeypatch, environment):
    margin, entropy, early = (ALIKE[name] for name in ("margin", "entropy", "stops early"))
    once = fits(monkeypatch, environment, [margin])
    assert fits(monkeypatch, environment, [margin, margin]) == once
    assert fits(monkeypatch, environment, [margin, early]) == once
    # the models before the first query are one and the same, those after it are not
    assert fits(monkeypatch, environment, [margin, entropy]) == 2 * once - 1


def test_what_was_trained_on_other_labels_is_another_history():
    rows, labels = np.arange(4), np.array([0, 1, 0, 1])
    begun = PrefixKey.of((Recipe().model, Recipe().retrain))
    assert begun.then(rows, labels) == begun.then(rows.copy(), labels.copy())
    others = [begun.then(rows, 1 - labels), begun.then(rows[::-1], labels), begun.then(rows, labels, None)]
    others += [begun.then(rows, labels).then(rows, labels), PrefixKey.of((Recipe().model,)).then(rows, labels)]
    assert len({begun.then(rows, labels), *others}) == 6


def test_only_the_latest_are_kept():
    kept = LRUCache(2)
    built = []

    def get(key):
        return kept.get(key, lambda: built.append(key) or key)

    for key in "abacab":
        assert get(key) == key
    assert "".join(built) == "abcb"


def test_a_loop_that_stands_alone_keeps_nothing():
    built = []
    prefixes = PrefixCache(sharing=False)
    for _ in range(2):
        prefixes.sample(Recipe().initial_sample, 5, np.empty(0, dtype=int), lambda: built.append(1) or np.arange(5))
    assert len(built) == 2
