"""The benchmark of racing replays searches on a grid."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from altune.recipes.space import SearchSpace
from altune.simulation.execution.items import WorkItem
from altune.tuning.racing import Racing
from tests.helpers.benchmark_scripts import load
from tests.helpers.stored_curves import made_environment


@pytest.fixture
def benchmark_module():
    return load("lib.stored_search")


def a_grid(module):
    """Return two recipes on two blocks: margin has 10, 20, 40 labels, random sampling 10 and 40."""
    params = [{"query_strategy": "margin"}, {"query_strategy": "random"}]
    labels = np.array([[[10, 20, 40]] * 2, [[10, 40, -1]] * 2], dtype=np.int32)
    return module.Grid(
        name="iris",
        space=SearchSpace.from_dict({"query_strategy": ["margin", "random"]}),
        params=params,
        weights=np.full(2, 0.5),
        values=np.array([[0.7, 0.8], [0.6, 0.7]]),
        labels=labels,
        scores=np.where(labels > 0, 0.5, np.nan).astype(np.float32),
        prior=np.full(2, 0.3),
        n_pool=90,
        n_test=30,
        budget=40,
    )


def test_the_benchmark_counts_a_part_by_its_labels_and_nothing_twice(benchmark_module):
    grid, environment = a_grid(benchmark_module), made_environment()
    recipes = [grid.recipe(index) for index in range(2)]
    player = benchmark_module.StoredPlayer(grid, {one.digest(): index for index, one in enumerate(recipes)})
    block = environment.blocks("search", 1)[0]

    def play(recipe, until=None):
        (found,) = player.play([WorkItem(recipes[recipe], block, environment, until)])
        return found.labels.tolist(), found.stopped, player.work, player.anew

    assert play(0, until=15.0) == ([10, 20], "paused", 0.5, 0.5)
    assert play(0) == ([10, 20, 40], "budget", 1.0, 1.5)
    assert play(0, until=15.0) == ([10, 20], "paused", 1.0, 1.5)
    assert play(1, until=15.0) == ([10, 40], "budget", 2.0, 2.5)
    assert play(1) == ([10, 40], "budget", 2.0, 2.5)
    assert (player.asked, player.again) == (2, 0)
    assert play(0) == ([10, 20, 40], "budget", 2.0, 2.5)
    assert (player.asked, player.again) == (3, 1)


def test_a_search_is_replayed_on_a_grid(benchmark_module):
    decisions = {
        "initial_sample": ["random", "kmeans"],
        "query_strategy": ["random", "margin"],
        "retrain": ["reset", "warm_start"],
        "training": ["constant", {"method": "power", "exponent": 1.0}],
    }
    space = SearchSpace.from_dict(decisions)
    params = [
        dict(zip(decisions, chosen, strict=True))
        for chosen in product(*(space.decisions[knob].labels for knob in decisions))
    ]
    level = np.linspace(0.4, 0.9, len(params))[:, None] * np.ones(12)
    labels = np.broadcast_to(np.array([10, 20, 40], dtype=np.int32), (len(params), 12, 3))
    grid = replace(
        a_grid(benchmark_module),
        space=space,
        params=params,
        weights=np.full(len(params), 1 / len(params)),
        values=level,
        labels=labels,
        scores=np.repeat(level[:, :, None], 3, axis=2).astype(np.float32),
        prior=np.full(12, 0.3),
    )
    layout = benchmark_module.Layout(search=5, leaders=0, select=3, policies={})
    stage = benchmark_module.Stage(grid, made_environment(budget=40), layout, 0)
    found = stage.search(Racing(racing=0.1), "random", 24)
    assert len(found.trials) == 24
    assert found.work == sorted(found.work)
    best = max(found.trials, key=lambda trial: trial.value or 0.0)
    assert stage.regret(found.trials) == pytest.approx(0.9 - grid.values[params.index(best.params), 0])


def test_equal_work_ends_with_the_last_batch_that_fits(benchmark_module):
    found = benchmark_module.Replayed(work=[5.0] * 4 + [9.0] * 4 + [12.0] * 4)
    assert [found.trials_for(work) for work in (0.0, 5.0, 11.9, 12.0)] == [4, 4, 8, 12]
