"""Every assignment of a space, one at random, one at a point: without Optuna, and just as Optuna has them."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import optuna
import pytest
from scipy.stats import ks_2samp

from altune.core.errors import FormatError, RequestError
from altune.recipes.space import SearchSpace
from altune.recipes.space.shipped import shipped_spaces

SMALL = {
    "initial_sample": {"method": "random", "size": {"low": 10, "high": 30, "step": 10}},
    "query_strategy": [
        "margin",
        {"method": "switch", "first": ["typiclust", "random"], "at": {"low": 0.1, "high": 0.3, "step": 0.1}},
        {"name": "dense", "method": "density_weighted", "beta": {"choices": [0.5, 1.0]}},
    ],
}
ONE_OF_EACH = {
    "initial_sample": {"method": "random", "size": {"low": 5, "high": 60, "log": True}},
    "loop_size": {
        "method": "geometric",
        "start": {"low": 2, "high": 20, "step": 3},
        "growth": {"low": 0.8, "high": 1.5},
    },
    "query_strategy": {"method": "density_weighted", "beta": {"low": 0.5, "high": 2.0, "step": 0.25}},
    "model": {"method": "svm_rbf", "C": {"low": 1e-2, "high": 1e3, "log": True}},
}


def accepted_by_optuna(space: SearchSpace, params: dict[str, Any]) -> bool:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(params)
    trial = study.ask()
    space.suggest(trial)
    return bool(trial.params == params)


# Counting and the grid


def test_the_grid_of_a_small_space_is_every_assignment_once() -> None:
    space = SearchSpace.from_dict(SMALL)
    grid = list(space.grid())
    assert space.count() == len(grid) == 3 * (1 + 2 * 3 + 2)
    assert len({tuple(sorted(params.items())) for params in grid}) == len(grid)
    assert grid[0] == {"initial_sample.random.size": 10, "query_strategy": "margin"}
    assert grid[1] == {
        "initial_sample.random.size": 10,
        "query_strategy": "switch",
        "query_strategy.switch.first": "typiclust",
        "query_strategy.switch.at": 0.1,
    }
    for params in grid:
        assert space.params_of(space.recipe_at(params)) == params
        assert accepted_by_optuna(space, params)


def test_a_closed_space_has_one_assignment() -> None:
    space = SearchSpace.from_dict({"query_strategy": "margin"})
    assert space.count() == 1
    assert list(space.grid()) == [{}]
    assert space.params_at({}) == space.random_params(np.random.default_rng(0)) == {}


def test_choices_that_are_not_scalars_are_given_as_they_are_stored() -> None:
    space = SearchSpace.from_dict({"loop_size": {"method": "list", "sizes": {"choices": [[5, 10], [20]]}}})
    assert [params["loop_size.list.sizes"] for params in space.grid()] == ["[5,10]", "[20]"]
    assert space.params_at({"loop_size.list.sizes": 0.5}) == {"loop_size.list.sizes": "[20]"}


def test_a_huge_grid_may_be_begun() -> None:
    sizes = {"low": 1, "high": 100_000}
    space = SearchSpace.from_dict(
        {"initial_sample": {"method": "random", "size": sizes}, "loop_size": {"method": "constant", "size": sizes}}
    )
    assert space.count() == 10**10
    last = [params["loop_size.constant.size"] for params in itertools.islice(space.grid(), 3)]
    assert last == [1, 2, 3]


def test_a_range_of_floats_has_no_grid() -> None:
    space = SearchSpace.from_dict(
        {"query_strategy": ["margin", {"method": "density_weighted", "beta": {"low": 0, "high": 1}}]}
    )
    assert space.count() is None
    with pytest.raises(RequestError, match=r"^query_strategy\.density_weighted\.beta: .* give a step"):
        space.grid()


@pytest.mark.parametrize(("low", "high", "step", "count"), [(0.1, 0.7, 0.2, 4), (0.0, 0.3, 0.1, 4), (0.7, 1.0, 0.1, 4)])
def test_steps_are_counted_as_optuna_does(low: float, high: float, step: float, count: int) -> None:
    space = SearchSpace.from_dict(
        {"query_strategy": {"method": "density_weighted", "beta": {"low": low, "high": high, "step": step}}}
    )
    assert space.count() == count
    assert all(accepted_by_optuna(space, params) for params in space.grid())


# Random draws and points


@pytest.mark.parametrize("name", sorted(shipped_spaces()))
def test_draws_and_points_of_shipped_spaces_are_assignments(name: str) -> None:
    space = SearchSpace.load(name)
    rng = np.random.default_rng(0)
    for _ in range(30):
        point = {path: float(rng.random()) for path in space.open_paths}
        for params in (space.random_params(rng), space.params_at(point)):
            assert space.params_of(space.recipe_at(params)) == params
    assert accepted_by_optuna(space, params)


def test_random_draws_are_distributed_as_those_of_optuna() -> None:
    space = SearchSpace.from_dict(ONE_OF_EACH)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    theirs, ours = [], []
    rng = np.random.default_rng(1)
    for _ in range(1500):
        trial = study.ask()
        space.suggest(trial)
        theirs.append(trial.params)
        ours.append(space.random_params(rng))
    for path in space.open_paths:
        test = ks_2samp([params[path] for params in theirs], [params[path] for params in ours])
        assert test.pvalue > 0.01, path


@pytest.mark.parametrize(
    ("path", "coordinate", "value"),
    [
        ("initial_sample.random.size", 0.0, 5),
        ("initial_sample.random.size", 0.5, 17),  # the middle of 5 to 60 on the log scale, not 32
        ("initial_sample.random.size", 1 - 2**-53, 60),
        ("loop_size.geometric.start", 0.0, 2),
        ("loop_size.geometric.start", 0.15, 5),
        ("loop_size.geometric.start", 1 - 2**-53, 20),
        ("loop_size.geometric.growth", 0.5, 1.15),
        ("query_strategy.density_weighted.beta", 0.5, 1.25),
        ("query_strategy.density_weighted.beta", 1 - 2**-53, 2.0),
        ("model.svm_rbf.C", 0.4, 1.0),
    ],
)
def test_where_a_coordinate_leads(path: str, coordinate: float, value: float) -> None:
    space = SearchSpace.from_dict(ONE_OF_EACH)
    found = space.params_at({**dict.fromkeys(space.open_paths, 0.5), path: coordinate})[path]
    assert found == pytest.approx(value)
    assert type(found) is type(value)


def test_whole_numbers_on_a_log_scale_have_the_slices_that_rounding_gives() -> None:
    space = SearchSpace.from_dict(
        {"model": {"method": "random_forest", "min_samples_leaf": {"low": 1, "high": 3, "log": True}}}
    )
    [path] = space.open_paths
    one = math.log(1.5 / 0.5) / math.log(3.5 / 0.5)  # from 0.5 to 3.5, as Optuna draws
    assert [space.params_at({path: place})[path] for place in (one - 0.01, one + 0.01)] == [1, 2]


def test_choices_have_equal_slices_and_what_is_not_asked_for_does_not_count() -> None:
    space = SearchSpace.from_dict(SMALL)
    point = dict.fromkeys(space.open_paths, 0.99)
    labels = [space.params_at({**point, "query_strategy": place})["query_strategy"] for place in (0, 0.33, 0.34, 0.67)]
    assert labels == ["margin", "margin", "switch", "dense"]
    asked = {"initial_sample.random.size": 0.0, "query_strategy": 0.0}
    assert space.params_at(asked) == {"initial_sample.random.size": 10, "query_strategy": "margin"}


@pytest.mark.parametrize(
    ("point", "place", "says"),
    [
        ({"query_strategy": 0.5}, "initial_sample.random.size", "no coordinate"),
        ({"initial_sample.random.size": 1.0}, "initial_sample.random.size", "must be in [0, 1)"),
        ({"initial_sample.random.size": float("nan")}, "initial_sample.random.size", "must be in [0, 1)"),
        ({"query_strateg": 0.5}, "query_strateg", "did you mean 'query_strategy'"),
    ],
)
def test_a_point_that_is_none_is_refused(point: dict[str, float], place: str, says: str) -> None:
    with pytest.raises(FormatError) as caught:
        SearchSpace.from_dict(SMALL).params_at(point)
    assert caught.value.path == place
    assert says in str(caught.value)


def test_every_choice_of_a_method_is_listed_nested_ones_too() -> None:
    assert SearchSpace.from_dict(SMALL).categorical_choices() == {
        "query_strategy": ("margin", "switch", "dense"),
        "query_strategy.switch.first": ("typiclust", "random"),
    }
