"""The workers of a Dask cluster, to which each data set is sent once.

Workers may come and go. A call whose worker died is made again by another one, as Dask does it. If as many workers have
died with a call as the scheduler allows, it is a suspect: the call itself may have killed them, or another one at the
same worker. Suspects are made once more, one at a time, and the result of one that fails again is a failure.

Nothing waits without end: a scheduler that is lost or does not answer, and a cluster without workers, end the run with
one line. What was finished is stored, so the same command continues.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from altune.core.errors import AltuneError, AltuneWarning, MissingExtraError, RequestError, WorkError, reason_of
from altune.core.formats import library_versions
from altune.core.version import __version__
from altune.simulation.execution.items import Failure

if TYPE_CHECKING:
    from altune.data import Dataset

WORKER_SECONDS = 60.0
"""Seconds without any worker after which a run ends."""
ANSWER_SECONDS = 60.0
"""Seconds without an answer of the scheduler after which a run ends."""
CONNECT_SECONDS = 10.0
POLL_SECONDS = 2.0
PAUSE_SECONDS = 0.02
_FORM = "write --scheduler HOST:PORT, such as tcp://10.0.0.5:8786"

Call = tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Dask:
    """The workers of a Dask cluster.

    Parameters
    ----------
    scheduler : address of the scheduler, such as ``tcp://10.0.0.5:8786``.
    datasets : data sets that are sent to the workers.
    wait : seconds without any worker after which to give up.
    """

    scheduler: str
    datasets: tuple[Dataset, ...] = ()
    wait: float = WORKER_SECONDS

    @contextlib.contextmanager
    def open(self) -> Iterator[Cluster]:
        """Return a context manager of the pool.

        Raises
        ------
        WorkError
            If no scheduler answers.
        """
        with _quiet():
            self._require_scheduler()
            client = _distributed().Client(self.scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
            try:
                yield Cluster(client, self)
            finally:
                with contextlib.suppress(Exception):
                    client.close(timeout=CONNECT_SECONDS)

    def _require_scheduler(self) -> None:
        """Connect once: a client that cannot connect waits again, and fails again, when it is deleted."""
        distributed = _distributed()

        async def reach() -> None:
            arguments = distributed.Security().get_connection_args("client")
            comm = await distributed.comm.connect(self.scheduler, timeout=CONNECT_SECONDS, **arguments)
            await comm.close()

        if self.scheduler.startswith("inproc://"):
            return
        try:
            with ThreadPoolExecutor(1) as thread:  # a notebook runs an event loop in its main thread
                thread.submit(asyncio.run, reach()).result()
        except Exception as error:
            raise WorkError(f"no Dask scheduler answers at {self.scheduler}: {reason_of(error)}") from None


class Cluster:
    """An open cluster.

    Parameters
    ----------
    client : client of its scheduler.
    dask : the cluster.
    """

    def __init__(self, client: Any, dask: Dask) -> None:
        self._client = client
        self._dask = dask
        self._versions = versions()
        self._deserted: float | None = None
        # Tasks, not scattered data: the scheduler sends them again to workers that come later.
        self._sent = {id(dataset): self._submit(_as_it_is, dataset) for dataset in dask.datasets}

    def run(self, function: Callable[..., Any], calls: Sequence[Call]) -> Iterator[Any]:
        """Run calls and yield each result as soon as it is known.

        Parameters
        ----------
        function : what to call; its first argument is a work item, whose key it returns beside the outcome.
        calls : the arguments of each call.

        Raises
        ------
        RequestError
            If a worker has another version of altune or of the libraries that results depend on.
        WorkError
            If the scheduler is lost, or no worker comes.
        """
        suspects: list[Call] = []
        yield from self._results(function, calls, suspects)
        for call in suspects:
            again: list[Call] = []
            yield from self._results(function, [call], again)
            if again:
                reason = "ended each worker process of the cluster that played it, maybe for lack of memory"
                yield call[0].key, Failure(reason, attempt=call[0].attempt)

    def _results(self, function: Callable[..., Any], calls: Sequence[Call], killed: list[Call]) -> Iterator[Any]:
        """Run calls and yield the results; those that Dask has given up are added to ``killed``."""
        waiting = {
            self._submit(
                _checked_call, self._versions, function, *(self._sent.get(id(value), value) for value in call)
            ): call
            for call in calls
        }
        done = _distributed().as_completed(waiting, loop=self._client.loop, with_results=True, raise_errors=False)
        checked = time.monotonic()
        while waiting:
            for future, result in done.next_batch(block=False):
                call = waiting.pop(future)
                error = result[1] if future.status == "error" else None
                if isinstance(error, _distributed().KilledWorker):
                    killed.append(call)
                    continue
                self._deserted = None
                if error is not None:
                    raise self._explained(error) from error
                if future.cancelled():
                    raise self._lost()
                yield result
            if time.monotonic() - checked >= POLL_SECONDS:
                self._require_alive()
                checked = time.monotonic()
            time.sleep(PAUSE_SECONDS)

    def _submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
            return self._client.submit(function, *arguments, pure=False)

    def _explained(self, error: Exception) -> AltuneError:
        """Return the error of a call as one of altune."""
        if isinstance(error, AltuneError):
            return error
        deserialized = "deserializ" in str(error)
        if deserialized or isinstance(error, ImportError | AttributeError):
            reason = reason_of((error.__cause__ if deserialized else None) or error)
            return RequestError(
                f"the Dask cluster at {self._dask.scheduler} cannot load a task ({reason}); its scheduler and all "
                f"workers need altune {__version__}, and the packages of your own methods"
            )
        return WorkError(f"a worker of the Dask cluster at {self._dask.scheduler} failed: {reason_of(error)}")

    def _lost(self) -> WorkError:
        return WorkError(
            f"the connection to the Dask scheduler at {self._dask.scheduler} is lost; what was finished is stored, and "
            "the same command continues when the scheduler runs again"
        )

    def _require_alive(self) -> None:
        """Check that the scheduler answers and that there is a worker, or was one a short time ago."""
        if self._client.status != "running":
            raise self._lost()
        where = f"the Dask scheduler at {self._dask.scheduler}"
        try:
            seen: Any = self._client.sync(self._client.scheduler.identity, callback_timeout=ANSWER_SECONDS)
        except TimeoutError:
            raise WorkError(
                f"{where} has not answered for {ANSWER_SECONDS:.0f} s; what was finished is stored, and the same "
                "command continues when it answers"
            ) from None
        except OSError:
            raise self._lost() from None
        now = time.monotonic()
        if any(worker["status"] == "running" for worker in seen["workers"].values()):
            self._deserted = None
        elif self._deserted is None:
            self._deserted = now
            state = "paused" if seen["workers"] else "missing"
            warnings.warn(
                f"{where}: all workers are {state}; waiting {self._dask.wait:g} s for one", AltuneWarning, stacklevel=2
            )
        elif now - self._deserted >= self._dask.wait:
            raise WorkError(
                f"{where} has had no worker for {self._dask.wait:g} s; start one with `dask worker "
                f"{self._dask.scheduler} --nthreads 1` and give the same command again, or wait longer with "
                "--worker-timeout"
            )


def address_of(scheduler: object) -> str:
    """Return the address of a Dask scheduler, given as text, or as a cluster or client of Dask.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    RequestError
        If it is no address.
    """
    if importlib.util.find_spec("distributed") is None:
        raise MissingExtraError("the backend dask", "dask")
    comm = _distributed().comm
    for name in ("scheduler_address", "scheduler"):
        scheduler = getattr(scheduler, name, scheduler)
    scheduler = getattr(scheduler, "address", scheduler)
    if not isinstance(scheduler, str):
        raise RequestError(f"scheduler must be an address or a cluster of Dask, not {type(scheduler).__name__}")
    try:
        kind, place = comm.addressing.parse_address(scheduler)
        if kind not in comm.registry.backends:
            raise ValueError(f"unknown protocol {kind}://")
        if kind != "inproc":
            host, port = comm.addressing.parse_host_port(place)
            if not host or not 0 < port < 65536:
                raise ValueError("the host or the port is missing")
    except ValueError as error:
        raise RequestError(f"{scheduler!r} is not the address of a Dask scheduler ({error}); {_FORM}") from None
    return scheduler


def _distributed() -> Any:
    """Import Dask, which not every installation has."""
    import distributed

    return distributed


def versions() -> dict[str, str]:
    """Return the versions that all processes of a run must agree on."""
    return {"altune": __version__, "Python": f"{sys.version_info.major}.{sys.version_info.minor}", **library_versions()}


def _as_it_is(value: Any) -> Any:
    return value


_one_at_a_time = threading.Lock()


def _checked_call(needed: Mapping[str, str], function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a worker process, one at a time: its threads share what the process keeps."""
    here = versions()
    if other := [name for name in here if here[name] != needed.get(name)]:
        raise RequestError(
            f"the worker {_distributed().get_worker().address} of the Dask cluster has "
            f"{', '.join(f'{name} {here[name]}' for name in other)}; all workers need the versions of this machine: "
            f"{', '.join(f'{name} {needed.get(name)}' for name in other)}"
        )
    with _one_at_a_time:
        return function(*arguments)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask from logging what ends as one line of altune."""
    loggers = [logging.getLogger(name) for name in ("distributed.client", "distributed.batched", "distributed.core")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
