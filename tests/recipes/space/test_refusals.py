"""Every way in which a space can be wrong is refused at the exact place."""

from __future__ import annotations

from typing import Any

import pytest

from altune.core.errors import FormatError
from altune.recipes.space import SearchSpace


@pytest.mark.parametrize(
    ("mapping", "place", "says"),
    [
        ({"query_strategi": []}, "query_strategi", "did you mean 'query_strategy'"),
        ({"version": 3}, "version", "reads version 1"),
        ({"name": ""}, "name", "'' is not a name"),
        ({"query_strategy": []}, "query_strategy", "the list is empty"),
        ({"query_strategy": ["margin", "margn"]}, "query_strategy[1].method", "did you mean 'margin'"),
        ({"query_strategy": [{"method": "margin"}, 3]}, "query_strategy[1]", "3 is not a method"),
        ({"query_strategy": [["margin"]]}, "query_strategy[0]", "is not a method"),
        ({"query_strategy": [{"beta": 1}]}, "query_strategy[0]", "the name is missing"),
        ({"query_strategy": ["margin", "margin"]}, "query_strategy[1]", "'margin' occurs twice"),
        (
            {"retrain": [{"method": "warm_start"}, {"name": "b", "method": "warm_start"}]},
            "retrain[1]",
            "give each of them a `name:`",
        ),
        (
            {"retrain": [{"name": "a", "method": "warm_start"}, {"name": "a", "method": "warm_start"}]},
            "retrain[1].name",
            "the name 'a' occurs twice",
        ),
        ({"retrain": [{"name": "a.b", "method": "reset"}]}, "retrain[0].name", "'a.b' is not a name"),
        ({"initial_sample": {"method": "random", "sise": 3}}, "initial_sample.sise", "did you mean 'size'"),
        (
            {"query_strategy": ["margin", {"method": "density_weighted", "beta": {"low": 0, "high": 99}}]},
            "query_strategy[1].beta",
            "99",
        ),
        (
            {"query_strategy": ["margin", {"method": "density_weighted", "beta": {"low": -1, "high": 1}}]},
            "query_strategy[1].beta",
            "-1",
        ),
        (
            {"query_strategy": [{"method": "density_weighted", "beta": {"choices": [1, 99]}}]},
            "query_strategy[0].beta.choices[1]",
            "99",
        ),
        (
            {"query_strategy": {"method": "switch", "first": ["margin", {"method": "badge", "x": 1}]}},
            "query_strategy.first[1].x",
            "no parameter 'x'",
        ),
        (
            {"query_strategy": {"method": "mixture", "first": ["margin", "badge"]}},
            "query_strategy.first[1]",
            "use switch",
        ),
        (
            {"query_strategy": {"method": "switch", "first": {"choices": ["margin"]}}},
            "query_strategy.first",
            "write a list of methods",
        ),
        ({"query_strategy": {"method": "switch", "first": []}}, "query_strategy.first", "the list is empty"),
        ({"retrain": {"method": "warm_start", "on": {"low": 0, "high": 1}}}, "retrain.on", "is not a number"),
        ({"retrain": {"method": "warm_start", "on": {"choices": ["all", "nw"]}}}, "retrain.on.choices[1]", "'nw'"),
        ({"retrain": {"method": "warm_start", "on": ["all", "new"]}}, "retrain.on", "is not accepted"),
        ({"baselines": [1]}, "baselines", "mapping of names"),
        ({"baselines": {"mine": "random"}}, "baselines.mine", "mapping of knobs"),
        (
            {"baselines": {"mine": {"query_strategy": {"method": "margn"}}}},
            "baselines.mine.query_strategy.method",
            "did you mean 'margin'",
        ),
        (
            {"baselines": {"mine": {"query_strategy": ["margin", "random"]}}},
            "baselines.mine.query_strategy",
            "search space",
        ),
    ],
)
def test_a_wrong_space_is_refused_at_the_exact_place(mapping: dict[str, Any], place: str, says: str) -> None:
    with pytest.raises(FormatError) as caught:
        SearchSpace.from_dict(mapping, "s.yaml")
    assert caught.value.path == place
    assert str(caught.value).startswith(f"s.yaml: {place}: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ({"low": 9, "high": 5}, "low 9 is above high 5"),
        ({"low": 0, "high": 5, "log": True}, "low above 0"),
        ({"low": 5, "high": 9, "log": True, "step": 2}, "step and log exclude each other"),
        ({"low": 5, "high": 9, "step": 0}, "step must be above 0"),
        ({"low": 5, "high": 9, "step": 3}, "do not reach high 9; the last value is 8"),
        ({"low": 5.5, "high": 9}, "low must be an integer, not 5.5"),
        ({"low": 5, "high": True}, "high must be a number, not True"),
        ({"low": 5, "high": "9"}, "high must be a number, not '9'"),
        ({"low": 5, "high": float("inf")}, "high must be a number, not inf"),
        ({"low": 5, "high": 9, "log": "yes"}, "log must be true or false"),
        ({"low": 5}, "lacks 'high'"),
        ({"high": 5}, "lacks 'low'"),
        ({"low": 5, "hihg": 9}, "did you mean 'high'"),
        ({"min": 5, "max": 9}, "a range has no field 'min'"),
        ({}, "lacks 'low'"),
        ({"choices": []}, "choices is empty"),
        ({"choices": 5}, "choices must be a list"),
        ({"choices": [5], "log": True}, "beside `choices`"),
        ({"low": 0, "high": 9}, "0 is not accepted"),
        ({"low": 5, "high": 10**9}, "1000000000 is not accepted"),
        (True and "many", "'many' is not accepted"),
    ],
)
def test_a_wrong_range_is_refused(size: Any, says: str) -> None:
    with pytest.raises(FormatError) as caught:
        SearchSpace.from_dict({"initial_sample": ["kmeans", {"method": "random", "size": size}]})
    assert caught.value.path == "initial_sample[1].size"
    assert says in str(caught.value)


def test_a_choice_given_twice_is_refused() -> None:
    with pytest.raises(FormatError, match=r"beta.choices\[1\]: the choice 1.0 occurs twice"):
        SearchSpace.from_dict({"query_strategy": {"method": "density_weighted", "beta": {"choices": [1, 1.0]}}})


@pytest.mark.parametrize(
    ("params", "place", "says"),
    [
        ({"query_strategy": "margin"}, "initial_sample.random.size", "the parameter is missing"),
        ({"query_strategy": "badge", "initial_sample.random.size": 5}, "query_strategy", "'badge' is not a choice"),
        ({"query_strategy": "margin", "initial_sample.random.size": 10}, "initial_sample.random.size", "is not in"),
        ({"query_strategy": "margin", "initial_sample.random.size": 5.5}, "initial_sample.random.size", "is not in"),
        ({"query_strategy": "margin", "initial_sample.random.size": 5, "x": 1}, "x", "do not use this parameter"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(params: dict[str, Any], place: str, says: str) -> None:
    space = SearchSpace.from_dict(
        {"initial_sample": {"method": "random", "size": {"low": 5, "high": 9}}, "query_strategy": ["margin", "random"]}
    )
    with pytest.raises(FormatError, match=says) as caught:
        space.recipe_at(params)
    assert caught.value.path == place
