"""Worker processes of this machine, which play what their owner hands out.

Nothing heavy is imported here. The command line starts the workers first, and they import what they need while their
owner still reads the request and checks it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any

from altune.core.errors import AltuneWarning, RequestError, WorkError
from altune.core.origin import own_files
from altune.core.startup import import_sklearn
from altune.simulation.execution.attempts import Attempts, Play
from altune.simulation.execution.crews import Crew, Worker, new_crew
from altune.simulation.execution.serving import BEGAN

IDLE_SECONDS = 300.0
"""Seconds after which workers that no pool has are ended."""
GRACE_SECONDS = 3.0
"""Seconds over its time limit after which a call that does not end by itself loses its process."""
READY_SECONDS = 60.0
"""Seconds that a worker may take for a call before the time limit begins to count."""
MOST_JOBS = 1024
"""Largest number of processes."""


@dataclass(frozen=True, eq=False)
class Call:
    """A call for a worker.

    Attributes
    ----------
    arguments : its arguments.
    play : what is counted if the process ends that plays it.
    limit : time limit in seconds, which the function keeps itself where it can; None for no limit.
    """

    arguments: tuple[Any, ...]
    play: Play
    limit: float | None = None


@dataclass(frozen=True, eq=False)
class Ended:
    """Takes the place of a result where the process had ended or was ended.

    Attributes
    ----------
    call : the call.
    reason : why, in words; empty if the call was over its time limit.
    """

    call: Call
    reason: str


@dataclass(eq=False)
class _Running:
    worker: Worker
    function: Callable[..., Any]
    call: Call
    slot: int
    deadline: float


class CannotSend(WorkError):
    """A call cannot be sent to a worker, because something in it cannot be pickled."""


class _Team:
    """A crew with its idle workers, kept from one pool to the next."""

    def __init__(self, jobs: int) -> None:
        self.crew: Crew = new_crew(jobs)
        self.idle: list[Worker] = []
        self._files = own_files()

    def refresh(self) -> None:
        """End the idle workers if a module of the user's own was edited since one may have imported it."""
        files = own_files()
        if any(files.get(name, changed) != changed for name, changed in self._files.items()):
            self.keep(0)
        self._files |= files

    def worker(self) -> Worker:
        """Return an idle worker, started now unless there is one."""
        while self.idle:
            worker = self.idle.pop()
            if not worker.connection.poll():  # one that was killed has closed its connection
                return worker
            self.crew.end(worker)
        return self.crew.start()

    def keep(self, workers: int) -> None:
        """End the idle workers beyond a number."""
        while len(self.idle) > workers:
            self.crew.end(self.idle.pop())


_kept: dict[int, tuple[_Team, threading.Timer]] = {}
"""Workers that no pool has, for the next one. The key is the process: one that was forked cannot use its parent's."""
_lock = threading.Lock()


