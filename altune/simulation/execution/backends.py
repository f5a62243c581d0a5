"""Where worker processes are: on this machine, or wherever a Dask cluster has them."""

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
    """Processes that make calls."""

    def begin(self, function: Callable[..., Any], call: Call) -> bool:
        """Begin a call beside what this process does, and return whether that could be; :meth:`run` yields it."""

    def run(self, function: Callable[..., Any], calls: Sequence[Call]) -> Iterator[Any]:
        """Make calls and yield what each returns, those begun before among them, in any order."""


class Backend(Protocol):
    """Brings processes together."""

    @property
    def shares_disk(self) -> bool:
        """Whether they share this machine's disk."""

    def open(self) -> contextlib.AbstractContextManager[WorkerPool]:
        """Return the processes, for as long as the context lasts."""


@dataclass(frozen=True)
class Local:
    """Processes of this machine, with one thread each."""

    jobs: int
    shares_disk: bool = True

    def open(self) -> contextlib.AbstractContextManager[WorkerPool]:
        """Return the processes."""
        return contextlib.nullcontext(LocalPool(self.jobs))


@dataclass(frozen=True, eq=False)
class Cluster:
    """The workers of a Dask cluster, through joblib."""

    parallel: joblib.Parallel

    def begin(self, function: Callable[..., Any], call: Call) -> bool:
        """Return False: all calls of a batch are sent at once."""
        return False

    def run(self, function: Callable[..., Any], calls: Sequence[Call]) -> Iterator[Any]:
        """Make calls and yield what each returns."""
        import joblib

        yield from self.parallel([joblib.delayed(function)(*call) for call in calls])


@dataclass(frozen=True, eq=False)
class Dask:
    """The workers of a Dask cluster, which get each data set once.

    Parameters
    ----------
    scheduler : the scheduler's address, such as ``tcp://10.0.0.5:8786``.
    datasets : sent to every worker before the first task.
    """

    scheduler: str
    datasets: tuple[Dataset, ...] = ()
    shares_disk: bool = False

    @contextlib.contextmanager
    def open(self) -> Iterator[WorkerPool]:
        """Return the workers.

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
    """Return the backend of a name, ``loky`` or ``dask``.

    Raises
    ------
    RequestError
        If there is none of that name, or what it needs is not given.
    """
    if name == "loky":
        if scheduler is not None:
            raise RequestError("--scheduler goes with --backend dask")
        return Local(jobs)
    if name != "dask":
        raise RequestError(f"no backend {name!r}; take loky or dask")
    if scheduler is None:
        raise RequestError("--backend dask needs --scheduler ADDRESS, such as tcp://10.0.0.5:8786")
    return Dask(scheduler, datasets)
