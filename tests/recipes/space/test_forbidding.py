"""Forbidden combinations."""

from __future__ import annotations

from typing import Any

import pytest

from altune.core.errors import FormatError
from altune.recipes.recipe import Capabilities
from altune.recipes.space import SearchSpace

FORBIDDING = {
    "query_strategy": ["margin", "badge", {"method": "density_weighted", "beta": {"low": 0.0, "high": 2.0}}],
    "loop_size": {"method": "constant", "size": {"choices": [5, 10, 20]}},
    "forbid": [{"query_strategy": ["badge", "margin"], "loop_size.constant.size": 5}],
}


def test_a_forbidden_combination_is_told_and_others_may_be_played() -> None:
    space = SearchSpace.from_dict(FORBIDDING)
    assert SearchSpace.from_dict(space.to_dict()) == space
    bad = space.recipe_at({"query_strategy": "badge", "loop_size.constant.size": 5})
    assert space.check_draw(bad, Capabilities()) == (
        "the space forbids query_strategy: badge or margin with loop_size.constant.size: 5"
    )
    for strategy, size in [("badge", 10), ("margin", 20)]:
        fine = space.recipe_at({"query_strategy": strategy, "loop_size.constant.size": size})
        assert space.check_draw(fine, Capabilities()) is None
    other = {"query_strategy": "density_weighted", "query_strategy.density_weighted.beta": 0.0}
    assert space.check_draw(space.recipe_at({**other, "loop_size.constant.size": 5}), Capabilities()) is None


def test_overlapping_alternatives_are_told_apart_by_the_trials_parameters() -> None:
    space = SearchSpace.from_dict(
        {
            "initial_sample": [
                {"name": "small", "method": "random", "size": {"low": 5, "high": 30}},
                {"name": "large", "method": "random", "size": {"low": 20, "high": 60}},
            ],
            "forbid": [{"initial_sample": "large"}],
        }
    )
    small = {"initial_sample": "small", "initial_sample.small.size": 25}
    large = {"initial_sample": "large", "initial_sample.large.size": 25}
    recipe = space.recipe_at(small)
    assert recipe == space.recipe_at(large)
    assert space.check_draw(recipe, Capabilities(), small) is None
    assert "large" in str(space.check_draw(recipe, Capabilities(), large))


def test_a_rule_on_the_model_holds_for_a_model_fixed_later() -> None:
    space = SearchSpace.from_dict(
        {"query_strategy": ["margin", "badge"], "forbid": [{"model": "svm_rbf", "query_strategy": "badge"}]}
    )
    badge = {"query_strategy": "badge"}
    assert space.check_draw(space.recipe_at(badge), Capabilities()) is None
    fixed = space.with_fixed(model="svm_rbf")
    assert fixed.check_draw(fixed.recipe_at(badge), Capabilities()) is not None


@pytest.mark.parametrize(
    ("forbid", "place", "says"),
    [
        ({}, "forbid", "list of mappings"),
        ([{}], "forbid[0]", "mapping of Optuna paths"),
        ([{"query_strategi": "margin"}], "forbid[0].query_strategi", "did you mean 'query_strategy'"),
        ([{"query_strategy": "badg"}], "forbid[0].query_strategy", "did you mean 'badge'"),
        ([{"query_strategy": ["badge", "entropy"]}], "forbid[0].query_strategy", "'entropy' is never drawn"),
        ([{"query_strategy": []}], "forbid[0].query_strategy", "the list is empty"),
        ([{"loop_size.constant.size": 7}], "forbid[0].loop_size.constant.size", "7 is never drawn"),
        ([{"query_strategy.badge.beta": 1}], "forbid[0].query_strategy.badge.beta", "no such path"),
        (
            [{"query_strategy": "badge"}, {"query_strategy.density_weighted.beta": 3.0}],
            "forbid[1].query_strategy.density_weighted.beta",
            "3.0 is never drawn",
        ),
        ([{"model": "mlpp"}], "forbid[0].model", "did you mean 'mlp'"),
    ],
)
def test_a_rule_that_can_never_match_is_refused(forbid: Any, place: str, says: str) -> None:
    with pytest.raises(FormatError) as caught:
        SearchSpace.from_dict({**FORBIDDING, "forbid": forbid}, "s.yaml")
    assert caught.value.path == place
    assert says in str(caught.value)


def test_rules_about_what_was_left_out_go_with_it() -> None:
    space = SearchSpace.from_dict(
        {"retrain": ["reset", "warm_start"], "model": "random_forest", "forbid": [{"retrain": "warm_start"}]}
    )
    left, _ = space.narrow(Capabilities())
    assert left.forbid == ()
    assert SearchSpace.from_dict(left.to_dict()) == left
