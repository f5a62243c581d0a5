"""Where worker processes run: on this machine, or on a Dask cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from altune.core.errors import RequestError
from altune.simulation.execution.processes import Call, LocalPool

if TYPE_CHECKING:
    import joblib

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


@dataclass(frozen=True, eq=False)
class Cluster:
    """The workers of a Dask cluster, through joblib."""

    parallel: joblib.Parallel

    def begin(self, function: Callable[..., Any], call: Call) -> bool:
        """Return False, because joblib sends all calls of a batch at once."""
        return False

    def run(self, function: Callable[..., Any], calls: Sequence[Call]) -> Iterator[Any]:
        """Run calls and yield the result of each."""
        import joblib

        yield from self.parallel([joblib.delayed(function)(*call) for call in calls])


@dataclass(frozen=True, eq=False)
class Dask:
    """The workers of a Dask cluster, to which each data set is sent once.

    Parameters
    ----------
    scheduler : address of the scheduler, such as ``tcp://10.0.0.5:8786``.
    datasets : data sets to send to every worker before the first call.
    """

    scheduler: str
    datasets: tuple[Dataset, ...] = ()
    shares_disk: bool = False

    @contextlib.contextmanager
    def open(self) -> Iterator[WorkerPool]:
        """Return a context manager of the pool.

        Raises
        ------
        RequestError
            If Dask is not installed or its scheduler does not answer.
        """
        import joblib

        client = self._client()
        settings: dict[str, Any] = {"backend": "dask", "scatter": list(self.datasets)}
        with contextlib.closing(client), joblib.parallel_config(**settings, client=client):
            yield Cluster(joblib.Parallel(n_jobs=-1, return_as="list", batch_size=1))

    def _client(self) -> Any:
        try:
            from distributed import Client
        except ImportError:
            raise RequestError('--backend dask needs Dask: pip install "altune[dask]"') from None
        try:
            return Client(self.scheduler, timeout=10, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TimeoutError) as error:
            raise RequestError(f"no Dask scheduler answers at {self.scheduler}: {error}") from None


def make_backend(name: str, jobs: int, scheduler: str | None, datasets: tuple[Dataset, ...]) -> Backend:
    """Return the backend ``loky`` or ``dask``.

    Raises
    ------
    RequestError
        If the name is unknown, or the scheduler's address is missing or not needed.
    """
    if name == "loky":
        if scheduler is not None:
            raise RequestError("--scheduler needs --backend dask")
        return Local(jobs)
    if name != "dask":
        raise RequestError(f"unknown backend {name!r}; accepted: dask, loky")
    if scheduler is None:
        raise RequestError("--backend dask needs --scheduler ADDRESS, such as tcp://10.0.0.5:8786")
    return Dask(scheduler, datasets)
