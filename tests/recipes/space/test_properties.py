"""Whatever space is written: YAML, Python, Optuna's trial, parameters and recipe say the same, there and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FixedTrial

from altune.core.registry import Method, describe_parameters, every_method, parse_method
from altune.core.yaml import read_yaml_text, write_yaml
from altune.recipes.recipe import Recipe
from altune.recipes.space import Choices, Range, SearchSpace, differences
from altune.recipes.space.given import GivenTrial

# Spaces to draw: alternatives of the registered methods, nested strategies, ranges, choices and names


def ranges(whole: bool, low: float, high: float) -> st.SearchStrategy[dict[str, Any]]:
    return stepped(whole, low, high) if high - low < 1e6 and low == int(low) else smooth(whole, low, high)


@st.composite
def smooth(draw: st.DrawFn, whole: bool, low: float, high: float) -> dict[str, Any]:
    margin = 0 if whole else (high - low) * 1e-6  # some bounds are exclusive
    kind = st.integers(int(low), int(high)) if whole else st.floats(low + margin, high - margin, allow_subnormal=False)
    one, other = sorted([draw(kind), draw(kind)])
    return {"low": one, "high": other} | ({"log": True} if one > 0 and draw(st.booleans()) else {})


@st.composite
def stepped(draw: st.DrawFn, whole: bool, low: float, high: float) -> dict[str, Any]:
    step = draw(st.integers(1, 3)) if whole else draw(st.sampled_from([0.0625, 0.1, 0.125]))
    most = int((high - low) / step) - 2
    if most < 1 or draw(st.booleans()):
        return draw(smooth(whole, low, high))
    first, number = low + step, draw(st.integers(0, min(most, 5)))
    return {"low": first, "high": round(first + number * step, 6), "step": step}


def alternatives(cls: type[Method]) -> st.SearchStrategy[dict[str, Any]]:
    fields = {}
    for name, facts in describe_parameters(cls).items():
        if name in cls.either[1:]:
            continue  # it excludes the first of them
        if facts["type"] in ("integer", "number") and "low" in facts and "high" in facts:
            fields[name] = ranges(facts["type"] == "integer", facts["low"], facts["high"])
        elif "choices" in facts:
            fields[name] = st.lists(st.sampled_from(facts["choices"]), min_size=1, unique=True).map(
                lambda values: {"choices": values}
            )
    return st.fixed_dictionaries({"method": st.just(cls.model_fields["method"].default)}, optional=fields)


NAMED: dict[str, list[dict[str, Any]]] = {
    "retrain": [{"name": f"warm_{on}", "method": "warm_start", "on": on} for on in ("all", "new")],
    "loop_size": [
        {"name": f"of_{of}", "method": "fraction", "of": of, "rho": {"low": 0.1, "high": 0.5}}
        for of in ("pool", "labelled")
    ],
}
DENSE = {"method": "density_weighted", "beta": {"low": 0.5, "high": 2.0}}
PHASES = ["margin", "badge", "typiclust", DENSE, {"method": "power", "gamma": {"choices": [0.5, 1.0]}}]


def phases() -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(PHASES), min_size=1, max_size=3, unique_by=str)


def nested() -> st.SearchStrategy[dict[str, Any]]:
    switch = {"method": st.just("switch"), "first": phases(), "then": phases(), "at": smooth(False, 0.1, 0.9)}
    epsilon = {"method": st.just("epsilon_mix"), "strategy": phases()}
    return st.fixed_dictionaries(switch) | st.fixed_dictionaries(epsilon)


def spaces() -> st.SearchStrategy[dict[str, Any]]:
    by_knob: dict[str, list[st.SearchStrategy[Any]]] = {}
    for cls in every_method():
        name = cls.model_fields["method"].default
        if name not in ("switch", "epsilon_mix", "fraction", "warm_start"):
            by_knob.setdefault(cls.knob, []).append(alternatives(cls))
    by_knob["query_strategy"].append(nested())
    for knob, named in NAMED.items():
        by_knob[knob] += [st.just(one) for one in named]
    return st.fixed_dictionaries({}, optional={knob: some(options) for knob, options in by_knob.items()})


def some(options: list[st.SearchStrategy[Any]]) -> st.SearchStrategy[list[Any]]:
    places = st.lists(st.integers(0, len(options) - 1), min_size=1, max_size=4, unique=True)
    return places.flatmap(lambda chosen: st.tuples(*(options[place] for place in chosen)).map(list))


# What holds for each


@settings(max_examples=60)
@given(plain=spaces())
def test_a_space_survives_the_way_to_yaml_and_back(plain: dict[str, Any]) -> None:
    space = SearchSpace.from_dict(read_yaml_text(write_yaml(plain)))
    again = SearchSpace.from_dict(read_yaml_text(space.to_yaml()))
    assert again == space == SearchSpace.from_dict(plain)
    assert again.digest() == space.digest()
    assert differences(space.to_dict(), again.to_dict()) == []


def from_random(space: SearchSpace, seed: int) -> dict[str, Any]:
    return space.random_params(np.random.default_rng(seed))


def from_point(space: SearchSpace, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return space.params_at({path: float(rng.random()) for path in space.open_paths})


def from_optuna(space: SearchSpace, seed: int) -> dict[str, Any]:
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed)).ask()
    space.suggest(trial)
    return dict(trial.params)


@settings(max_examples=60)
@given(plain=spaces(), source=st.sampled_from([from_random, from_point, from_optuna]), seed=st.integers(0, 1000))
def test_parameters_lead_to_a_recipe_and_back(
    plain: dict[str, Any], source: Callable[[SearchSpace, int], dict[str, Any]], seed: int
) -> None:
    space = SearchSpace.from_dict(plain)
    params = source(space, seed)
    recipe = space.recipe_at(params)
    assert space.suggest(FixedTrial(params)) == space.suggest(GivenTrial(params)) == recipe
    again = Recipe.from_dict(read_yaml_text(recipe.to_yaml()))
    assert again == recipe
    assert space.params_of(again) == params
    assert set(params) <= set(space.open_paths)


@settings(max_examples=60)
@given(plain=spaces())
def test_the_grid_has_as_many_different_assignments_as_are_counted(plain: dict[str, Any]) -> None:
    space = SearchSpace.from_dict(plain)
    count = space.count()
    if count is not None and count <= 300:
        grid = {tuple(sorted(params.items())) for params in space.grid()}
        assert len(grid) == len(list(space.grid())) == count


@settings(max_examples=40)
@given(plain=spaces(), seed=st.integers(0, 1000))
def test_a_random_assignment_of_a_small_space_is_in_its_grid(plain: dict[str, Any], seed: int) -> None:
    space = SearchSpace.from_dict(plain)
    count = space.count()
    if count is not None and count <= 300:
        assert from_random(space, seed) in list(space.grid())
        assert from_optuna(space, seed) in list(space.grid())


# Spaces in Python


def in_python(value: Any, knob: str) -> Any:
    """Return what a person would write in Python for a part of a file: objects for ranges, choices and methods."""
    if isinstance(value, list):
        return tuple(in_python(item, knob) for item in value)
    if isinstance(value, str):
        return parse_method(knob, value)
    written = {}
    for name, part in value.items():
        if isinstance(part, dict) and "choices" in part:
            part = Choices(part["choices"])
        elif isinstance(part, dict) and "low" in part:
            part = Range(**part)
        elif name in ("first", "then", "strategy") and isinstance(part, list):
            part = in_python(part, "query_strategy")
        written[name] = part
    return parse_method(knob, value["method"]) if set(value) == {"method"} else written


@settings(max_examples=60)
@given(plain=spaces())
def test_a_space_written_in_python_equals_the_one_in_yaml(plain: dict[str, Any]) -> None:
    python = {knob: in_python(value, knob) for knob, value in plain.items()}
    assert SearchSpace.from_dict(python) == SearchSpace.from_dict(plain)


def test_methods_recipes_ranges_and_choices_may_stand_in_python() -> None:
    space = SearchSpace.from_dict(
        {
            "query_strategy": (
                parse_method("query_strategy", "typiclust"),
                {"method": "density_weighted", "beta": Range(0.1, 2, log=True)},
            ),
            "initial_sample": {"method": "random", "size": Range(5, 25, step=5)},
            "loop_size": {"method": "constant", "size": Choices([5, 10])},
            "baselines": {"mine": Recipe(query_strategy="badge")},
        }
    )
    yaml = """
query_strategy: [{method: typiclust}, {method: density_weighted, beta: {low: 0.1, high: 2, log: true}}]
initial_sample: {method: random, size: {low: 5, high: 25, step: 5}}
loop_size: {method: constant, size: {choices: [5, 10]}}
"""
    assert space.decisions == SearchSpace.from_dict(read_yaml_text(yaml)).decisions
    assert space.baseline_recipes()["mine"] == Recipe(query_strategy="badge", name="mine")


def test_a_method_object_says_what_it_was_given() -> None:
    bare, written = (
        parse_method("retrain", "warm_start"),
        parse_method("retrain", {"method": "warm_start", "on": "all"}),
    )
    assert SearchSpace.from_dict({"retrain": bare}) == SearchSpace.from_dict({"retrain": "warm_start"})
    assert SearchSpace.from_dict({"retrain": written}).to_dict()["retrain"] == {"method": "warm_start", "on": "all"}
    switch = parse_method("query_strategy", {"method": "switch", "first": "kcenter"})
    assert SearchSpace.from_dict({"query_strategy": switch}).to_dict()["query_strategy"] == {
        "method": "switch",
        "first": {"method": "kcenter"},
    }
