"""Stored trajectories: what their key depends on, and how a store reads, forgets and fails."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

from altune.core.errors import AltuneWarning, RequestError, StorageError
from altune.core.registry import unregister
from altune.data import Dataset
from altune.data.blocks import Block, explicit_block
from altune.models import register_estimator
from altune.recipes.recipe import Recipe
from altune.simulation.environment import make_environment
from altune.simulation.execution.player import Player
from altune.simulation.scenario import Scenario
from altune.simulation.store import TrajectoryStore, trajectory_key
from altune.workflows.simulate import simulate
from tests.helpers.curves import same, tasks_for


def iris() -> Dataset:
    X, y = load_iris(return_X_y=True)
    return Dataset(X, y, name="iris")


@pytest.mark.filterwarnings("ignore:.*has changed since it was stored")
def test_finished_trajectories_are_read_back_and_torn_ones_are_played_again(tmp_path):
    environment = make_environment(iris(), budget=30)
    tasks = tasks_for(environment, Recipe(), Recipe(query_strategy="random"))
    store = TrajectoryStore(tmp_path / "curves")

    def played():
        told = []
        with Player(store=store) as player:
            outcomes = player.play(tasks, lambda index, outcome: told.append(index))
        assert sorted(told) == [0, 1, 2, 3]
        return player.simulated, outcomes

    simulated, first = played()
    assert simulated == 4
    files = sorted(store.folder.rglob("*.json"))
    assert len(files) == 4
    assert not list(store.folder.rglob("*.part"))
    simulated, again = played()
    assert simulated == 0
    for a, b in zip(first, again, strict=True):
        assert a.to_dict() == b.to_dict()  # the wall clock too: nothing was played
    whole = files[0].read_text()
    for torn in (whole[: len(whole) // 2], "", "null", "[]", "{}", '{"labels": 3}', whole.replace("scores", "s")):
        files[0].write_text(torn)
        simulated, repaired = played()
        assert simulated == 1, torn[:20]
        for a, b in zip(first, repaired, strict=True):
            same(a, b)


def test_a_store_that_cannot_be_written_is_a_storage_error(tmp_path):
    store = TrajectoryStore(tmp_path / "curves")
    (tmp_path / "curves").write_text("a file where the folder should be")
    with pytest.raises(RequestError, match="cannot be written"):
        TrajectoryStore(tmp_path / "curves")
    environment = make_environment(iris(), budget=30)
    with Player(store=store) as player, pytest.raises(StorageError, match="cannot be written"):
        player.play(tasks_for(environment, Recipe()))


def test_the_key_of_a_trajectory_holds_all_that_it_depends_on():
    data = iris()
    block = explicit_block(data, np.arange(100), np.arange(100, 150))
    scenario = Scenario(budget=30)

    def key(recipe=None, block=block, scenario=scenario, fingerprint="f", name="iris", seed=0, **recorded):
        return trajectory_key(recipe or Recipe(), block, scenario, fingerprint, name, seed, **recorded)

    others = [
        key(Recipe(query_strategy="random")),
        key(block=explicit_block(data, np.arange(99), np.arange(100, 150))),
        key(block=explicit_block(data, np.arange(100), np.arange(101, 150))),
        key(block=explicit_block(data, np.arange(100), np.arange(100, 150), [3])),
        key(block=dataclasses.replace(block, number=1)),
        key(block=Block("report", 0, block.pool, block.test)),
        key(scenario=Scenario(budget=31)),
        key(fingerprint="g"),
        key(name="other"),
        key(seed=1),
        key(examined=True),
        key(row_scores=True),
    ]
    assert len({key(), *others}) == len(others) + 1
    assert key() == key()
    assert key(Recipe(name="a name decides nothing")) == key()


def test_the_key_sees_what_a_users_estimator_is_made_of():
    block = explicit_block(iris(), np.arange(100), np.arange(100, 150))
    keys = []
    for depth in (2, 3, 2):
        tree = register_estimator("tree_of_test", DecisionTreeClassifier(max_depth=depth))
        keys.append(trajectory_key(Recipe(model=tree()), block, Scenario(budget=30), "f", "iris", 0))
        unregister("model", "tree_of_test")
    assert keys[0] == keys[2] != keys[1]


def test_a_full_store_forgets_what_was_longest_not_read(tmp_path: Path) -> None:
    store = TrajectoryStore(tmp_path)
    curve = simulate("vanilla", "iris", budget=10, n_blocks=1).curves[0]
    saved: list[Path] = []
    keys = [f"{number}" * 32 for number in range(6)]
    for number in range(6):
        store.save(keys[number], curve)
        saved += set(tmp_path.rglob("*.json")) - set(saved)
        os.utime(saved[number], ns=(number, number))
    assert store.load(keys[0]) is not None
    each = saved[0].stat().st_size
    assert store.prune() == 0
    assert TrajectoryStore(tmp_path, 3 * each).prune() == 3
    assert [store.load(key) is not None for key in keys] == [True, *[False] * 3, True, True]
    assert TrajectoryStore(tmp_path / "none").prune() == 0


def test_a_store_removes_its_own_files_only(tmp_path: Path) -> None:
    theirs = [tmp_path / "notes" / "mine.json", tmp_path / "ab" / "mine.json"]
    for path in theirs:
        path.parent.mkdir()
        path.write_text("{}")
    assert TrajectoryStore(tmp_path, 0).prune() == 0
    assert all(path.is_file() for path in theirs)


def test_a_trajectory_with_a_changed_digit_is_played_again_with_one_warning(tmp_path):
    tasks = tasks_for(make_environment(iris(), budget=30), Recipe(), Recipe(query_strategy="random"))
    store = TrajectoryStore(tmp_path / "curves")
    with Player(store=store) as player:
        first = player.play(tasks, lambda index, outcome: None)
    files = sorted(store.folder.rglob("*.json"))
    for path in files[:2]:
        text = path.read_text()
        at = text.index("0.", text.index('"scores"')) + 2
        path.write_text(f"{text[:at]}{int(text[at]) ^ 1}{text[at + 1 :]}")
    with Player(store=store) as player, pytest.warns(AltuneWarning, match="changed since it was stored") as warned:
        again = player.play(tasks, lambda index, outcome: None)
    assert player.simulated == 2
    (message,) = {str(one.message) for one in warned}
    assert re.search(r"changed since it was stored \([0-9a-f]{32}\.json\) is simulated again", message)
    for a, b in zip(first, again, strict=True):
        same(a, b)
