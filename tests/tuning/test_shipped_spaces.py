"""The shipped spaces against data of two and of ten classes, with small budgets."""

from __future__ import annotations

from typing import Any

import pytest

from altune.core.registry import parse_method
from altune.knobs.initial_sample import InitialSample
from altune.knobs.loop_size import LoopSize
from altune.recipes.space import SearchSpace
from altune.recipes.space.editing import default_decision
from altune.recipes.space.shipped import shipped_spaces
from altune.simulation.environment import Environment, make_environment
from altune.tuning.prepared_space import prepare_space
from altune.tuning.settings import Settings
from altune.tuning.study_setup import StudySetup

MONEY = {"objective": "net_value", "value": 100.0, "price_per_loop": 1.0}
SCENARIOS: dict[str, dict[str, Any]] = {
    "noisy_labels": {"annotators": [{"error": 0.2}] * 5},
    "full": {"annotators": [{"error": 0.2}] * 5},
    "costs": MONEY,
    "stopping": MONEY,
}


def environment_for(space: str, data: str, budget: int) -> Environment:
    return make_environment(data, budget=budget, **SCENARIOS.get(space, {}))


@pytest.mark.parametrize("name", shipped_spaces())
@pytest.mark.parametrize(("data", "budget"), [("breast_cancer", 20), ("breast_cancer", 300), ("digits", 40)])
def test_a_shipped_space_suits_small_budgets_and_holds_the_start_of_the_baselines(
    name: str, data: str, budget: int
) -> None:
    environment = environment_for(name, data, budget)
    setup = StudySetup([environment], prepare_space(name, [environment]), Settings())
    setup.check(confirm=True)
    usual = parse_method("initial_sample", "random")
    decision = setup.space.decisions.get("initial_sample", default_decision("initial_sample"))
    sizes = [
        method.n_rows(budget, environment.dataset.n_classes)
        for method, _ in decision.variants("initial_sample")
        if isinstance(method, InitialSample) and method.method == "random"
    ]
    assert isinstance(usual, InitialSample)
    assert min(sizes) <= usual.n_rows(budget, environment.dataset.n_classes) <= max(sizes)
    assert max(sizes) <= budget
    loops = setup.space.decisions.get("loop_size", default_decision("loop_size"))
    assert any(
        isinstance(method, LoopSize) and method.method == "constant" and method.uses_all_loops
        for method, _ in loops.variants("loop_size")
    ), "equal loops, as the baselines have"


@pytest.mark.parametrize("name", ["quick", "standard"])
def test_the_share_of_the_baselines_is_in_the_space_itself(name: str) -> None:
    space = SearchSpace.load(name)
    recipe = space.base_recipe().replace(initial_sample={"method": "random", "share": 0.05})
    assert space.params_of(recipe) is not None


def test_two_classes_are_searched_with_margin_alone_and_ten_with_all_three() -> None:
    trio = {"margin", "least_confidence", "entropy"}
    for data, left in (("breast_cancer", {"margin"}), ("digits", trio)):
        environment = environment_for("standard", data, 40)
        setup = StudySetup([environment], SearchSpace.load("standard"), Settings())
        assert trio & set(setup.space.decisions["query_strategy"].labels) == left
        assert len(setup.left_out) == (left == {"margin"})
    both = [environment_for("standard", data, 40) for data in ("breast_cancer", "digits")]
    assert StudySetup(both, SearchSpace.load("standard"), Settings()).left_out == []


# Spaces in which every recipe spends the same


@pytest.mark.parametrize("name", ["quick", "standard", "cold_start", "many_classes"])
def test_an_objective_that_rewards_thrift_is_advised_another_space(name: str) -> None:
    environment = make_environment("iris", budget=30, **MONEY)
    [line] = StudySetup([environment], SearchSpace.load(name), Settings()).notes()
    assert line.startswith(
        f"every recipe of the space {name} spreads the whole budget over all loops, so net_value can hardly"
    )
    assert "--space costs opens the number of loops and the stopping rule" in line


@pytest.mark.parametrize(
    "settings",
    [["loop_size={method: constant, share: {low: 0.1, high: 0.5}}"], ["loop_size=fraction"], ["stopping=delta_f"]],
)
def test_a_space_that_opens_loops_or_stops_needs_no_advice(settings: list[str]) -> None:
    environment = make_environment("iris", budget=30, **MONEY)
    space = SearchSpace.load("standard").set_values(settings)
    assert StudySetup([environment], space, Settings()).notes() == []
    assert StudySetup([environment], SearchSpace.load("costs"), Settings()).notes() == []
    area = make_environment("iris", budget=30)
    assert StudySetup([area], SearchSpace.load("standard"), Settings()).notes() == []


def test_recipes_of_the_costs_space_differ_in_what_they_spend() -> None:
    space = SearchSpace.load("costs")
    assert not space.spends_all()
    assert {"initial_sample", "loop_size", "stopping", "query_strategy"} == set(space.decisions)