class LocalPool:
    """Worker processes of this machine, each of which runs one call at a time.

    They belong to the pool alone until it is closed, so pools in different threads do not disturb each other. Then
    they wait for the next pool, and end if that is long in coming. After an error they end at once.

    A call whose worker dies is made once more while no other one runs; if that worker dies as well, :class:`Ended`
    takes the place of its result, and the other calls are made as usual.

    Parameters
    ----------
    jobs : number of workers, 1 or more.
    attempts : counts the calls whose processes have ended; by default they are counted for this pool alone.
    """

    def __init__(self, jobs: int, attempts: Attempts | None = None) -> None:
        self._jobs = jobs
        self._attempts = attempts if attempts is not None else Attempts()
        self._team: _Team | None = None
        self._running: dict[Any, _Running] = {}

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self._running and self._team is not None:
            team, self._team = self._team, None
            _keep(team)
        self._stop()

    def _stop(self) -> None:
        """End all workers, whatever they are doing."""
        for running in self._running.values():
            self._attempts.end(running.slot)
        self._running.clear()
        if self._team is not None:
            self._team.crew.stop()
            self._team = None

    def _own(self) -> _Team:
        if self._team is None:
            self._team = _take(self._jobs)
            self._team.refresh()
            self._team.keep(self._jobs)
        return self._team

    def begin(self, function: Callable[..., Any], call: Call) -> bool:
        """Start a call on an idle worker; the next :meth:`run` yields its result.

        Returns
        -------
        Whether it was started. It is not if each worker has a call already, none would start at once, or the call is
        to run alone or not at all.
        """
        attempts = self._attempts
        if attempts.wants_alone(call.play) or attempts.refusal(call.play) or len(self._running) == self._jobs:
            return False
        team = self._own()
        if not team.idle and not team.crew.is_ready():
            return False
        self._start(function, call)
        return True

    def run(self, function: Callable[..., Any], calls: Sequence[Call]) -> Iterator[Any]:
        """Run calls in their order, and yield the result of each as soon as it is known.

        Results of calls that :meth:`begin` has started are yielded among them.

        Parameters
        ----------
        function : what to call. Workers import it by name, or receive its code if it cannot be imported.
        calls : the calls.

        Raises
        ------
        CannotSend
            If a call cannot be sent.
        WorkError
            If no worker can be started.
        Exception
            Whatever a call raises.
        """
        waiting = deque(calls)
        alone = deque[Call]()
        try:
            while waiting or alone or self._running:
                yield from self._hand_out(function, waiting, alone)
                for result in self._results(alone):
                    # Before the caller does something with the result, its worker gets the next call.
                    yield from self._hand_out(function, waiting, alone)
                    yield result
        finally:
            # After an error, or when the caller stops reading, no result is left for the next run.
            if self._running:
                self._stop()

    def _hand_out(self, function: Callable[..., Any], waiting: deque[Call], alone: deque[Call]) -> Iterator[Ended]:
        """Give idle workers calls, and yield those that are not made any more."""
        while (waiting and len(self._running) < self._jobs) or (alone and not self._running):
            from_alone = not waiting
            call = alone.popleft() if from_alone else waiting.popleft()
            if reason := self._attempts.refusal(call.play):
                yield Ended(call, reason)
            elif self._attempts.wants_alone(call.play) and not from_alone:
                alone.append(call)
            else:
                self._start(function, call)

    def _start(self, function: Callable[..., Any], call: Call) -> None:
        message = pickled(function, call.arguments)
        worker = self._own().worker()
        slot = min({*range(self._jobs)} - {running.slot for running in self._running.values()})
        self._attempts.begin(call.play, "alone" if self._attempts.wants_alone(call.play) else "apart", slot)
        deadline = float("inf") if call.limit is None else time.monotonic() + READY_SECONDS + call.limit
        self._running[worker.connection] = _Running(worker, function, call, slot, deadline)
        # A worker that was killed a moment ago is noticed when its result is awaited.
        with contextlib.suppress(OSError):
            worker.connection.send_bytes(message)

    def _results(self, alone: deque[Call]) -> Iterator[Any]:
        """Wait for workers, and yield what they have found."""
        left = min((running.deadline for running in self._running.values()), default=0.0) - time.monotonic()
        ready: Any = wait(list(self._running), None if left == float("inf") else max(left, 0.0))
        for connection in ready:
            running = self._running[connection]
            try:
                message = connection.recv_bytes()
            except (EOFError, OSError):
                self._attempts.died(running.call.play, self._end(running))
                alone.append(running.call)
                continue
            if message == BEGAN:
                running.deadline = time.monotonic() + (running.call.limit or 0.0) + GRACE_SECONDS
                continue
            del self._running[connection]
            self._own().idle.append(running.worker)
            self._attempts.end(running.slot)
            self._attempts.forget(running.call.play)
            yield _result(message)
        now = time.monotonic()
        for running in [*self._running.values()]:
            if now >= running.deadline and not running.worker.connection.poll():
                self._end(running)
                yield Ended(running.call, "")

    def _end(self, running: _Running) -> int | None:
        """End the worker of a call, and return its exit code."""
        del self._running[running.worker.connection]
        self._attempts.end(running.slot)
        return self._own().crew.end(running.worker)


def pickled(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    """Return a call as it is sent to a worker.

    Raises
    ------
    CannotSend
        If something in it cannot be pickled.
    """
    from joblib.externals.loky.backend.reduction import dumps

    try:
        return bytes(dumps((function, arguments)))
    except (pickle.PicklingError, TypeError, AttributeError, ValueError, NotImplementedError, RecursionError) as error:
        raise CannotSend(
            f"a method, a model or the data cannot be sent to another process ({error}); one process, --jobs 1 or "
            "n_jobs=1, does not need to"
        ) from error


def _result(message: bytes) -> Any:
    fine, result, text = pickle.loads(message)
    if fine:
        return result
    result.__cause__ = WorkError(f"in a worker process:\n{text}")
    raise result


def processes(n_jobs: int) -> int:
    """Return the number of processes for ``n_jobs``; −1 means one for each core that this process may use.

    A daemonic process, such as a worker of ``multiprocessing.Pool``, may start no processes, so there it is 1.
    """
    if n_jobs == 0 or not -1 <= n_jobs <= MOST_JOBS:
        raise RequestError(f"jobs must be from 1 to {MOST_JOBS}, or -1 for all cores, not {n_jobs}")
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
            _keep(_take(jobs))
        import_sklearn()
        yield
    except BaseException:
        stop_workers()
        raise


def stop_workers() -> None:
    """End the workers that wait for a pool."""
    team = _taken()
    if team is not None:
        team.crew.stop()


def _take(jobs: int) -> _Team:
    """Return workers that no other pool has: those of an earlier pool if there are some."""
    team = _taken()
    return _Team(jobs) if team is None else team


def _taken() -> _Team | None:
    with _lock:
        team, timer = _kept.pop(os.getpid(), (None, None))
    if timer is not None:
        timer.cancel()
    return team


def _keep(team: _Team) -> None:
    """Keep workers for the next pool, in place of those that were kept before."""
    timer = threading.Timer(IDLE_SECONDS, _end_idle, (team,))
    timer.daemon = True
    with _lock:
        before, _kept[os.getpid()] = _kept.get(os.getpid()), (team, timer)
    timer.start()
    if before is not None:
        before[1].cancel()
        before[0].crew.stop()


def _end_idle(team: _Team) -> None:
    with _lock:
        if _kept.get(os.getpid(), (None,))[0] is not team:
            return
        del _kept[os.getpid()]
    team.crew.stop()
