"""The first trials meet every alternative."""

from collections import Counter

import pytest

from altune.tuning.samplers.startup import n_startup
from tests.helpers.samplers import new_memory, plan_of, search


@pytest.mark.slow
@pytest.mark.parametrize("name", ["standard", "full"])
def test_the_first_trials_meet_every_alternative(name):
    plan, memory = plan_of("tpe", name), new_memory()
    search(plan, memory, int(1.3 * n_startup(plan.space)))
    for path, labels in plan.space.categorical_choices().items():
        if "." not in path:
            met = Counter(trial.params[path] for trial in memory.trials)
            assert set(met) == set(labels), path


def test_nested_decisions_are_met_in_turn():
    strategies = ["margin", "entropy", "least_confidence"]
    nested = {"query_strategy": {"method": "switch", "first": ["typiclust", "kcenter"], "then": strategies, "at": 0.3}}
    plan, memory = plan_of("tpe", nested), new_memory()
    search(plan, memory, 6)
    firsts = Counter(trial.params["query_strategy.switch.first"] for trial in memory.trials)
    thens = Counter(trial.params["query_strategy.switch.then"] for trial in memory.trials)
    assert firsts == {"typiclust": 3, "kcenter": 3}
    assert thens == {"margin": 2, "entropy": 2, "least_confidence": 2}


def test_an_alternative_that_never_works_keeps_no_other_from_being_met():
    strategies = {"query_strategy": ["margin", "entropy", "random", "least_confidence"]}
    plan = plan_of("tpe", strategies, playable=lambda params: params["query_strategy"] != "random")
    met = Counter(params["query_strategy"] for params in search(plan, new_memory(), 9))
    assert met == {"margin": 3, "entropy": 3, "least_confidence": 3}
