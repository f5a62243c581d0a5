"""Where worker processes are: on this machine, or wherever a Dask cluster has them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import joblib

from altune.errors import RequestError

if TYPE_CHECKING:
    from altune.data import Dataset


class Parallel(Protocol):
    """Makes the joblib object that runs tasks."""

    @property
    def near(self) -> bool:
        """Whether workers share this machine's disk."""

    def open(self) -> contextlib.AbstractContextManager[joblib.Parallel]:
        """Return the joblib object, for as long as the context lasts."""


@dataclass(frozen=True)
class Local:
    """Processes of this machine, by joblib's loky, with one thread each."""

    jobs: int
    near: bool = True

    @contextlib.contextmanager
    def open(self) -> Iterator[joblib.Parallel]:
        """Return the joblib object."""
        with (
            joblib.parallel_config(backend="loky", inner_max_num_threads=1),
            joblib.Parallel(n_jobs=self.jobs, return_as="generator_unordered", batch_size=1) as parallel,
        ):
            yield parallel


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
    near: bool = False

    @contextlib.contextmanager
    def open(self) -> Iterator[joblib.Parallel]:
        """Return the joblib object.

        Raises
        ------
        RequestError
            If Dask is not installed or its scheduler does not answer.
        """
        client = self._client()
        settings: dict[str, Any] = {"backend": "dask", "scatter": list(self.datasets)}
        with contextlib.closing(client), joblib.parallel_config(**settings, client=client):
            yield joblib.Parallel(n_jobs=-1, return_as="list", batch_size=1)

    def _client(self) -> Any:
        try:
            from distributed import Client
        except ImportError:
            raise RequestError('--backend dask needs Dask: pip install "altune[dask]"') from None
        try:
            return Client(self.scheduler, timeout=10, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError, TimeoutError) as error:
            raise RequestError(f"no Dask scheduler answers at {self.scheduler}: {error}") from None


def make_backend(name: str, jobs: int, scheduler: str | None, datasets: tuple[Dataset, ...]) -> Parallel:
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
