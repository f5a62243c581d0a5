"""Sobol sequences and grids."""

import numpy as np
import pytest
from scipy.stats.qmc import Sobol

from altune.core.errors import RequestError
from altune.tuning.samplers import SamplerPlan
from tests.helpers.samplers import CONDITIONAL, SMALL, ask, new_memory, plan_of, playable_in, search, space_of


def test_qmc_takes_the_points_of_a_sobol_sequence():
    space = space_of({key: CONDITIONAL[key] for key in ("initial_sample", "query_strategy")})
    plan = SamplerPlan("qmc", space, 5, playable_in(space))
    points = Sobol(space.n_open, scramble=True, rng=np.random.default_rng(5)).random(16)
    expected = [space.params_at(dict(zip(space.open_paths, map(float, point), strict=True))) for point in points]
    assert search(plan, new_memory(), 16) == expected


def test_qmc_passes_over_points_that_may_not_be_played():
    free, forbidding = space_of({**CONDITIONAL, "forbid": []}), space_of(CONDITIONAL)
    every = search(SamplerPlan("qmc", free, 0, lambda params: True), new_memory(), 64)
    expected = [params for params in every if playable_in(forbidding)(params)][:20]
    assert search(plan_of("qmc", CONDITIONAL), new_memory(), 20) == expected


def test_grid_plays_each_combination_once():
    plan = plan_of("grid", SMALL)
    assert plan.most_trials == 14
    memory = new_memory()
    drawn = search(plan, memory, 14)
    every = [params for params in plan.space.grid() if plan.playable(params)]
    assert sorted(map(str, drawn)) == sorted(map(str, every))
    assert drawn != every
    with pytest.raises(RequestError, match="the grid has 14 combinations that may be played, and all were asked for"):
        ask(plan, memory)
