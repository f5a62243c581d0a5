"""Workers do what their owner hands out; one that dies or hangs does not end the work of the others."""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from pathlib import Path

import pytest

from altune.core.errors import RequestError, WorkError
from altune.core.processes import is_alive
from altune.simulation.execution import crews
from altune.simulation.execution import processes as crew
from altune.simulation.execution.processes import CannotSend, Ended, LocalPool, early_workers, processes, stop_workers
from altune.simulation.execution.serving import announce
from tests.helpers.processes import PATIENCE, call, wait_for_worker, where


def slow_where(number):
    time.sleep(0.02)
    return where(number)


def broken(number):
    if number == 3:
        raise ValueError("three")
    return where(number)


def dying(number):
    if number == 3:
        os._exit(7)
    if number == 4:
        os.kill(os.getpid(), signal.SIGSEGV)
    return where(number)


def dying_once(number, path):
    if not os.path.exists(path):
        open(path, "w").close()
        os._exit(1)
    return number, len(os.listdir(os.path.dirname(path)))


def calls(function, count, jobs=2):
    with LocalPool(jobs) as pool:
        return list(pool.run(function, [call(number) for number in range(count)]))


@pytest.fixture(autouse=True, scope="module")
def no_workers_stay():
    yield
    stop_workers()


@pytest.mark.slow
def test_every_call_is_made_once_by_workers():
    found = calls(slow_where, 20)
    assert sorted(number for number, _ in found) == list(range(20))
    made = {process for _, process in found}
    assert len(made) == 2
    assert os.getpid() not in made


def test_no_call_is_none():
    assert calls(where, 0) == []


@pytest.mark.slow
def test_what_was_begun_before_is_yielded_too():
    wait_for_worker()
    with LocalPool(1) as team:
        for number in (100, 101):
            assert team.begin(slow_where, call(number))
            assert not team.begin(where, call(0))  # there is one worker, and it has something to do
            found = dict(team.run(slow_where, [call(number) for number in range(5)]))
            assert sorted(found) == [0, 1, 2, 3, 4, number]
            assert found[number] != os.getpid()


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_call_that_ends_its_process_twice_is_given_up_and_the_others_are_made(jobs):
    found = calls(dying, 8, jobs)
    ended = {result.call.arguments[0]: result.reason for result in found if isinstance(result, Ended)}
    assert sorted(result[0] for result in found if not isinstance(result, Ended)) == [0, 1, 2, 5, 6, 7]
    assert ended.keys() == {3, 4}
    assert "in each of 2 attempts" in ended[3]
    assert "exit code 7" in ended[3]
    assert "signal 11 (SIGSEGV)" in ended[4]


@pytest.mark.slow
def test_a_call_that_ends_its_process_once_is_made_again(tmp_path):
    with LocalPool(2) as pool:
        assert list(pool.run(dying_once, [call(5, str(tmp_path / "begun"))])) == [(5, 1)]


def hanging(number, how):
    if number:
        return number
    announce()
    if how == "compiled":
        ctypes.PyDLL(None).sleep(3600)  # keeps the lock of Python
    while True:
        try:
            time.sleep(3600)
        except BaseException:  # what a careless method does
            continue


@pytest.mark.slow
@pytest.mark.parametrize("how", ["python", "compiled"])
def test_a_call_that_does_not_stop_is_ended_and_the_others_go_on(how, monkeypatch):
    monkeypatch.setattr(crew, "GRACE_SECONDS", 0.2)
    with LocalPool(2) as pool:
        found = list(pool.run(hanging, [call(number, how, limit=0.1) for number in range(6)]))
    assert [result.reason for result in found if isinstance(result, Ended)] == [""]
    assert sorted(result for result in found if not isinstance(result, Ended)) == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_a_worker_that_is_stopped_for_a_while_goes_on():
    wait_for_worker()
    with LocalPool(1) as pool:
        ((_, process),) = pool.run(where, [call(0)])
        assert pool.begin(slow_where, call(1))
        os.kill(process, signal.SIGSTOP)
        timer = threading.Timer(0.3, os.kill, (process, signal.SIGCONT))
        timer.start()
        assert list(pool.run(where, [])) == [(1, process)]
        timer.join()


def test_what_cannot_be_sent_is_named():
    with pytest.raises(CannotSend, match=r"cannot be sent to another process.*lock"), LocalPool(1) as pool:
        list(pool.run(where, [call(threading.Lock())]))


