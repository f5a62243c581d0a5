"""Worker processes of this machine, by joblib's loky; where there are few, this process plays along.

Nothing heavy is imported here. The command line starts the workers first, and they import what they need while their
owner still reads the request and checks it.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from multiprocessing.util import Finalize
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any

from altune.core.errors import AltuneWarning, RequestError, WorkError
from altune.core.files import absolute
from altune.core.origin import own_files
from altune.core.standard_streams import output_to_errors
from altune.core.startup import import_sklearn

Call = tuple[Any, ...]

HELPED = 4
"""The owner plays along where ``jobs`` is at most this. That saves one process, which would have to import everything
again. Beside more workers, an owner that plays would hand out calls too late."""
IDLE_SECONDS = 300
_PLAYED_WITH = ("altune.simulation.execution.worker", "altune.recipes.recipe")
_ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR", "NUMBA")} | {
    "VECLIB_MAXIMUM_THREADS": "1"
}


class _Executor:
    """Worker processes by loky, apart from joblib's own executor, which other code of this process may use.

    Attributes
    ----------
    workers : number of them.
    ready : done when the first worker has imported what it plays with.
    files : when each file of the user's own modules was changed, as far as the workers may have imported it.
    """

    def __init__(self, workers: int) -> None:
        from joblib.externals.loky import ProcessPoolExecutor

        absolute(Path())  # a worker starts in the same directory
        with _started():
            self._executor = ProcessPoolExecutor(
                workers, timeout=IDLE_SECONDS, initializer=prepare_worker, env=_ONE_THREAD
            )
        self._unfinished: set[Future[Any]] = set()
        self.workers = workers
        self.files = own_files()
        self.ready = self.submit(os.getpid)

    @property
    def alive(self) -> bool:
        """Whether the workers still take calls; no longer if one of them was killed."""
        with contextlib.suppress(Exception):
            self.submit(os.getpid)
            return True
        return False

    def up_to_date(self) -> bool:
        """Return whether no module of the user's own was edited since a worker may have imported it."""
        files = own_files()
        unchanged = all(files.get(name, changed) == changed for name, changed in self.files.items())
        self.files |= files
        return unchanged

    def submit(self, function: Callable[..., Any], *call: Any) -> Future[Any]:
        """Hand a call to the worker that is free first."""
        with _started():
            future: Future[Any] = self._executor.submit(function, *call)
        self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        return future

    def stop(self) -> None:
        """End the workers, whatever they are doing."""
        # Killing workers while loky moves a call from its own queue to theirs makes its threads fail. The move takes
        # less than a second.
        latest = time.monotonic() + 1.0
        while time.monotonic() < latest and any(
            not (future.running() or future.done()) for future in [*self._unfinished]
        ):
            time.sleep(1e-3)
        with contextlib.suppress(Exception):
            self._executor.shutdown(wait=True, kill_workers=True)


@contextlib.contextmanager
def _started() -> Iterator[None]:
    """Say in one line why worker processes cannot be started: a limit, or a system without semaphores."""
    try:
        yield
    except (OSError, ImportError) as error:
        raise WorkError(f"no worker process can be started: {error}; one process (--jobs 1) needs none") from None


_idle: dict[int, _Executor] = {}
"""Workers that no pool has, for the next one. The key is the process: one that was forked cannot use its parent's."""
_lock = threading.Lock()


