"""Alternatives that can never work are left out."""

from __future__ import annotations

from typing import Any

import pytest

from altune.core.errors import FormatError
from altune.recipes.recipe import Capabilities
from altune.recipes.space import SearchSpace


def test_an_alternative_that_can_never_work_is_left_out_with_its_reason() -> None:
    space = SearchSpace.from_dict(
        {"retrain": ["reset", "warm_start"], "labeling": ["single", "majority"], "model": "random_forest"}
    )
    left, reasons = space.narrow(Capabilities())
    assert left.n_open == 0
    assert left.decisions["retrain"].labels == ("reset",)
    assert len(reasons) == 2
    assert reasons[0].startswith("retrain.warm_start is left out: ")
    assert "'random_forest' has none" in reasons[0]
    assert "several annotators" in reasons[1]


def test_an_alternative_that_works_with_one_of_the_models_stays() -> None:
    space = SearchSpace.from_dict({"retrain": ["reset", "warm_start"], "model": ["random_forest", "mlp"]})
    left, reasons = space.narrow(Capabilities())
    assert (left, reasons) == (space, [])
    bad = space.recipe_at({"retrain": "warm_start", "model": "random_forest"})
    assert "resumes" in str(space.check_draw(bad, Capabilities()))
    assert space.check_draw(space.recipe_at({"retrain": "warm_start", "model": "mlp"}), Capabilities()) is None


def test_a_model_that_nothing_works_with_is_left_out() -> None:
    space = SearchSpace.from_dict({"retrain": "warm_start", "model": ["random_forest", "mlp", "naive_bayes"]})
    left, reasons = space.narrow(Capabilities(sparse=True))
    assert left.decisions["model"].labels == ("mlp",)
    assert {reason.split(" is left out: ")[0] for reason in reasons} == {"model.random_forest", "model.naive_bayes"}


def test_choices_and_nested_alternatives_that_can_never_work_are_left_out() -> None:
    space = SearchSpace.from_dict({"labeling": {"method": "majority", "annotators": {"choices": [2, 3, 9]}}})
    left, reasons = space.narrow(Capabilities(annotators=3))
    assert left.to_dict()["labeling"]["annotators"] == {"choices": [2, 3]}
    assert reasons == [
        "labeling.majority.annotators: 9 is left out: labeling 'majority' needs 9 annotators, and the scenario has 3"
    ]
    only_two, _ = space.narrow(Capabilities(annotators=2))
    assert only_two.n_open == 0


@pytest.mark.parametrize(
    ("mapping", "knob"),
    [
        ({"labeling": "majority"}, "labeling"),
        ({"retrain": "warm_start", "model": "random_forest"}, "retrain"),
        ({"model": ["naive_bayes", "hist_gradient_boosting"]}, "model"),
    ],
)
def test_a_space_with_nothing_left_is_refused(mapping: dict[str, Any], knob: str) -> None:
    with pytest.raises(FormatError, match="no alternative works") as caught:
        SearchSpace.from_dict(mapping).narrow(Capabilities(sparse=True))
    assert caught.value.path == knob


# Equal alternatives

TWO, THREE = Capabilities(n_classes=2), Capabilities(n_classes=3)
TRIO = ["entropy", "margin", "least_confidence"]


def test_two_classes_do_not_search_margin_least_confidence_and_entropy_as_three() -> None:
    space = SearchSpace.from_dict({"query_strategy": [*TRIO, "badge"]})
    left, reasons = space.narrow(TWO)
    assert left.decisions["query_strategy"].labels == ("margin", "badge")
    assert reasons == [
        "query_strategy.entropy and query_strategy.least_confidence are left out: with two classes they select "
        "what margin selects"
    ]
    assert space.narrow(THREE) == (space, [])


def test_several_data_sets_keep_what_differs_on_one_of_them() -> None:
    space = SearchSpace.from_dict({"query_strategy": TRIO})
    assert space.narrow(TWO, THREE)[0] == space
    assert space.narrow(TWO, TWO)[0].decisions["query_strategy"].labels == ("margin",)


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (["entropy"], ["entropy"]),
        (["entropy", "random"], ["entropy", "random"]),
        (["entropy", "least_confidence"], ["entropy"]),
        (["margin", {"method": "entropy", "query_model": "naive_bayes"}], ["margin", "entropy"]),
        ([{"method": "power", "uncertainty": {"choices": ["margin", "entropy"]}}], ["power"]),
    ],
)
def test_only_what_is_equal_is_left_out(given: list[Any], left: list[str]) -> None:
    kept, _ = SearchSpace.from_dict({"query_strategy": given}).narrow(TWO)
    assert list(kept.decisions["query_strategy"].labels) == left
    assert kept.open_paths == [path for path in SearchSpace.from_dict({"query_strategy": given}).open_paths if
                               path != "query_strategy" or len(left) > 1]  # fmt: skip


def test_equal_strategies_inside_another_are_left_out_too() -> None:
    mixture = {"method": "mixture", "first": "density_weighted", "second": TRIO}
    left, reasons = SearchSpace.from_dict({"query_strategy": mixture}).narrow(TWO)
    assert left.n_open == 0
    assert reasons[0].startswith("query_strategy.mixture.second.entropy and query_strategy.mixture.second.least")


def test_alternatives_that_a_rule_forbids_in_some_combination_are_kept() -> None:
    rule = {"query_strategy": "margin", "retrain": "reset"}
    space = SearchSpace.from_dict({"query_strategy": TRIO, "retrain": ["reset", "warm_start"], "forbid": [rule]})
    left, _ = space.narrow(TWO)
    assert left.decisions["query_strategy"].labels == ("entropy", "margin")
