"""What is left of a space in an environment, and what differs between two spaces, in plain words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from altune.core.errors import FormatError
from altune.core.needs import Capabilities
from altune.recipes.space import SearchSpace, check_space, differences

# What is left in an environment


def test_what_can_work_is_counted_and_what_cannot_is_named() -> None:
    space = SearchSpace.from_dict(
        {
            "name": "mine",
            "labeling": ["single", {"method": "majority", "annotators": {"choices": [2, 3, 9]}}, "auto"],
            "query_strategy": [{"method": "switch", "first": ["typiclust", "random"], "at": 0.2}, "margin"],
        }
    )
    check = check_space(space, Capabilities(annotators=3))
    by_knob = {knob.knob: knob for knob in check.knobs}
    assert (check.space, check.recipes, check.forbidden_share) == ("mine", 4 * 3, 0.0)
    assert by_knob["labeling"].left == ("single", "majority", "auto")
    assert by_knob["labeling"].left_out[0].startswith("labeling.majority.annotators: 9 is left out: ")
    assert by_knob["labeling"].open["labeling.majority.annotators"] == {"choices": [2, 3]}
    assert by_knob["query_strategy"].open == {
        "query_strategy": ["switch", "margin"],
        "query_strategy.switch.first": ["typiclust", "random"],
    }
    assert by_knob["model"].given == by_knob["model"].left == ("logistic_regression",)
    assert len(check.knobs) == 9
    alone = check_space(space, Capabilities(annotators=1))
    assert {knob.knob: knob for knob in alone.knobs}["labeling"].left == ("single", "auto")


def test_the_share_of_forbidden_draws_is_estimated_with_its_reasons() -> None:
    space = SearchSpace.from_dict(
        {
            "query_strategy": ["margin", "badge"],
            "retrain": ["reset", "warm_start"],
            "model": ["random_forest", "mlp"],
            "forbid": [{"query_strategy": "badge", "model": "mlp"}],
        }
    )
    check = check_space(space, Capabilities(), draws=400)
    assert check.forbidden_share == pytest.approx(0.25 + 0.25, abs=0.06)
    assert check.forbidden == sum(count for _, count in check.reasons)
    assert check.reasons == check_space(space, Capabilities(), draws=400).reasons
    assert check.reasons != check_space(space, Capabilities(), draws=400, seed=1).reasons
    assert {reason.split(":")[0] for reason, _ in check.reasons} == {"retrain", "the space forbids query_strategy"}


def test_a_check_is_plain_values() -> None:
    plain = check_space(SearchSpace.load("full"), Capabilities(n_classes=3, annotators=5)).to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["recipes"] is None
    counts = [row["draws"] for row in plain["reasons"]]
    assert counts == sorted(counts, reverse=True)
    assert 0 < plain["forbidden_share"] < 1


def test_a_space_with_nothing_left_is_refused() -> None:
    with pytest.raises(FormatError, match="labeling: no alternative works"):
        check_space(SearchSpace.from_dict({"labeling": "majority"}), Capabilities())


# What differs

OLD = SearchSpace.load("standard").set_values(
    {
        "query_strategy.switch.first": ["typiclust", "kcenter"],
        "model": {"method": "mlp", "alpha": {"low": 1e-3, "high": 0.1}},
    }
)


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        (
            "initial_sample.typiclust.share",
            {"low": 0.1, "high": 0.2},
            ["initial_sample.typiclust.share is {low: 0.1, high: 0.2}, in the run {low: 0.025, high: 0.3, log: true}"],
        ),
        (
            "initial_sample.typiclust.size",
            20,
            [
                "initial_sample.typiclust.share is not given, in the run {low: 0.025, high: 0.3, log: true}",
                "initial_sample.typiclust.size is 20, in the run not given",
            ],
        ),
        ("loop_size", ["constant", {"method": "geometric", "growth": {"low": 0.8, "high": 1.5}}], []),
        ("loop_size.constant.size", 10, ["loop_size.constant.size is 10, in the run not given"]),
        (
            "loop_size",
            [{"method": "geometric", "growth": {"low": 0.8, "high": 1.5}}, "constant"],
            ["loop_size has its alternatives in another order"],
        ),
        ("loop_size", "constant", ["loop_size is closed at constant, in the run it is one of constant, geometric"]),
        (
            "query_strategy.badge",
            "bait",
            ["query_strategy has bait, which the run does not have", "query_strategy lacks badge, which the run has"],
        ),
        (
            "query_strategy.switch.first",
            ["typiclust", "kcenter", "random"],
            ["query_strategy.switch.first has random, which the run does not have"],
        ),
        (
            "query_strategy.switch.first",
            "random",
            ["query_strategy.switch.first is closed at random, in the run it is one of typiclust, kcenter"],
        ),
        (
            "query_strategy.mixture.first.beta",
            1,
            ["query_strategy.mixture.first.density_weighted.beta is 1.0, in the run {low: 0.5, high: 2.0}"],
        ),
        ("model.alpha", 0.5, ["model.mlp.alpha is 0.5, in the run {low: 0.001, high: 0.1}"]),
        (
            "model",
            {"method": "sgd", "alpha": 0.5},
            [
                "model is closed at {method: sgd, alpha: 0.5}, "
                "in the run it is {method: mlp, alpha: {low: 0.001, high: 0.1}}"
            ],
        ),
        ("retrain", "warm_start", ["retrain is warm_start, in the run it is not given"]),
    ],
)
def test_what_differs_is_said_in_plain_words(path: str, value: Any, lines: list[str]) -> None:
    new = OLD.set_values({path: value})
    assert differences(OLD.to_dict(), new.to_dict()) == lines
    assert bool(lines) == (new.digest() != OLD.digest())


def test_names_alternatives_rules_and_baselines_are_compared() -> None:
    old = {
        "name": "a",
        "retrain": [{"name": "x", "method": "reset"}, {"name": "y", "method": "warm_start"}],
        "baselines": {"one": {"retrain": "reset"}, "two": {"retrain": "reset"}},
        "forbid": [{"retrain": "x"}],
    }
    new = {
        "name": "b",
        "retrain": [{"name": "x", "method": "reset"}, {"name": "y", "method": "shrink_perturb"}],
        "baselines": {"one": {"retrain": "warm_start"}, "three": {"retrain": "reset"}},
        "forbid": [{"retrain": ["x", "y"]}],
    }
    assert differences(old, {**old, "name": "b"}) == []
    assert differences(old, new) == [
        "retrain.y is the method shrink_perturb, in the run warm_start",
        "baselines has three, which the run does not have",
        "baselines lacks two, which the run has",
        "baselines.one is {retrain: warm_start}, in the run {retrain: reset}",
        "forbid has {retrain: [x, y]}, which the run does not have",
        "forbid lacks {retrain: x}, which the run has",
    ]


def test_a_run_with_methods_that_are_not_registered_here_is_compared_too() -> None:
    old = {"query_strategy": [{"method": "their_own", "first": [{"method": "margin"}]}, {"method": "margin"}]}
    new = {"query_strategy": [{"method": "their_own", "first": {"method": "margin"}}, {"method": "margin"}]}
    assert differences(old, new) == [
        "query_strategy.their_own.first is {method: margin}, in the run [{method: margin}]"
    ]
