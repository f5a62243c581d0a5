"""Label functions: rules that are written down or registered."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from joblib.externals.loky.backend.reduction import dumps
from scipy import sparse
from sklearn.datasets import load_iris

import altune
from altune.core.errors import FormatError, RequestError, WorkError
from altune.core.registry import parse_method
from altune.data import Dataset
from altune.knobs.labeling.functions import unregister_label_function
from altune.recipes.recipe import Capabilities, Recipe
from altune.recipes.space import SearchSpace
from altune.workflows.simulate import simulate


def labeling(name, **parameters):
    return parse_method("labeling", {"method": name, **parameters})


def iris() -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris", feature_names=["sepal length", "sepal width", "petal length", "petal width"])


def conditions(*written):
    names = ("column", "condition", "value", "label")
    return [dict(zip(names, one, strict=True)) for one in written]


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(
    ("condition", "value", "rows"),
    [
        ("<", 2.0, [0, 1]),
        ("<=", 2.0, [0, 1, 2]),
        (">", 2.0, [3, 4]),
        (">=", 2.0, [2, 3, 4]),
        ("==", 3.0, [3]),
        ("in", [0, 4], [0, 4]),
        ("between", [1, 3], [1, 2, 3]),
    ],
)
def test_a_condition_speaks_of_the_rows_that_meet_it(make, condition, value, rows):
    X = make(np.column_stack([np.zeros(5), np.arange(5.0)]))
    one = labeling("label_functions", functions=conditions((1, condition, value, 1))).functions[0]
    assert np.flatnonzero(one.votes(X, None, 2) == 1).tolist() == rows
    named = labeling("label_functions", functions=conditions(("b", condition, value, 1))).functions[0]
    assert np.flatnonzero(named.votes(X, ("a", "b"), 2) == 1).tolist() == rows


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ({"column": 0, "condition": "<", "value": 1.0}, "write {column"),
        ({"column": 0, "condition": "in", "value": 1.0, "label": 0}, "list of numbers"),
        ({"column": 0, "condition": "<", "value": [1.0], "label": 0}, "one number"),
        ({"column": 0, "condition": "between", "value": [1.0, 2.0, 3.0], "label": 0}, "two numbers"),
        ({"column": 0, "condition": "!=", "value": 1.0, "label": 0}, "functions[0].condition"),
        ({"function": "nobody_knows"}, "no label function 'nobody_knows'"),
    ],
)
def test_what_is_no_label_function_is_refused_with_its_place(function, words):
    with pytest.raises(FormatError) as caught:
        Recipe(labeling={"method": "label_functions", "functions": [function]})
    assert words in str(caught.value)
    assert str(caught.value).startswith("labeling.functions[0]")


def test_given_needs_accuracies():
    with pytest.raises(FormatError, match="needs the `accuracy`"):
        labeling("label_functions", functions=conditions((0, "<", 1.0, 0)), label_model="given")


def test_a_class_or_column_that_is_not_there_is_refused_before_playing():
    def first_problem(*written):
        recipe = Recipe(labeling={"method": "label_functions", "functions": conditions(*written)})
        return recipe.problems(
            Capabilities(n_classes=3, n_features=4, feature_names=("petal", "sepal", "stem", "root"))
        )[0]

    assert "classes 0 to 2, not 3" in first_problem((0, "<", 1.0, 3))
    assert "column 4; the features have columns 0 to 3" in first_problem((4, "<", 1.0, 0))
    assert "did you mean 'petal'" in first_problem(("petl", "<", 1.0, 0))
    with pytest.raises(RequestError, match="did you mean 'petal length'"):
        simulate(
            Recipe(labeling={"method": "label_functions", "functions": conditions(("petal lenth", "<", 1.0, 0))}),
            iris(),
            budget=20,
            n_blocks=1,
        )


FLOWERS = conditions(
    ("petal length", "<", -0.8, 0), ("petal length", "between", [-0.4, 0.6], 1), ("petal length", ">", 0.9, 2)
)


def test_label_functions_help_where_labels_are_few():
    options = {"budget": 6, "loops": 1, "n_blocks": 3}
    start = {"initial_sample": {"method": "random", "size": 3}}
    plain = simulate(Recipe(**start), iris(), **options)
    helped = simulate(Recipe(labeling={"method": "label_functions", "functions": FLOWERS}, **start), iris(), **options)
    assert helped.mean > plain.mean + 0.1
    curve = helped.curves[0]
    assert curve.labels.tolist() == [3, 6]
    assert curve.notes[0]["auto_labels"] > 50
    assert curve.cost.tolist() == [3, 6]
    for model in ("given", "em"):
        functions = [{**one, "accuracy": 0.9} for one in FLOWERS]
        method = {"method": "label_functions", "functions": functions, "label_model": model}
        assert simulate(Recipe(labeling=method, **start), iris(), **options).mean > plain.mean + 0.1


def test_a_rule_in_a_file_reads_back_and_stands_in_a_space():
    recipe = Recipe(labeling={"method": "label_functions", "functions": FLOWERS, "label_model": "em"})
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert Recipe.from_dict(recipe.to_dict()).digest() == recipe.digest()
    space = SearchSpace.from_dict({"labeling": recipe.labeling.to_dict(), "query_strategy": ["random", "margin"]})
    assert space.recipe_at({"query_strategy": "margin"}) == recipe


def test_a_registered_function_labels_here_and_travels_to_worker_processes():
    def short(X):
        return np.where(X[:, 2] < -0.8, 0, -1)

    altune.register_label_function("short_of_test", short)
    try:
        recipe = Recipe(labeling={"method": "label_functions", "functions": [{"function": "short_of_test"}]})
        sent = dumps(recipe)  # as joblib sends it
        unregister_label_function("short_of_test")
        written = Recipe(labeling={"method": "label_functions", "functions": conditions((2, "<", -0.8, 0))})
        curves = [
            simulate(one, iris(), budget=12, loops=2, n_blocks=2).curves
            for one in (recipe, written, pickle.loads(sent))
        ]
        for others in zip(*curves, strict=True):
            assert others[0].notes[0]["auto_labels"] > 10
            assert len({json.dumps([one.scores["accuracy"].tolist(), one.notes]) for one in others}) == 1
        was = recipe.labeling.fingerprint()
        altune.register_label_function("short_of_test", lambda X: np.where(X[:, 2] < 0, 0, -1))
        assert Recipe.from_dict(recipe.to_dict()).labeling.fingerprint() != was
    finally:
        unregister_label_function("short_of_test")
    with pytest.raises(FormatError, match=r"see altune\.register_label_function"):
        Recipe.from_dict(recipe.to_dict())


@pytest.mark.parametrize("answer", [np.zeros(3), np.array([0.5] * 113), np.full(113, 7)])
def test_a_function_that_gives_no_class_codes_is_named(answer):
    altune.register_label_function("bad_of_test", lambda X: answer)
    try:
        recipe = Recipe(labeling={"method": "label_functions", "functions": [{"function": "bad_of_test"}]})
        with pytest.raises(WorkError, match="label function 'bad_of_test' must return"):
            simulate(recipe, iris(), budget=12, loops=2, n_blocks=1)
    finally:
        unregister_label_function("bad_of_test")
