"""Where worker processes run: on this machine, or on a Dask cluster (:mod:`.dask_cluster`)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from altune.core.errors import RequestError, did_you_mean

if TYPE_CHECKING:
    from altune.data import Dataset


class WorkerPool(Protocol):
    """Worker processes of other machines, which run calls."""

    def run(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        """Run calls and yield the result of each, in any order."""


class Away(Protocol):
    """Opens a pool of worker processes on other machines."""

    def open(self) -> contextlib.AbstractContextManager[WorkerPool]:
        """Return a context manager of the pool."""


@dataclass(frozen=True)
class Local:
    """Worker processes of this machine, with one thread each."""

    jobs: int


Backend = Local | Away


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
