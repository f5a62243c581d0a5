"""The same search by one process, by loky and by the workers of a real Dask cluster of processes."""

import importlib
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest

import altune
from altune.core.errors import RequestError
from altune.simulation.execution.backends import make_backend
from altune.simulation.execution.items import Failure
from altune.simulation.store import TrajectoryStore

SMALL = {"budget": 30, "n_trials": 6, "n_blocks": 2, "select_among": 2, "select_blocks": 2, "report_blocks": 2}


@pytest.fixture(scope="module")
def scheduler():
    """A scheduler and two workers, each a process with one thread."""
    pytest.importorskip("distributed")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    owner = subprocess.Popen([*command, "--no-dashboard"], stderr=subprocess.PIPE, text=True, env=environment)
    address = None
    while address is None:
        found = re.search(r"Scheduler at:\s+(tcp://\S+)", owner.stderr.readline())
        address = found.group(1) if found else None
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nworkers", "2", "--nthreads", "1"]
    workers = subprocess.Popen([*worker, "--no-dashboard"], stderr=subprocess.DEVNULL, env=environment)
    time.sleep(1)
    yield address
    workers.terminate()
    workers.wait(300)
    owner.terminate()
    owner.communicate(timeout=300)


def values(run):
    return [(trial.number, trial.params, trial.values) for trial in run.trials]


@dataclass(frozen=True)
class Named:
    """What a pool knows of a work item."""

    key: str
    attempt: int = 0


def square(item, number):
    return item.key, number**2


def killed_by_three(item, number):
    if number == 3:
        os._exit(1)
    return item.key, number**2


def killed_once(item, marker):
    if not marker.exists():
        marker.touch()
        os._exit(1)
    return item.key, 1


def numbered(count):
    return [(Named(str(number)), number) for number in range(count)]


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced_and_a_call_that_always_kills_it_fails_alone(scheduler, tmp_path):
    with make_backend("dask", 1, scheduler, ()).open() as pool:
        assert list(pool.run(killed_once, [(Named("a"), tmp_path / "marker")])) == [("a", 1)]
        outcomes = dict(pool.run(killed_by_three, numbered(4)))
        failure = outcomes.pop("3")
        assert outcomes == {str(number): number**2 for number in (0, 1, 2)}
        assert isinstance(failure, Failure)
        assert failure.reason.startswith("ended each worker process of the cluster that played it")
        assert dict(pool.run(square, numbered(3))) == {"0": 0, "1": 1, "2": 4}


@pytest.mark.slow
def test_what_the_cluster_cannot_load_is_one_line(scheduler, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def square(item, number):\n    return item.key, number**2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    only_here = importlib.import_module("only_here")
    with make_backend("dask", 1, scheduler, ()).open() as pool:
        with pytest.raises(
            RequestError, match=r"cannot load a task .*No module named 'only_here'.* need altune"
        ) as error:
            list(pool.run(only_here.square, numbered(1)))
        assert "\n" not in str(error.value)
        assert dict(pool.run(square, numbered(2))) == {"0": 0, "1": 1}


@pytest.mark.slow
def test_dask_loky_and_one_process_agree(scheduler, tmp_path):
    alone = altune.tune("iris", "quick", **SMALL)
    assert values(altune.tune("iris", "quick", **SMALL, n_jobs=2)) == values(alone)
    far = altune.tune("iris", "quick", **SMALL, backend="dask", scheduler=scheduler, out=tmp_path / "far")
    assert values(far) == values(alone)
    assert far.answer == alone.answer
    # What came back was kept here, so nothing is played twice.
    assert len(list(TrajectoryStore(tmp_path / "far" / "trajectories").folder.rglob("*.json"))) > 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dask", 1, None), "needs --scheduler"),
        (("loky", 1, "tcp://127.0.0.1:1"), "--scheduler needs --backend dask"),
        (("loky", 1, None, (), 3.0), "--worker-timeout needs --backend dask"),
        (("spark", 1, None), "unknown backend 'spark'; accepted: dask, loky"),
    ],
)
def test_a_backend_that_cannot_be_is_refused(arguments, said):
    with pytest.raises(RequestError, match=said):
        make_backend(*(*arguments, ())[: max(4, len(arguments))])
