"""Where worker processes run: on this machine, or on a Dask cluster (:mod:`.dask_cluster`)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from altune.core.errors import RequestError, did_you_mean
from altune.simulation.execution.processes import Call, LocalPool

if TYPE_CHECKING:
    from altune.data import Dataset


class WorkerPool(Protocol):
    """Worker processes that run calls."""

    def begin(self, function: Callable[..., Any], call: Call) -> bool:
        """Start a call on an idle worker, and return whether there was one; the next :meth:`run` yields its result."""

    def run(self, function: Callable[..., Any], calls: Sequence[Call]) -> Iterator[Any]:
        """Run calls and yield the result of each, and of those started by :meth:`begin`, in any order."""


class Backend(Protocol):
    """Opens a pool of worker processes."""

    @property
    def shares_disk(self) -> bool:
        """Whether the workers share the disk of this machine."""

    def open(self) -> contextlib.AbstractContextManager[WorkerPool]:
        """Return a context manager of the pool."""


@dataclass(frozen=True)
class Local:
    """Worker processes of this machine, with one thread each."""

    jobs: int
    shares_disk: bool = True

    def open(self) -> contextlib.AbstractContextManager[WorkerPool]:
        """Return a context manager of the pool."""
        return LocalPool(self.jobs)


def make_backend(
    name: str, jobs: int, scheduler: object, datasets: tuple[Dataset, ...], worker_timeout: float | None = None
) -> Backend:
    """Return the backend ``loky`` or ``dask``.

    Parameters
    ----------
    name : name of the backend.
    jobs : number of processes of ``loky``.
    scheduler : address of the scheduler of ``dask``, or a cluster of Dask.
    datasets : data sets that are sent to the workers of ``dask``.
    worker_timeout : seconds without any worker of ``dask`` after which to give up; None for the default.

    Raises
    ------
    RequestError
        If the name is unknown, or the scheduler's address is wrong, missing or not needed.
    MissingExtraError
        If Dask is not installed.
    """
    if name == "loky":
        for option, value in (("--scheduler", scheduler), ("--worker-timeout", worker_timeout)):
            if value is not None:
                raise RequestError(f"{option} needs --backend dask")
        return Local(jobs)
    if name != "dask":
        raise RequestError(f"unknown backend {name!r}; {did_you_mean(name, ('dask', 'loky'))}")
    if scheduler is None:
        raise RequestError("--backend dask needs --scheduler ADDRESS, such as tcp://10.0.0.5:8786")
    from altune.simulation.execution.dask_cluster import WORKER_SECONDS, Dask, address_of

    return Dask(address_of(scheduler), datasets, WORKER_SECONDS if worker_timeout is None else worker_timeout)
