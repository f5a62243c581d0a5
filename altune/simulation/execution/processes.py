"""Processes of this machine that play together: workers by joblib's loky and, where they are few, this process too.

Nothing heavy is imported here, so that workers start, and import what they play with, while their owner still reads
the request and does its own checks.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from altune.core.errors import RequestError, WorkError
from altune.core.startup import import_sklearn

Call = tuple[Any, ...]

HELPED = 4
"""Up to so many processes this one plays along, which saves one that imports everything once more. Beside more of them
it would hand out calls too late, while it plays."""
IDLE_SECONDS = 300
_PLAYED_WITH = ("altune.simulation.execution.worker", "altune.recipes.recipe")
_ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR", "NUMBA")} | {
    "VECLIB_MAXIMUM_THREADS": "1"
}


class _Executor:
    """Workers of this machine, by joblib's loky; joblib's own executor, which others share, is left to it.

    Attributes
    ----------
    ready : done when the first worker has imported what it plays with.
    """

    def __init__(self, workers: int) -> None:
        from joblib.externals.loky import ProcessPoolExecutor

        self._executor = ProcessPoolExecutor(workers, timeout=IDLE_SECONDS, initializer=prepare_worker, env=_ONE_THREAD)
        self._unfinished: set[Future[Any]] = set()
        self.ready = self.submit(os.getpid)

    def submit(self, function: Callable[..., Any], *call: Any) -> Future[Any]:
        """Hand a call to whichever worker is free first."""
        future: Future[Any] = self._executor.submit(function, *call)
        self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        return future

    def stop(self) -> None:
        """End the workers, whatever they are doing."""
        # loky stumbles over a call that it has taken and not handed on yet; it takes no longer than that.
        latest = time.monotonic() + 1.0
        while time.monotonic() < latest and any(not (one.running() or one.done()) for one in [*self._unfinished]):
            time.sleep(1e-3)
        with contextlib.suppress(Exception):
            self._executor.shutdown(wait=True, kill_workers=True)


_executors: dict[int, _Executor] = {}


class LocalPool:
    """So many processes, each of which makes one call after the other.

    Parameters
    ----------
    jobs : processes, 2 or more.
    """

    def __init__(self, jobs: int) -> None:
        self._workers = _workers(jobs)
        self._helps = jobs > self._workers
        self._begun: list[Future[Any]] = []

    def begin(self, function: Callable[..., Any], call: Call) -> bool:
        """Let a worker make a call while this process does something else; the next :meth:`run` yields its outcome.

        Returns
        -------
        Whether it was begun: not where every worker has something to do, or none is ready yet.
        """
        executor = _executor(self._workers)
        if not executor.ready.done() or len(self._begun) == self._workers:
            return False
        self._begun.append(_submitted(executor, function, call))
        return True

    def run(self, function: Callable[..., Any], calls: Sequence[Call]) -> Iterator[Any]:
        """Make calls, in their order, and yield what each returns as soon as it is known.

        What was begun before is yielded among them.

        Parameters
        ----------
        function : what is called; workers import it by its name, or get its code where it cannot be imported.
        calls : the arguments of each call.

        Raises
        ------
        WorkError
            If a worker has died.
        Exception
            Whatever a call raises.
        """
        begun, self._begun = self._begun, []
        handing = _Handing(_executor(self._workers), self._workers, function, calls)
        handing.begin(begun)
        try:
            for _ in range(len(calls) + len(begun)):
                if self._helps and handing.done.empty() and (call := handing.taken()) is not None:
                    yield function(*call)
                else:
                    yield _result(handing.done.get())
        finally:
            handing.waiting.clear()


def _submitted(executor: _Executor, function: Callable[..., Any], call: Call) -> Future[Any]:
    """Hand a call to a worker; that there is none any more is told by what is returned."""
    try:
        return executor.submit(function, *call)
    except Exception as error:  # in a thread of the executor nobody would hear of it
        future: Future[Any] = Future()
        future.set_exception(error)
        return future


def _result(future: Future[Any]) -> Any:
    from concurrent.futures.process import BrokenProcessPool

    try:
        return future.result()
    except BrokenProcessPool as error:
        raise WorkError(
            "a worker process was killed or could not start, for want of memory perhaps; the same command goes on "
            "with what was stored"
        ) from error


class _Handing:
    """Hands calls to workers, one more than there are of them, so that none waits for its next one."""

    def __init__(self, executor: _Executor, workers: int, function: Callable[..., Any], calls: Sequence[Call]) -> None:
        self.waiting = deque(calls)
        self.done: SimpleQueue[Future[Any]] = SimpleQueue()
        self._executor = executor
        self._workers = workers
        self._function = function
        self._handed = 0
        self._lock = threading.RLock()

    def begin(self, begun: Sequence[Future[Any]]) -> None:
        """Hand out the first calls as soon as there is a worker, beside those that were begun before."""
        with self._lock:
            self._handed += len(begun)
        for future in begun:
            future.add_done_callback(self._back)
        self._executor.ready.add_done_callback(self._worker_is_ready)

    def taken(self) -> Call | None:
        """Return a call that no worker will make, None where all are handed out."""
        with contextlib.suppress(IndexError):
            return self.waiting.popleft()
        return None

    def _worker_is_ready(self, ready: Future[Any]) -> None:
        if ready.cancelled() or ready.exception() is not None:
            self.done.put(ready)
            return
        with self._lock:
            self._hand_out()

    def _hand_out(self) -> None:
        # Near the end nothing is handed out ahead: whoever is free first takes it.
        while self._handed < self._workers + (len(self.waiting) > 2 * self._workers):
            call = self.taken()
            if call is None:
                return
            self._handed += 1
            _submitted(self._executor, self._function, call).add_done_callback(self._back)

    def _back(self, future: Future[Any]) -> None:
        """Take an outcome, in the executor's own thread, and hand out what comes next."""
        with self._lock:
            self._handed -= 1
            if not future.cancelled() and future.exception() is None:
                self._hand_out()
        self.done.put(future)


