"""Signs of life that a worker gives while it plays a trial."""

from __future__ import annotations

import threading
from types import TracebackType

from altune.core.errors import StorageError
from altune.tuning.database.claims import ClaimedTrial
from altune.tuning.database.queue import TrialQueue

_JOIN_SECONDS = 5.0
_BEATS_IN_GRACE = 6


class _Stopped(Exception):
    """The trial is over while the database is waited for."""


class Heartbeat:
    """Gives signs of life for a claimed trial from a thread of its own, as long as the ``with`` block lasts.

    The claim was the first sign. A database that is away is waited for without end: the worker plays on meanwhile.

    Parameters
    ----------
    queue : the trial's.
    trial : claimed.
    interval : seconds between two signs; a sixth of the queue's grace period unless given.
    """

    def __init__(self, queue: TrialQueue, trial: ClaimedTrial, interval: float | None = None) -> None:
        self.queue = queue
        self.trial = trial
        self.interval = queue.grace / _BEATS_IN_GRACE if interval is None else interval
        self._stop = threading.Event()
        self._lost = threading.Event()
        # A daemon: one that hangs in a dead network does not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=f"heartbeat of trial {trial.number}", daemon=True)

    @property
    def lost(self) -> bool:
        """Whether another worker has the trial now, or it is finished: playing on is of no use."""
        return self._lost.is_set()

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
                    self._lost.set()
                    return
            except StorageError:
                continue
            except _Stopped:
                return

    def _pause(self, seconds: float) -> None:
        if self._stop.wait(min(seconds, self.interval)):
            raise _Stopped
