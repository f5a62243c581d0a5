"""Players: other processes play the same, equal tasks are played once, and failures have a reason."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_iris

from altune.core.errors import WorkError
from altune.data import Dataset
from altune.data.blocks import explicit_block
from altune.recipes.recipe import Recipe
from altune.simulation.annotators import Annotator
from altune.simulation.curve import NOTHING, LearningCurve
from altune.simulation.environment import make_environment
from altune.simulation.execution.items import Failure, WorkItem
from altune.simulation.execution.player import Player
from altune.simulation.scenario import Scenario
from altune.simulation.store import TrajectoryStore
from tests.helpers.curves import same, tasks_for
from tests.helpers.processes import wait_for_worker


def iris() -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris")


@pytest.mark.slow
def test_other_processes_play_what_this_one_plays():
    noisy = Scenario(budget=30, loops=4, annotators=(Annotator(error=0.1),) * 3)
    environment = make_environment(iris(), scenario=noisy)
    tasks = tasks_for(
        environment, Recipe(), Recipe(labeling={"method": "majority"}, model={"method": "sgd", "max_epochs": 5})
    )
    played = []
    for jobs in (1, 2):
        with Player(jobs=jobs) as player:
            played.append(player.play(tasks))
            assert player.simulated == len(tasks)
    for a, b in zip(*played, strict=True):
        same(a, b)


@pytest.mark.slow
def test_what_a_worker_began_is_played_once_and_counted(tmp_path):
    environment = make_environment(iris(), budget=30)
    tasks = tasks_for(environment, Recipe(), Recipe(query_strategy="random"))
    store = TrajectoryStore(tmp_path / "curves")
    with Player() as here:
        alone = here.play(tasks)
    with Player(store=store, jobs=2) as player:
        wait_for_worker()
        player.begin(tasks)
        until = time.monotonic() + 600
        while not list(store.folder.rglob("*.json")) and time.monotonic() < until:
            time.sleep(0.01)
        for _ in range(2):
            for a, b in zip(alone, player.play(tasks), strict=True):
                same(a, b)
            player.begin(tasks)  # all are there
        assert (player.simulated, player.read_back) == (len(tasks), len(tasks))


def test_a_play_again_is_the_same_and_equal_tasks_are_played_once():
    environment = make_environment(iris(), budget=30)
    tasks = tasks_for(environment, Recipe(), Recipe(name="again"))
    with Player() as player:
        first = player.play(tasks)
        assert player.simulated == 2
    with Player() as player:
        for a, b in zip(first, player.play(tasks), strict=True):
            same(a, b)


def test_a_trajectory_that_fails_is_a_failure_with_its_reason():
    environment = make_environment(iris(), budget=30)
    broken = explicit_block(environment.dataset, np.arange(60), np.arange(60, 150))
    tasks = [WorkItem(Recipe(), broken, environment), *tasks_for(environment, Recipe(), blocks=1)]
    cannot = Recipe(model="naive_bayes", retrain={"method": "warm_start", "on": "all"})
    with Player() as player:
        failed, *fine = player.play([WorkItem(cannot, broken, environment), *tasks])
        assert isinstance(failed, Failure)
        assert failed.reason.startswith("naive_bayes cannot continue")
        assert "Traceback" in failed.details
        assert all(isinstance(outcome, LearningCurve) for outcome in fine)
        with pytest.raises(WorkError, match="naive_bayes cannot continue"):
            player.curves(cannot, [broken], environment)


def test_a_failure_names_its_attempt():
    environment = make_environment(iris(), budget=30)
    block = environment.blocks("search", 1)[0]
    cannot = Recipe(model="naive_bayes", retrain={"method": "warm_start", "on": "all"})
    items = [WorkItem(cannot, block, environment), WorkItem(cannot, block, environment, limit=1e-6, attempt=2)]
    assert items[0].key == items[1].key  # neither a limit nor an attempt changes what is played
    with Player() as player:
        assert [player.play([item])[0].attempt for item in items] == [0, 2]


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro"])
def test_scores_by_row_are_recorded_where_blocks_share_their_test_rows(metric, tmp_path):
    environment = make_environment(iris(), budget=30, loops=4, metric=metric, also=("accuracy",))
    searched, reported = (environment.blocks(role, 1)[0] for role in ("search", "report"))
    with Player(store=TrajectoryStore(tmp_path)) as player:
        scored, plain, of_search = player.play(
            [
                WorkItem(Recipe(), reported, environment),
                WorkItem(Recipe(), reported, environment, row_scores=False),
                WorkItem(Recipe(), searched, environment),
            ]
        )
    same(plain, replace(scored, row_scores=None, row_prior=None, row_classes=NOTHING, group_scores={}))
    assert plain.row_scores is of_search.row_scores is plain.by_unit(metric) is None
    for name in {metric, "accuracy"}:
        by_unit = scored.by_unit(name)
        whole = [scored.prior[name], *scored.scores[name]]
        assert len(by_unit) == len(whole)
        # Pseudo-values have nearly the metric as their mean, means over rows have it exactly.
        np.testing.assert_allclose(by_unit.mean(axis=1), whole, atol=0.0 if name == "accuracy" else 0.1)
    np.testing.assert_array_equal(scored.row_classes, iris().y[reported.test])
    with Player(store=TrajectoryStore(tmp_path)) as player:
        again = player.play([WorkItem(Recipe(), reported, environment)])[0]
        assert (player.simulated, player.read_back) == (0, 1)
    np.testing.assert_array_equal(again.row_scores, scored.row_scores)
    for name, values in scored.group_scores.items():
        np.testing.assert_allclose(again.group_scores[name], values, rtol=1e-6)


DEADLY = """
import os, sys
from pathlib import Path
from typing import ClassVar, Literal
from altune.core.registry import register
from altune.knobs.query_strategy.base import ScoreStrategy
from altune.recipes.recipe import Recipe
from altune.simulation.curve import LearningCurve
from altune.simulation.environment import make_environment
from altune.simulation.execution.player import Player
from altune.simulation.store import TrajectoryStore
from tests.helpers.curves import tasks_for

@register
class Deadly(ScoreStrategy):
    '''End the process.'''

    needs: ClassVar = frozenset()
    source: ClassVar[str] = "test"
    method: Literal["deadly"] = "deadly"

    def scores(self, pool, rng):
        os._exit(7)

tasks = tasks_for(make_environment("iris", budget=30), Recipe(query_strategy="deadly"), Recipe())
with Player(store=TrajectoryStore(Path(sys.argv[1]))) as player:
    for outcome in player.play(tasks):
        print("fine" if isinstance(outcome, LearningCurve) else outcome.reason)
"""


@pytest.mark.slow
def test_one_process_ends_with_a_deadly_recipe_once(tmp_path):
    """The next start knows the recipe, plays it in a process of its own, and continues."""
    ends = [
        subprocess.run([sys.executable, "-c", DEADLY, str(tmp_path)], capture_output=True, text=True, check=False)
        for _ in range(2)
    ]
    assert [(end.returncode, end.stdout) for end in ends[:1]] == [(7, "")]
    assert ends[1].returncode == 0, ends[1].stderr
    reason = "it ended the process that played it in each of 2 attempts, the last time with exit code 7"
    assert ends[1].stdout.splitlines() == [reason, f"{reason} on another block", "fine", "fine"]
