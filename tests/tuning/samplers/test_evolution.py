"""Evolutionary samplers."""

from tests.helpers.samplers import CONDITIONAL, NUMBERS, new_memory, plan_of, search


def test_children_inherit_what_only_some_trials_have():
    plan, memory = plan_of("nsga2", NUMBERS | {"query_strategy": CONDITIONAL["query_strategy"]}), new_memory()
    path = "query_strategy.density_weighted.beta"
    betas = [params[path] for params in search(plan, memory, 60) if path in params]
    assert len(set(betas)) < 0.8 * len(betas)
