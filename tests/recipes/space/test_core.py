"""Search spaces: from YAML to Optuna's trial to a recipe."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import optuna
import pytest
from optuna.trial import FixedTrial

from altune.core.yaml import read_yaml_text
from altune.recipes.recipe import Recipe
from altune.recipes.space import SearchSpace


@pytest.mark.slow
def test_reading_a_space_needs_no_optuna() -> None:
    code = "import sys, altune.recipes.space as s; s.SearchSpace.load('full'); sys.exit('optuna' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_space_of_the_documentation() -> None:
    space = SearchSpace.from_dict(
        read_yaml_text(
            """
version: 1
name: standard
initial_sample:
  - {method: random,    size: {low: 5, high: 60, log: true}}
  - {method: typiclust, size: {low: 5, high: 60, log: true}}
query_strategy:
  - {method: margin}
  - {method: density_weighted, beta: {low: 0.0, high: 2.0}}
loop_size: {method: constant, size: {choices: [5, 10, 20, 40]}}
baselines:
  random_sampling: {query_strategy: {method: random}}
"""
        )
    )
    assert space.open_paths == [
        "initial_sample",
        "initial_sample.random.size",
        "initial_sample.typiclust.size",
        "loop_size.constant.size",
        "query_strategy",
        "query_strategy.density_weighted.beta",
    ]
    params = {
        "initial_sample": "typiclust",
        "initial_sample.typiclust.size": 7,
        "query_strategy": "density_weighted",
        "query_strategy.density_weighted.beta": 0.5,
        "loop_size.constant.size": 20,
    }
    recipe = space.suggest(FixedTrial(params))
    assert recipe == Recipe(
        initial_sample={"method": "typiclust", "size": 7},
        query_strategy={"method": "density_weighted", "beta": 0.5},
        loop_size={"method": "constant", "size": 20},
    )
    assert space.recipe_at(params) == recipe


def test_the_distributions_that_optuna_sees() -> None:
    space = SearchSpace.from_dict(
        {
            "initial_sample": {"method": "random", "size": {"low": 1e1, "high": 20, "step": 5}},
            "query_strategy": {"method": "density_weighted", "beta": {"low": 1, "high": 2}},
            "model": {"method": "logistic_regression", "C": {"low": 1e-2, "high": 1e2, "log": True}},
        }
    )
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trial = study.ask()
    space.suggest(trial)
    assert trial.distributions == {
        "initial_sample.random.size": optuna.distributions.IntDistribution(10, 20, step=5),
        "query_strategy.density_weighted.beta": optuna.distributions.FloatDistribution(1.0, 2.0),
        "model.logistic_regression.C": optuna.distributions.FloatDistribution(0.01, 100.0, log=True),
    }


def test_nested_strategies_have_paths_of_their_own() -> None:
    space = SearchSpace.from_dict(
        {
            "query_strategy": {
                "method": "switch",
                "first": ["typiclust", {"method": "density_weighted", "beta": {"low": 0.5, "high": 2}}],
                "then": {"method": "margin"},
                "at": {"low": 0.1, "high": 0.5},
            }
        }
    )
    assert space.open_paths == [
        "query_strategy.switch.first",
        "query_strategy.switch.first.density_weighted.beta",
        "query_strategy.switch.at",
    ]
    params = {
        "query_strategy.switch.first": "density_weighted",
        "query_strategy.switch.first.density_weighted.beta": 0.75,
        "query_strategy.switch.at": 0.2,
    }
    strategy = space.recipe_at(params).query_strategy
    assert strategy.to_dict()["first"]["beta"] == 0.75
    assert space.params_of(space.recipe_at(params)) == params


def test_named_alternatives_of_one_method() -> None:
    space = SearchSpace.from_dict(
        {
            "retrain": [
                "reset",
                {"name": "warm_all", "method": "warm_start"},
                {"name": "warm_new", "method": "warm_start", "on": "new", "replay": {"low": 0, "high": 1}},
            ]
        }
    )
    assert space.open_paths == ["retrain", "retrain.warm_new.replay"]
    recipe = space.recipe_at({"retrain": "warm_new", "retrain.warm_new.replay": 0.5})
    assert recipe.retrain.to_dict() == {"method": "warm_start", "on": "new", "replay": 0.5}
    assert space.recipe_at({"retrain": "warm_all"}).retrain.to_dict()["on"] == "all"


def test_a_single_alternative_with_a_name_takes_the_methods_place() -> None:
    space = SearchSpace.from_dict(
        {"initial_sample": {"name": "start", "method": "random", "size": {"low": 5, "high": 9}}}
    )
    assert space.open_paths == ["initial_sample.start.size"]
    assert SearchSpace.from_dict(space.to_dict()) == space


def test_ranges_of_one_value_and_choices_of_one_are_fixed() -> None:
    space = SearchSpace.from_dict(
        {
            "initial_sample": {"method": "random", "size": {"low": 5, "high": 5}},
            "query_strategy": {"method": "density_weighted", "beta": {"choices": [1]}},
            "loop_size": ["constant"],
        }
    )
    assert space.n_open == 0
    assert space.recipe_at({}).initial_sample.size == 5


def test_choices_take_the_declared_type() -> None:
    space = SearchSpace.from_dict({"query_strategy": {"method": "density_weighted", "beta": {"choices": [0, 1, 2]}}})
    assert [repr(value) for value in space.to_dict()["query_strategy"]["beta"]["choices"]] == ["0.0", "1.0", "2.0"]


def test_choices_that_are_not_scalars_are_stored_as_json_text(list_method: str) -> None:
    space = SearchSpace.from_dict({"loop_size": {"method": list_method, "sizes": {"choices": [[5, 10], [20]]}}})
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    trial = study.ask()
    recipe = space.suggest(trial)
    stored = trial.params[f"loop_size.{list_method}.sizes"]
    assert stored in ("[5,10]", "[20]")
    assert recipe.loop_size.to_dict()["sizes"] == json.loads(stored)
    assert space.params_of(recipe) == trial.params


def test_a_list_is_a_value_where_no_method_stands(list_method: str) -> None:
    space = SearchSpace.from_dict({"loop_size": {"method": list_method, "sizes": [5, 10]}})
    assert space.n_open == 0
    assert space.recipe_at({}).loop_size.to_dict()["sizes"] == [5, 10]


@pytest.fixture
def list_method() -> Any:
    from typing import Literal

    from altune.core.registry import register, unregister
    from altune.knobs.loop_size import LoopSize, LoopState

    class ListedForTest(LoopSize):
        """Sizes as they are listed."""

        method: Literal["listed_for_test"] = "listed_for_test"
        sizes: tuple[int, ...] = (10,)

        def next_size(self, state: LoopState) -> int:
            return self.sizes[min(state.loop - 1, len(self.sizes) - 1)]

    register(ListedForTest)
    yield "listed_for_test"
    unregister("loop_size", "listed_for_test")


def test_a_recipe_is_a_space_with_nothing_open() -> None:
    recipe = Recipe(query_strategy={"method": "switch", "first": "typiclust"}, model="mlp", name="mine")
    space = SearchSpace.from_dict(recipe.to_dict())
    assert space.n_open == 0
    assert space.recipe_at({}) == recipe.replace(name=None)
    assert {knob: method.method for knob, method in space.fixed().items()} == {
        knob: method.method for knob, method in recipe.methods().items()
    }


def test_a_recipe_outside_of_the_space_has_no_parameters() -> None:
    space = SearchSpace.from_dict({"initial_sample": {"method": "random", "size": {"low": 5, "high": 9}}})
    assert space.params_of(Recipe(initial_sample={"method": "random", "size": 9})) == {"initial_sample.random.size": 9}
    assert space.params_of(Recipe(initial_sample={"method": "random", "size": 10})) is None
    assert space.params_of(Recipe(initial_sample={"method": "kmeans", "size": 9})) is None
    assert space.params_of(Recipe(initial_sample={"method": "random", "size": 9}, model="mlp")) is None


def test_the_table_of_a_space() -> None:
    rows = SearchSpace.load("quick").describe()
    assert {"knob": "loop_size", "alternatives": "constant, geometric", "parameters": "geometric.growth"} in rows
    assert [row["knob"] for row in rows] == ["initial_sample", "loop_size", "query_strategy"]


def test_the_digest_changes_with_what_is_searched_only() -> None:
    plain = {"name": "a", "query_strategy": ["margin", "random"]}
    space = SearchSpace.from_dict(plain)
    assert space.digest() == SearchSpace.from_dict({**plain, "name": "b"}).digest()
    assert space.digest() != SearchSpace.from_dict({**plain, "query_strategy": ["random", "margin"]}).digest()
    assert hash(space) == hash(SearchSpace.from_dict(plain))
