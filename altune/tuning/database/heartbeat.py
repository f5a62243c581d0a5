"""The heartbeat of a worker while it plays a trial."""

from __future__ import annotations

import threading
from types import TracebackType

from altune.core.errors import StorageError
from altune.tuning.database.claims import ClaimedTrial
from altune.tuning.database.queue import TrialQueue

_JOIN_SECONDS = 5.0
_BEATS_IN_GRACE = 6


class _Stopped(Exception):
    """The trial has ended while the thread was waiting for the database."""


class Heartbeat:
    """Writes the heartbeat of a claimed trial from a thread of its own, while the ``with`` block runs.

    The claim was the first heartbeat. The thread waits for a database that does not answer without a time limit, as the
    worker continues to play in the meantime.

    Parameters
    ----------
    queue : queue of the trial.
    trial : a claimed trial.
    interval : seconds between two heartbeats; by default a sixth of the queue's grace period.
    """

    def __init__(self, queue: TrialQueue, trial: ClaimedTrial, interval: float | None = None) -> None:
        self.queue = queue
        self.trial = trial
        self.interval = queue.grace / _BEATS_IN_GRACE if interval is None else interval
        self._stop = threading.Event()
        # A daemon thread, so that one that hangs in a dead network does not keep the process alive.
        self._thread = threading.Thread(target=self._run, name=f"heartbeat of trial {trial.number}", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        while not self._stop.wait(self.interval):
            try:
                if not self.queue.beat(self.trial, self._pause):
                    return
            except StorageError:
                continue
            except _Stopped:
                return

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(min(seconds, self.interval)):
            raise _Stopped