def processes(n_jobs: int) -> int:
    """Return the number of processes meant by ``n_jobs``: −1 is one on each core that this process may use."""
    if n_jobs == 0 or n_jobs < -1:
        raise RequestError(f"jobs must be 1 or more, or -1 for all cores, not {n_jobs}")
    if n_jobs > 0:
        return n_jobs
    import joblib

    return int(joblib.cpu_count())


@contextlib.contextmanager
def early_workers(n_jobs: int) -> Iterator[None]:
    """Start workers before they are wanted, to import what they play with meanwhile; an error ends them at once.

    This process imports scikit-learn when they are on their way.
    """
    jobs = processes(n_jobs)
    try:
        if jobs > 1:
            _executor(_workers(jobs))
        import_sklearn()
        yield
    except BaseException:
        stop_workers()
        raise


def stop_workers() -> None:
    """End worker processes of this machine at once; what they were playing is played again the next time."""
    while _executors:
        _, executor = _executors.popitem()
        executor.stop()


def prepare_worker() -> None:
    """Make a process that just started a worker."""
    # Ctrl-C reaches the whole process group; only the owner decides what it means.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_owner, args=(os.getppid(),), daemon=True).start()
    import_sklearn()
    for name in _PLAYED_WITH:
        importlib.import_module(name)
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1)


def _workers(jobs: int) -> int:
    return jobs - 1 if jobs <= HELPED else jobs


def _executor(workers: int) -> _Executor:
    """Return the executor of so many workers, the one of an earlier call where there is one."""
    if workers not in _executors:
        stop_workers()
        _executors[workers] = _Executor(workers)
    return _executors[workers]


def _end_with_owner(owner: int) -> None:
    """End this worker soon after its owner was killed, instead of waiting for tasks that never come."""
    while os.getppid() == owner:
        time.sleep(1.0)
    os._exit(1)