class LocalPool:
    """Processes of this machine, each of which runs one call at a time.

    Its workers belong to it alone until it is closed, so pools in different threads do not disturb each other. Then
    they wait for the next pool, and end if that is long in coming. After an error they end at once.

    Parameters
    ----------
    jobs : number of processes, 2 or more, this one included where it plays along.
    """

    def __init__(self, jobs: int) -> None:
        self._workers = _workers(jobs)
        self._helps = jobs > self._workers
        self._begun: list[Future[Any]] = []
        self._taken: _Executor | None = None

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        taken, self._taken = self._taken, None
        if taken is None:
            return
        if kind is None:
            _give_back(taken)
        else:
            taken.stop()

    @property
    def _executor(self) -> _Executor:
        if self._taken is None:
            self._taken = _take(self._workers)
        return self._taken

    def begin(self, function: Callable[..., Any], call: Call) -> bool:
        """Start a call on an idle worker; the next :meth:`run` yields its result.

        Returns
        -------
        Whether there was an idle worker: False if each has a call already, or none has started yet.
        """
        if not self._executor.ready.done() or len(self._begun) == self._workers:
            return False
        self._begun.append(_submitted(self._executor, function, call))
        return True

    def run(self, function: Callable[..., Any], calls: Sequence[Call]) -> Iterator[Any]:
        """Run calls in their order, and yield each result as soon as it is known.

        Results of calls that :meth:`begin` has started are yielded among them.

        Parameters
        ----------
        function : what to call. Workers import it by name, or receive its code if it cannot be imported.
        calls : the arguments of each call.

        Raises
        ------
        WorkError
            If a worker has died.
        Exception
            Whatever a call raises.
        """
        begun, self._begun = self._begun, []
        dispatcher = _Dispatcher(self._executor, self._workers, function, calls)
        dispatcher.begin(begun)
        try:
            for _ in range(len(calls) + len(begun)):
                # Results come first, because none is read from the queue while the owner plays.
                if self._helps and dispatcher.done.empty() and (call := dispatcher.take()) is not None:
                    yield function(*call)
                else:
                    yield _result(dispatcher.done.get())
        finally:
            # After an error, or when the caller stops reading, workers must get no further calls.
            dispatcher.waiting.clear()


class _Dispatcher:
    """Hands calls to workers.

    Each result makes room for the next call. That happens in a thread of the executor, so that workers are supplied
    while the owner plays. Calls are handed out late, not all at once, so that the owner can take one whenever it is
    free. Only one call more than there are workers is handed out, so that no worker waits for its next one.
    """

    def __init__(self, executor: _Executor, workers: int, function: Callable[..., Any], calls: Sequence[Call]) -> None:
        self.waiting = deque(calls)
        self.done: SimpleQueue[Future[Any]] = SimpleQueue()
        self._executor = executor
        self._workers = workers
        self._function = function
        self._handed_out = 0
        # Reentrant: a call that is already done when its callback is added runs the callback in the same thread.
        self._lock = threading.RLock()

    def begin(self, begun: Sequence[Future[Any]]) -> None:
        """Hand out the first calls as soon as a worker has started, beside those that were started before.

        Until then the owner takes calls, so it does not wait for workers that still import.
        """
        with self._lock:
            self._handed_out += len(begun)
        for future in begun:
            future.add_done_callback(self._on_result)
        self._executor.ready.add_done_callback(self._on_ready)

    def take(self) -> Call | None:
        """Return the next call, which is then not handed out, or None if there is none left."""
        # The owner's thread and the executor's both take calls; popleft is atomic.
        with contextlib.suppress(IndexError):
            return self.waiting.popleft()
        return None

    def _on_ready(self, ready: Future[Any]) -> None:
        if ready.cancelled() or ready.exception() is not None:
            # Workers that cannot start: the owner raises what it finds in the queue.
            self.done.put(ready)
            return
        with self._lock:
            self._hand_out()

    def _hand_out(self) -> None:
        # Near the end no call is handed out ahead, because a worker that is free earlier could take it.
        while self._handed_out < self._workers + (len(self.waiting) > 2 * self._workers):
            call = self.take()
            if call is None:
                return
            self._handed_out += 1
            _submitted(self._executor, self._function, call).add_done_callback(self._on_result)

    def _on_result(self, future: Future[Any]) -> None:
        with self._lock:
            self._handed_out -= 1
            # After a failure nothing more is handed out: the owner is about to raise it.
            if not future.cancelled() and future.exception() is None:
                self._hand_out()
        self.done.put(future)


def _submitted(executor: _Executor, function: Callable[..., Any], call: Call) -> Future[Any]:
    """Hand a call to a worker, and return an error of doing so as a failed future.

    Calls are mostly handed out in a thread of the executor, where an exception would be lost and the owner would wait
    for ever.
    """
    try:
        return executor.submit(function, *call)
    except Exception as error:
        future: Future[Any] = Future()
        future.set_exception(error)
        return future


