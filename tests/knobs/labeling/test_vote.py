"""Labels by one annotator or by votes: who is asked, and which label counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from altune.core.registry import parse_method
from altune.data import Dataset
from altune.knobs.labeling import Answers
from altune.models import LogisticRegressionModel
from altune.recipes.recipe import Capabilities, Recipe
from altune.simulation.annotators import Annotator
from altune.simulation.scenario import Scenario
from altune.workflows.simulate import simulate


def labeling(name, **parameters):
    return parse_method("labeling", {"method": name, **parameters})


def answers(*triples):
    found = Answers()
    for row, annotator, label in triples:
        found.add(np.array([row]), np.array([annotator]), np.array([label]))
    return found


def test_votes_are_counted_for_the_rows_asked_about_in_their_order():
    found = answers((4, 0, 2), (9, 0, 1), (4, 1, 2), (4, 2, 0))
    assert found.votes(np.array([9, 4]), 3).tolist() == [[0, 1, 0], [1, 0, 2]]
    assert found.votes(np.array([7]), 3).tolist() == [[0, 0, 0]]
    assert found.votes(np.array([], dtype=int), 3).shape == (0, 3)
    assert len(found) == 4


@pytest.mark.parametrize("name", ["single", "majority"])
def test_most_votes_win_and_between_equals_the_newest(name):
    method = labeling(name)
    rows = np.array([1, 2, 3, 4])
    found = answers(
        *[(1, 0, 2), (1, 1, 0), (1, 2, 2)],  # two to one
        *[(2, 0, 0), (2, 1, 1)],  # one to one, the newest is 1
        *[(3, 0, 1), (3, 1, 0)],  # the newest is 0
        *[(4, 0, 1), (4, 1, 1), (4, 2, 2), (4, 0, 2), (4, 1, 0)],  # 1 and 2 tie; the newest has fewer: the first
    )
    assert method.combine(found, rows, 3).tolist() == [2, 1, 0, 1]
    assert method.combine(found, np.array([3, 1]), 3).tolist() == [0, 2]
    assert method.combine(found, np.array([], dtype=int), 3).tolist() == []


@given(st.integers(2, 5), st.integers(5, 9), st.integers(0, 100))
def test_majority_asks_different_annotators(each, n_annotators, seed):
    method = labeling("majority", annotators=each)
    rows = np.array([8, 3, 5])
    asked, whom = method.ask(rows, n_annotators, np.random.default_rng(seed))
    assert asked.tolist() == np.repeat(rows, each).tolist()
    for row in rows:
        assert len(set(whom[asked == row].tolist())) == each
    assert set(whom.tolist()) <= set(range(n_annotators))
    assert method.labels_per_row == each


def test_single_spreads_over_all_annotators():
    asked, whom = labeling("single").ask(np.arange(400), 4, np.random.default_rng(0))
    assert asked.tolist() == list(range(400))
    assert np.bincount(whom, minlength=4).min() > 60
    assert labeling("single").labels_per_row == 1


def test_more_annotators_than_there_are_is_refused():
    model = LogisticRegressionModel()
    recipe = Recipe(labeling={"method": "majority", "annotators": 5}, model=model)
    assert "needs 5 annotators, and the scenario has 3" in recipe.problems(Capabilities(annotators=3))[0]
    assert "several annotators" in recipe.problems(Capabilities(annotators=1))[0]
    assert recipe.problems(Capabilities(annotators=5)) == []


def iris() -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris", feature_names=["sepal length", "sepal width", "petal length", "petal width"])


def test_several_annotators_are_worth_their_price_only_where_they_err():
    recipes = {name: Recipe(labeling=one) for name, one in (("one", "single"), ("many", {"method": "dawid_skene"}))}
    wrong = {}
    for name, recipe in recipes.items():
        scenario = Scenario(annotators=(Annotator(error=0.25),) * 5)
        curves = simulate(recipe, iris(), budget=60, loops=3, n_blocks=2, scenario=scenario).curves
        wrong[name] = np.mean([curve.notes[-1].get("wrong_labels_used", 0.0) for curve in curves])
        assert {curve.labels[-1] for curve in curves} == {60}
    assert wrong["many"] < wrong["one"] - 0.05
