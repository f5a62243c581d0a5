"""Workers and their owner play together, and share what one of them has built."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest
from scipy import sparse

from altune.core.errors import RequestError, WorkError
from altune.data import Dataset
from altune.recipes.recipe import Recipe
from altune.simulation.environment import make_environment
from altune.simulation.execution import processes as crew
from altune.simulation.execution.processes import LocalPool, early_workers, processes, stop_workers
from altune.simulation.execution.shared_arrays import FeatureFiles, load_block, save_block
from altune.simulation.prepared import prepare_block
from altune.simulation.trajectory import play


def where(number):
    return number, os.getpid()


def slow_where(number):
    time.sleep(0.02)
    return where(number)


def broken(number):
    if number == 3:
        raise ValueError("three")
    return where(number)


def dying(number):
    if number == 3:
        os._exit(1)
    return where(number)


def unable_to_start():
    raise ImportError("no such library")


@pytest.fixture(autouse=True, scope="module")
def no_workers_stay():
    yield
    stop_workers()


def test_every_call_is_made_once_and_the_owner_makes_some():
    started = set()
    while len(started) < 2:  # while the worker starts, its owner makes the calls
        started = {process for _, process in LocalPool(2).run(slow_where, [(number,) for number in range(20)])}
    found = list(LocalPool(2).run(slow_where, [(number,) for number in range(40)]))
    assert sorted(number for number, _ in found) == list(range(40))
    made = [process for _, process in found]
    assert len(set(made)) == 2
    assert 5 < made.count(os.getpid()) < 35


def test_many_workers_leave_the_owner_free(monkeypatch):
    monkeypatch.setattr(crew, "HELPED", 1)
    found = list(LocalPool(2).run(where, [(number,) for number in range(20)]))
    assert sorted(number for number, _ in found) == list(range(20))
    assert os.getpid() not in {process for _, process in found}


def test_no_call_is_none():
    assert list(LocalPool(2).run(where, [])) == []


def test_the_owner_does_not_wait_for_a_worker_that_starts():
    stop_workers()
    assert not LocalPool(2).begin(where, (0,))
    made = {process for _, process in LocalPool(2).run(slow_where, [(number,) for number in range(5)])}
    assert made == {os.getpid()}


def test_what_was_begun_before_is_yielded_too():
    team = LocalPool(2)
    crew._executor(1).ready.result()
    for number in (100, 101):
        assert team.begin(slow_where, (number,))
        assert not team.begin(where, (0,))  # there is one worker, and it has something to do
        found = dict(team.run(slow_where, [(number,) for number in range(5)]))
        assert sorted(found) == [0, 1, 2, 3, 4, number]
        assert found[number] != os.getpid()


def test_a_worker_that_dies_is_told_of(monkeypatch):
    monkeypatch.setattr(crew, "HELPED", 1)
    with pytest.raises(WorkError, match="worker process was killed or could not start"):
        list(LocalPool(2).run(dying, [(number,) for number in range(20)]))
    stop_workers()


def test_workers_that_cannot_start_are_told_of(monkeypatch):
    stop_workers()
    monkeypatch.setattr(crew, "HELPED", 1)
    monkeypatch.setattr(crew, "get_ready", unable_to_start)
    with pytest.raises(WorkError, match="worker process was killed or could not start"):
        list(LocalPool(2).run(where, [(number,) for number in range(20)]))
    stop_workers()


def test_what_a_call_raises_is_raised():
    with pytest.raises(ValueError, match="three"):
        list(LocalPool(2).run(broken, [(number,) for number in range(8)]))
    assert len(list(LocalPool(2).run(where, [(1,), (2,)]))) == 2


def test_joblib_still_works_beside_a_crew():
    """joblib shares one executor among all that runs in a process, and must find its own."""
    from joblib import Parallel, delayed

    assert len(list(LocalPool(2).run(where, [(1,), (2,), (3,)]))) == 3
    assert Parallel(n_jobs=2)(delayed(abs)(-number) for number in range(4)) == [0, 1, 2, 3]
    assert len(list(LocalPool(2).run(where, [(1,), (2,), (3,)]))) == 3


@pytest.mark.parametrize("jobs", [0, -2])
def test_a_number_of_processes_that_cannot_be_is_refused(jobs):
    with pytest.raises(RequestError, match="jobs must be 1 or more"):
        processes(jobs)


def test_early_workers_end_with_an_error():
    start = "from altune.simulation.execution.processes import early_workers"
    code = f"{start}\nwith early_workers(2):\n    raise SystemExit(2)"
    began = time.monotonic()
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 2
    assert time.monotonic() - began < 30
    with pytest.raises(KeyError), early_workers(2):
        raise KeyError


# what lies beside a block ---------------------------------------------------------------------------------------------


def arrays():
    return np.random.default_rng(0).normal(size=(50, 3))


def slow(build):
    def built():
        time.sleep(0.01)
        return build()

    return built


def test_an_array_is_built_once_for_all_processes(tmp_path):
    built = []

    def build():
        built.append(1)
        return arrays()

    one, other = FeatureFiles(tmp_path / "shared"), FeatureFiles(tmp_path / "shared")
    for shared in (one, other, one, other):
        found = shared.get(("geometry", 0.5, None), slow(build))
        assert np.array_equal(found, arrays())
        assert found.flags.writeable
    assert len(built) == 1
    found[:] = 0  # a copy of its own
    assert np.array_equal(FeatureFiles(tmp_path / "shared").get(("geometry", 0.5, None), build), arrays())


@pytest.mark.parametrize("key", [("a", np.float64(0.5)), "text", ("b", ("c", 1))])
def test_what_is_no_array_is_built_in_each_process(tmp_path, key):
    one, other = FeatureFiles(tmp_path / "shared"), FeatureFiles(tmp_path / "shared")
    assert one.get(key, slow(lambda: [1, 2])) == other.get(key, slow(lambda: [1, 2])) == [1, 2]
    assert not (tmp_path / "shared").exists()


def test_a_torn_file_counts_as_absent(tmp_path):
    shared = tmp_path / "shared"
    FeatureFiles(shared).get("key", slow(arrays))
    (path,) = shared.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    assert np.array_equal(FeatureFiles(shared).get("key", slow(arrays)), arrays())


def test_keys_that_a_process_writes_its_own_way_are_not_shared(tmp_path):
    shared = FeatureFiles(tmp_path / "shared")
    assert np.array_equal(shared.get(frozenset({"a", "b"}), slow(arrays)), arrays())
    assert not (tmp_path / "shared").exists()


def test_no_room_on_the_disk_is_no_error(tmp_path):
    (tmp_path / "shared").write_text("a file where the folder should be")
    assert np.array_equal(FeatureFiles(tmp_path / "shared").get("key", slow(arrays)), arrays())


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("strategy", ["typiclust", "probcover", "kcenter"])
def test_a_block_on_disk_plays_as_the_one_in_memory(tmp_path, kind, strategy):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(150, 6)) * (rng.random((150, 6)) < 0.6)
    data = Dataset(sparse.csr_array(X) if kind == "sparse" else X, rng.integers(0, 3, 150), name=kind)
    environment = make_environment(data, budget=30, loops=4)
    prepared = prepare_block(data, environment.blocks("search", 1)[0], 0)
    save_block(prepared, tmp_path / "0")
    recipe = Recipe.from_dict({"query_strategy": strategy})
    wanted = play(recipe, prepared, environment.scenario)
    for _ in range(2):
        found = play(recipe, load_block(tmp_path / "0"), environment.scenario)
        assert np.array_equal(found.rows, wanted.rows)
        assert np.array_equal(found.scores["accuracy"], wanted.scores["accuracy"])