def _result(future: Future[Any]) -> Any:
    from concurrent.futures.process import BrokenProcessPool

    try:
        return future.result()
    except BrokenProcessPool as error:
        raise WorkError(
            "a worker process was killed or could not start, perhaps because memory ran out; run the same command "
            "again to continue"
        ) from error


def processes(n_jobs: int) -> int:
    """Return the number of processes for ``n_jobs``; −1 means one for each core that this process may use.

    A daemonic process, such as a worker of ``multiprocessing.Pool``, may start no processes, so there it is 1.
    """
    if n_jobs == 0 or n_jobs < -1:
        raise RequestError(f"jobs must be 1 or more, or -1 for all cores, not {n_jobs}")
    if n_jobs != 1 and multiprocessing.current_process().daemon:
        warnings.warn(
            f"n_jobs={n_jobs}: this process is a daemon, such as a worker of multiprocessing.Pool, and may start no "
            "processes; it plays alone, with the same result",
            AltuneWarning,
            stacklevel=2,
        )
        return 1
    if n_jobs > 0:
        return n_jobs
    import joblib

    return int(joblib.cpu_count())


@contextlib.contextmanager
def early_workers(n_jobs: int) -> Iterator[None]:
    """Start workers before they are needed, so that they import while this process does; an error ends them."""
    jobs = processes(n_jobs)
    try:
        if jobs > 1:
            _give_back(_take(_workers(jobs)))
        import_sklearn()
        yield
    except BaseException:
        stop_workers()
        raise


def stop_workers() -> None:
    """End the workers that wait for a pool."""
    with _lock:
        executor = _idle.pop(os.getpid(), None)
    if executor is not None:
        executor.stop()


def prepare_worker() -> None:
    """Prepare a process that has just started to be a worker."""
    # Ctrl-C reaches the whole process group; only the owner decides what it means.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_owner, args=(os.getppid(),), daemon=True).start()
    output_to_errors()
    _keep_what_is_kept()
    import_sklearn()
    for name in _PLAYED_WITH:
        importlib.import_module(name)
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1)


def _keep_what_is_kept() -> None:
    """Let loky not take the blocks that a worker keeps for a leak: it would restart the worker, which loses them.

    The limit has no public name. Without it workers are restarted, which costs time and changes no result.
    """
    try:
        from joblib.externals.loky import process_executor
    except ImportError:
        return
    if hasattr(process_executor, "_MAX_MEMORY_LEAK_SIZE"):
        process_executor._MAX_MEMORY_LEAK_SIZE = float("inf")


def _workers(jobs: int) -> int:
    return jobs - 1 if jobs <= HELPED else jobs


def _take(workers: int) -> _Executor:
    """Return an executor that no other pool has: the one of an earlier pool if it has this number of workers."""
    with _lock:
        executor = _idle.pop(os.getpid(), None)
    if executor is not None:
        if executor.workers == workers and executor.up_to_date() and executor.alive:
            return executor
        executor.stop()
    return _Executor(workers)


def _give_back(executor: _Executor) -> None:
    """Keep an executor for the next pool, in place of the one that was kept before."""
    with _lock:
        _stop_at_exit(os.getpid())
        before = _idle.pop(os.getpid(), None)
        _idle[os.getpid()] = executor
    if before is not None:
        before.stop()


@functools.cache
def _stop_at_exit(process: int) -> None:
    """Let a process of ``multiprocessing`` end its idle workers when it ends.

    Such a process runs nothing of ``atexit``, by which loky ends them, and workers that were still starting would fail
    with a traceback on standard error.
    """
    if multiprocessing.parent_process() is not None:
        Finalize(None, stop_workers, exitpriority=1)


def _end_with_owner(owner: int) -> None:
    """End this worker soon after its owner was killed; it would wait for calls that never come."""
    while os.getppid() == owner:
        time.sleep(1.0)
    os._exit(1)
