"""The same search by one process, by loky and by the workers of a real Dask cluster of processes."""

import os
import re
import subprocess
import sys
import time

import pytest

import altune
from altune.core.errors import RequestError
from altune.simulation.execution.backends import make_backend
from altune.simulation.store import TrajectoryStore

SMALL = {"budget": 30, "n_trials": 6, "n_blocks": 2, "select_among": 2, "select_blocks": 2, "report_blocks": 2}


@pytest.fixture(scope="module")
def scheduler():
    """A scheduler and two workers, each a process with one thread."""
    pytest.importorskip("distributed")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
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
        (("spark", 1, None), "unknown backend 'spark'; accepted: dask, loky"),
    ],
)
def test_a_backend_that_cannot_be_is_refused(arguments, said):
    with pytest.raises(RequestError, match=said):
        make_backend(*arguments, ())


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    distributed = pytest.importorskip("distributed")
    client = distributed.Client
    monkeypatch.setattr(distributed, "Client", lambda address, **options: client(address, **{**options, "timeout": 1}))
    with pytest.raises(RequestError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        altune.tune("iris", "quick", **SMALL, backend="dask", scheduler="tcp://127.0.0.1:9")
