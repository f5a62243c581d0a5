"""Changes to a space from the command line: closing, opening, replacing, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from altune.core.errors import FormatError
from altune.recipes.space import Range, SearchSpace

STANDARD = SearchSpace.load("standard")


def part(space: SearchSpace, knob: str, label: str) -> dict[str, Any]:
    plain = space.to_dict()[knob]
    alternatives = plain if isinstance(plain, list) else [plain]
    [found] = [item for item in alternatives if item.get("name", item["method"]) == label]
    return dict(found)


def test_settings_close_open_and_replace() -> None:
    space = STANDARD.set_values(
        [
            "loop_size={method: constant, size: 10}",
            "initial_sample.typiclust.size=20",
            "initial_sample.kmeans.size={low: 5, high: 40}",
            "query_strategy.switch.first=[typiclust, kcenter]",
            "query_strategy.mixture.first.density_weighted.beta={choices: [1, 2]}",
            "query_strategy.badge=bait",
            "stopping=target",
        ]
    )
    assert space.to_dict()["loop_size"] == {"method": "constant", "size": 10}
    assert part(space, "initial_sample", "typiclust")["size"] == 20
    assert part(space, "initial_sample", "kmeans")["size"] == {"low": 5, "high": 40}
    assert part(space, "query_strategy", "switch")["first"] == [{"method": "typiclust"}, {"method": "kcenter"}]
    assert part(space, "query_strategy", "mixture")["first"]["beta"] == {"choices": [1.0, 2.0]}
    assert "bait" in space.decisions["query_strategy"].labels
    assert "badge" not in space.decisions["query_strategy"].labels
    assert space.fixed()["stopping"].method == "target"
    assert list(space.decisions) == ["initial_sample", "loop_size", "stopping", "query_strategy", "training"]
    assert part(STANDARD, "initial_sample", "typiclust")["share"] == {"low": 0.025, "high": 0.3, "log": True}
    assert "share" not in part(space, "initial_sample", "typiclust"), "a size takes the place of a share"


def test_later_settings_build_on_earlier_ones() -> None:
    space = STANDARD.set_values(["query_strategy=density_weighted", "query_strategy.beta={low: 0.5, high: 2}"])
    assert space.to_dict()["query_strategy"] == {"method": "density_weighted", "beta": {"low": 0.5, "high": 2.0}}


def test_a_label_may_be_left_out_where_there_is_but_one_alternative() -> None:
    short = STANDARD.set_values(["model.C={low: 0.1, high: 10, log: true}"])
    long = STANDARD.set_values(["model.logistic_regression.C={low: 0.1, high: 10, log: true}"])
    assert short == long
    assert short.open_paths[-1] == "model.logistic_regression.C"
    nested = STANDARD.set_values(["query_strategy.mixture.first.beta=1"])
    assert part(nested, "query_strategy", "mixture")["first"] == {"method": "density_weighted", "beta": 1.0}


def test_a_nested_method_that_no_file_names_is_changed_from_its_default() -> None:
    space = SearchSpace.from_dict({"query_strategy": "mixture"}).set_values(["query_strategy.first.beta=2"])
    assert space.fixed()["query_strategy"].to_dict()["first"]["beta"] == 2.0


def test_an_alternative_keeps_its_name_and_takes_other_parameters() -> None:
    space = SearchSpace.load("full").set_values(["retrain.warm_new={on: new, replay: 0.25}"])
    assert part(space, "retrain", "warm_new") == {
        "name": "warm_new",
        "method": "warm_start",
        "on": "new",
        "replay": 0.25,
    }


def test_python_values_are_taken_too() -> None:
    assert STANDARD.set_values({"initial_sample.random.size": Range(5, 9)}) == STANDARD.set_values(
        ["initial_sample.random.size={low: 5, high: 9}"]
    )


@pytest.mark.parametrize(
    ("setting", "place", "says"),
    [
        ("query_strategi=margin", "query_strategi", "did you mean 'query_strategy'"),
        ("query_strategy.margn=1", "query_strategy.margn", "did you mean 'margin'"),
        ("loop_size.growth=2", "loop_size.growth", "write loop_size.geometric.growth"),
        ("loop_size.geometric.grwth=2", "loop_size.geometric.grwth", "did you mean 'growth'"),
        ("query_strategy=[margin, margn]", "query_strategy[1].method", "did you mean 'margin'"),
        ("query_strategy.switch.first=[{method: badge, x: 1}]", "query_strategy.switch.first[0].x", "no parameter 'x'"),
        ("query_strategy.switch.first.badg=1", "query_strategy.switch.first.badg", "accepted: typiclust"),
        ("query_strategy.switch.at.x=1", "query_strategy.switch.at.x", "a plain value"),
        ("query_strategy.margin.query_model.C=1", "query_strategy.margin.query_model.C", "not set"),
        ("query_strategy.margin=badge", "query_strategy.margin", "'badge' occurs twice"),
        ("initial_sample.random.size=1e9", "initial_sample.random.size", "not accepted"),
        ("initial_sample.random.size={low: 9, high: 5}", "initial_sample.random.size", "low 9 is above high 5"),
        ("model.c=1", "model.c", "accepted: C"),
        ("query_strategy=null", "query_strategy", "None is not a method"),
        ("query_strategy=[a", "query_strategy", "cannot be read: not well-formed YAML"),
        ("query_strategy=margin\nmodel: mlp", "query_strategy", "more than one value"),
        ("query_strategy=&a margin", "query_strategy", "anchor"),
        ("query_strategy", "", "write PATH=VALUE"),
        ("query_strategy=", "", "write PATH=VALUE"),
    ],
)
def test_a_wrong_setting_is_refused_at_its_path(setting: str, place: str, says: str) -> None:
    with pytest.raises(FormatError) as caught:
        STANDARD.set_values([setting])
    assert caught.value.path == place
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_knob_is_closed_at_what_baselines_have_for_it() -> None:
    closed = STANDARD.close("query_strategy").close("initial_sample").close("training").close("model")
    assert closed.fixed()["query_strategy"] == STANDARD.base_recipe().query_strategy
    assert closed.fixed()["model"].method == "logistic_regression"
    assert closed.open_paths == ["loop_size", "loop_size.geometric.growth"]
    one = SearchSpace.from_dict({"initial_sample": {"method": "kmeans", "size": {"low": 5, "high": 9}}})
    assert one.close("initial_sample").fixed()["initial_sample"].to_dict() == {"method": "kmeans"}
    with pytest.raises(FormatError, match="did you mean 'query_strategy'"):
        STANDARD.close("query_strateg")


def test_rules_about_what_is_gone_go_with_it() -> None:
    space = SearchSpace.from_dict(
        {
            "query_strategy": ["margin", "badge", "entropy"],
            "loop_size": {"method": "constant", "size": {"choices": [5, 10]}},
            "forbid": [{"query_strategy": ["badge", "entropy"], "loop_size.constant.size": 5}],
        }
    )
    left = space.set_values(["query_strategy=[margin, badge]"])
    assert left.to_dict()["forbid"] == [{"query_strategy": "badge", "loop_size.constant.size": 5}]
    assert space.close("query_strategy").forbid == ()
    assert space.set_values(["loop_size.constant.size=10"]).forbid == ()
    assert SearchSpace.from_dict(left.to_dict()) == left
