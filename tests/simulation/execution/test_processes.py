"""Workers and their owner play together, and share what one of them has built."""

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import warnings

import pytest

from altune.core.errors import RequestError, WorkError
from altune.core.processes import is_alive
from altune.simulation.execution import processes as crew
from altune.simulation.execution.processes import LocalPool, early_workers, processes, stop_workers
from tests.helpers.processes import wait_for_worker, where


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


def calls(function, count, jobs=2):
    with LocalPool(jobs) as pool:
        return list(pool.run(function, [(number,) for number in range(count)]))


@pytest.fixture(autouse=True, scope="module")
def no_workers_stay():
    yield
    stop_workers()


@pytest.mark.slow
def test_every_call_is_made_once_and_the_owner_makes_some():
    started = set()
    with LocalPool(2) as pool:
        while len(started) < 2:  # while the worker starts, its owner makes the calls
            started = {process for _, process in pool.run(slow_where, [(number,) for number in range(20)])}
        found = list(pool.run(slow_where, [(number,) for number in range(40)]))
    assert sorted(number for number, _ in found) == list(range(40))
    made = [process for _, process in found]
    assert len(set(made)) == 2
    assert 5 < made.count(os.getpid()) < 35


@pytest.mark.slow
def test_many_workers_leave_the_owner_free(monkeypatch):
    monkeypatch.setattr(crew, "HELPED", 1)
    found = calls(where, 20)
    assert sorted(number for number, _ in found) == list(range(20))
    assert os.getpid() not in {process for _, process in found}


def test_no_call_is_none():
    assert calls(where, 0) == []


def test_the_owner_does_not_wait_for_a_worker_that_starts():
    stop_workers()
    with LocalPool(2) as pool:
        assert not pool.begin(where, (0,))
        made = {process for _, process in pool.run(slow_where, [(number,) for number in range(5)])}
    assert made == {os.getpid()}


@pytest.mark.slow
def test_what_was_begun_before_is_yielded_too():
    wait_for_worker()
    with LocalPool(2) as team:
        for number in (100, 101):
            assert team.begin(slow_where, (number,))
            assert not team.begin(where, (0,))  # there is one worker, and it has something to do
            found = dict(team.run(slow_where, [(number,) for number in range(5)]))
            assert sorted(found) == [0, 1, 2, 3, 4, number]
            assert found[number] != os.getpid()


@pytest.mark.slow
def test_a_worker_that_dies_is_told_of(monkeypatch):
    monkeypatch.setattr(crew, "HELPED", 1)
    with pytest.raises(WorkError, match="worker process was killed or could not start"):
        calls(dying, 20)


@pytest.mark.slow
def test_workers_that_cannot_start_are_told_of(monkeypatch):
    stop_workers()
    monkeypatch.setattr(crew, "HELPED", 1)
    monkeypatch.setattr(crew, "prepare_worker", unable_to_start)
    with pytest.raises(WorkError, match="worker process was killed or could not start"):
        calls(where, 20)


def test_what_a_call_raises_is_raised():
    with pytest.raises(ValueError, match="three"):
        calls(broken, 8)
    assert len(calls(where, 2)) == 2


def test_joblib_still_works_beside_a_crew():
    """joblib shares one executor among all that runs in a process, and must find its own."""
    from joblib import Parallel, delayed

    assert len(calls(where, 3)) == 3
    assert Parallel(n_jobs=2)(delayed(abs)(-number) for number in range(4)) == [0, 1, 2, 3]
    assert len(calls(where, 3)) == 3


@pytest.mark.parametrize("jobs", [0, -2])
def test_a_number_of_processes_that_cannot_be_is_refused(jobs):
    with pytest.raises(RequestError, match="jobs must be 1 or more"):
        processes(jobs)


@pytest.mark.slow
def test_early_workers_end_with_an_error():
    start = "from altune.simulation.execution.processes import early_workers"
    code = f"{start}\nwith early_workers(2):\n    raise SystemExit(2)"
    # Workers that were left would keep the process until they are idle for too long.
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=0.8 * crew.IDLE_SECONDS)
    assert done.returncode == 2
    with pytest.raises(KeyError), early_workers(2):
        raise KeyError


_KEPT = []


def grown(number):
    """Keep 400 MB, as a worker keeps prepared blocks, and wait until loky looks at the memory again."""
    if not _KEPT:
        _KEPT.append(bytearray(b"x") * 400_000_000)
    time.sleep(1.1)
    return os.getpid()


@pytest.mark.slow
def test_a_worker_that_keeps_much_is_not_restarted(monkeypatch):
    monkeypatch.setattr(crew, "HELPED", 0)
    stop_workers()
    assert len(set(calls(grown, 4, jobs=1))) == 1
    stop_workers()


@pytest.mark.slow
def test_pools_in_use_at_once_have_workers_of_their_own(monkeypatch):
    monkeypatch.setattr(crew, "HELPED", 1)
    with LocalPool(2) as one:
        mine = {process for _, process in one.run(slow_where, [(number,) for number in range(20)])}
        with pytest.raises(ValueError, match="three"), LocalPool(2) as other:  # noqa: PT012
            theirs = {process for _, process in other.run(where, [(number,) for number in range(20)])}
            list(other.run(broken, [(number,) for number in range(8)]))
        assert not mine & theirs
        assert {process for _, process in one.run(slow_where, [(number,) for number in range(20)])} <= mine
    # A pool that ended well hands its workers on.
    assert {process for _, process in calls(slow_where, 20)} <= mine


@pytest.mark.slow
def test_workers_that_were_killed_while_they_waited_are_replaced(monkeypatch):
    monkeypatch.setattr(crew, "HELPED", 1)
    killed = {process for _, process in calls(where, 20)}
    for process in killed:
        os.kill(process, signal.SIGKILL)
    while any(is_alive(process, time.time()) for process in killed):
        time.sleep(0.01)
    time.sleep(0.5)  # until the executor has noticed
    assert not killed & {process for _, process in calls(where, 20)}


def in_fork(queue):
    queue.put(sorted(number for number, _ in calls(slow_where, 10)))


@pytest.mark.slow
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_a_fork_starts_workers_of_its_own_and_leaves_those_of_its_parent_alone():
    wait_for_worker()
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=in_fork, args=(queue,))
    child.start()
    assert queue.get() == list(range(10))
    child.join(600)
    assert child.exitcode == 0
    assert len(calls(slow_where, 10)) == 10


def jobs_of_a_daemon():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return processes(2), processes(-1), processes(1), [str(each.message) for each in caught]


def test_a_daemon_plays_alone_and_is_told():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        two, every, one, told = pool.apply(jobs_of_a_daemon)
    assert (two, every, one) == (1, 1, 1)
    assert [line.split(":")[0] for line in told] == ["n_jobs=2", "n_jobs=-1"]


def test_workers_that_cannot_be_started_are_one_line() -> None:
    resource = pytest.importorskip("resource")
    importlib.import_module("joblib.externals.loky.process_executor")  # while files can still be opened
    stop_workers()
    free = os.dup(0)
    os.close(free)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        with pytest.raises(WorkError, match=r"^no worker process can be started: .*Too many open files"):
            LocalPool(2).begin(where, (0,))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


LEAVE = """
import multiprocessing
from altune.simulation.execution.processes import LocalPool

def child():
    with LocalPool(9) as pool:
        pool.begin(print, ())

if __name__ == "__main__":
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
"""


@pytest.mark.slow
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork")
def test_a_child_that_ends_before_its_workers_have_started_says_nothing():
    done = subprocess.run([sys.executable, "-c", LEAVE], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