@pytest.mark.slow
def test_workers_that_cannot_start_are_named(monkeypatch):
    stop_workers()
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(WorkError, match="a worker process could not start"):
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
    with pytest.raises(RequestError, match="jobs must be from 1 to 1024"):
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


@pytest.mark.slow
def test_pools_in_use_at_once_have_workers_of_their_own():
    with LocalPool(2) as one:
        mine = {process for _, process in one.run(slow_where, [call(number) for number in range(20)])}
        with pytest.raises(ValueError, match="three"), LocalPool(2) as other:  # noqa: PT012
            theirs = {process for _, process in other.run(where, [call(number) for number in range(20)])}
            list(other.run(broken, [call(number) for number in range(8)]))
        assert not mine & theirs
        assert {process for _, process in one.run(slow_where, [call(number) for number in range(20)])} <= mine
    # A pool that ended well hands its workers on.
    assert {process for _, process in calls(slow_where, 20)} <= mine


@pytest.mark.slow
def test_workers_that_were_killed_while_they_waited_are_replaced():
    killed = {process for _, process in calls(where, 20)}
    for process in killed:
        os.kill(process, signal.SIGKILL)
    while any(is_alive(process, time.time()) for process in killed):
        time.sleep(0.01)
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
    stop_workers()
    free = os.dup(0)
    os.close(free)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        with pytest.raises(WorkError, match=r"^no worker process can be started: .*Too many open files"):
            LocalPool(2).begin(where, call(0))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


LEAVE = """
import multiprocessing
from altune.simulation.execution.processes import LocalPool
from tests.helpers.processes import call

def child():
    with LocalPool(9) as pool:
        pool.begin(print, call())

if __name__ == "__main__":
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
"""


@pytest.mark.slow
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork")
def test_a_child_that_ends_before_its_workers_have_started_says_nothing():
    done = subprocess.run([sys.executable, "-c", LEAVE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


OWNER = """
    import sys, time
    from altune.simulation.execution.processes import LocalPool, stop_workers
    from tests.helpers.processes import call
    from tests.simulation.execution.test_processes import BUSY
    with LocalPool(2) as pool:
        list(pool.run(BUSY[sys.argv[1]], [call(sys.argv[2]), call(sys.argv[2])]))
"""


def busy_python(path):
    _sign(path)
    while True:
        pass


def busy_compiled(path):
    _sign(path)
    ctypes.PyDLL(None).sleep(3600)


def busy_elsewhere(path):
    """Work in processes of another library, as an estimator with ``n_jobs=2`` does."""
    from joblib import Parallel, delayed

    Parallel(n_jobs=2)(delayed(busy_python)(path) for _ in range(2))


BUSY = {"python": busy_python, "compiled": busy_compiled, "elsewhere": busy_elsewhere}


def _sign(path):
    Path(path, str(os.getpid())).touch()


@pytest.mark.slow
@pytest.mark.parametrize(("how", "processes"), [("python", 2), ("compiled", 2), ("elsewhere", 4)])
def test_workers_end_with_their_owner_whatever_they_are_doing(how, processes, tmp_path):
    """Killed from outside, an owner cannot end its workers itself."""
    owner = subprocess.Popen([sys.executable, "-c", textwrap.dedent(OWNER), how, str(tmp_path)])
    until = time.monotonic() + PATIENCE
    while len(started := os.listdir(tmp_path)) < processes:
        assert owner.poll() is None and time.monotonic() < until  # noqa: PT018
        time.sleep(0.01)
    owner.kill()
    owner.wait()
    until = time.monotonic() + 60  # it takes milliseconds, and two seconds where helpers of joblib clean up
    while any(is_alive(int(process), time.time()) for process in started):
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.slow
def test_workers_of_other_systems_start_die_and_end_with_their_owner(monkeypatch):
    """Where the system has no fork that is safe, each worker starts by itself."""
    stop_workers()
    monkeypatch.setattr(crew, "new_crew", crews.SpawnedCrew)
    with LocalPool(2) as pool:
        found = list(pool.run(dying, [call(number) for number in (0, 1, 3)]))
        assert {result[0] for result in found if not isinstance(result, Ended)} == {0, 1}
        assert [result.reason[-11:] for result in found if isinstance(result, Ended)] == ["exit code 7"]
        started = {process for _, process in pool.run(slow_where, [call(number) for number in range(10, 16)])}
    stop_workers()
    assert not any(is_alive(process, time.time()) for process in started)
