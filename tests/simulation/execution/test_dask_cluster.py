"""A Dask cluster without workers, without a scheduler, of another version, or lost while it plays."""

import os
import re
import signal
import subprocess
import sys
import threading
import warnings
from dataclasses import dataclass

import pytest

import altune
from altune.core.errors import AltuneWarning, RequestError, WorkError
from altune.simulation.execution import dask_cluster
from altune.simulation.execution.backends import make_backend

distributed = pytest.importorskip("distributed")
SMALL = {"budget": 30, "n_trials": 6, "n_blocks": 2, "batch": 2, "confirm": False}


@dataclass(frozen=True)
class Named:
    """What a pool knows of a work item."""

    key: str
    attempt: int = 0


def square(item, number):
    return item.key, number**2


def cluster_here(n_workers):
    """A scheduler, and workers in threads of this process."""
    return distributed.LocalCluster(
        n_workers=n_workers, threads_per_worker=2, processes=False, protocol="tcp", dashboard_address=None
    )


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(dask_cluster, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 3.0)
    monkeypatch.setattr(dask_cluster, "ANSWER_SECONDS", 2.0)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "missing port"),
        ("nonsense", "missing port"),
        ("127.0.0.1", "missing port"),
        ("tcp://", "missing port"),
        ("tcp://127.0.0.1:abc", "invalid literal"),
        ("tcp://127.0.0.1:99999", "port is missing"),
        ("http://127.0.0.1:8786", "unknown protocol http://"),
        ("tcp://[::1", "invalid address"),
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_is_done(address, reason):
    with pytest.raises(RequestError, match=rf"is not the address of a Dask scheduler \(.*{reason}.*\); write"):
        make_backend("dask", 1, address, ())
    with pytest.raises(RequestError, match="must be an address or a cluster of Dask, not int"):
        make_backend("dask", 1, 3, ())


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "tls://127.0.0.1:9"])
def test_a_scheduler_that_does_not_answer_is_named(address):
    with pytest.raises(WorkError, match=f"no Dask scheduler answers at {address}: "):
        altune.tune("iris", "quick", **SMALL, backend="dask", scheduler=address)


@pytest.mark.slow
def test_a_cluster_without_workers_is_left_in_one_line_and_an_adaptive_one_gets_them():
    with cluster_here(0) as cluster:
        with (
            make_backend("dask", 1, cluster, (), 0.5).open() as pool,
            pytest.warns(AltuneWarning, match="all workers are missing; waiting 0.5 s for one"),
            pytest.raises(WorkError, match=r"has had no worker for 0.5 s; start one with `dask worker tcp://"),
        ):
            list(pool.run(square, [(Named("a"), 3)]))
        cluster.adapt(minimum=0, maximum=1)
        with make_backend("dask", 1, cluster, ()).open() as pool:
            assert list(pool.run(square, [(Named("a"), 3)])) == [("a", 9)]


def test_workers_of_another_version_are_named(monkeypatch):
    with cluster_here(1) as cluster, make_backend("dask", 1, cluster, ()).open() as pool:
        monkeypatch.setattr(dask_cluster, "__version__", "0.0.9")
        with pytest.raises(RequestError, match=r"the worker tcp://\S+ of the Dask cluster has altune 0\.0\.9; all"):
            list(pool.run(square, [(Named("a"), 3)]))


@pytest.mark.slow
def test_a_run_whose_cluster_is_lost_continues_on_another_one_with_the_same_result(tmp_path):
    alone = altune.tune("iris", "quick", **SMALL)
    with cluster_here(2) as cluster:

        def lose(study, trial):
            if trial.number == 2:
                cluster.close()

        with pytest.raises(WorkError, match="the same command continues"):
            altune.tune("iris", "quick", **SMALL, backend="dask", scheduler=cluster, out=tmp_path, callbacks=[lose])
    with cluster_here(1) as cluster:
        resumed = altune.tune("iris", "quick", **SMALL, backend="dask", scheduler=cluster, out=tmp_path)
    assert [(trial.params, trial.values) for trial in resumed.trials] == [
        (trial.params, trial.values) for trial in alone.trials
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGKILL, "the connection to the Dask scheduler"), (signal.SIGSTOP, "has not answered for 2 s")],
)
def test_a_scheduler_that_dies_or_stops_ends_the_run(number, reason):
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    owner = subprocess.Popen([*command, "--no-dashboard"], stderr=subprocess.PIPE, text=True)
    try:
        while not (found := re.search(r"Scheduler at:\s+(tcp://\S+)", owner.stderr.readline())):
            pass
        with make_backend("dask", 1, found.group(1), ()).open() as pool:
            warnings.simplefilter("ignore", AltuneWarning)
            threading.Timer(0.5, os.kill, (owner.pid, number)).start()
            with pytest.raises(WorkError, match=reason):
                list(pool.run(square, [(Named("a"), 3)]))
    finally:
        owner.kill()
        owner.communicate()
