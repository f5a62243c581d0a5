"""A time limit for Python code, in any thread."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from altune.core.errors import Interruption


class TimeLimitReached(Interruption):
    """The time limit is used up."""


def time_limit(seconds: float | None) -> contextlib.AbstractContextManager[None]:
    """Return a context manager that interrupts the code inside by :class:`TimeLimitReached` when the time is up.

    In the main thread a timer of the operating system does it, which also ends a sleep. In another thread, on Windows,
    and where the caller uses that timer, Python raises the exception between two instructions. A single call of
    compiled code finishes first in both cases.

    Parameters
    ----------
    seconds : the limit; None for none.
    """
    if seconds is None:
        return contextlib.nullcontext()
    return _by_signal(max(seconds, 1e-3)) if _timer_is_free() else _by_thread(max(seconds, 1e-3))


def _timer_is_free() -> bool:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        return False
    # A handler that was not set from Python cannot be restored.
    return signal.getitimer(signal.ITIMER_REAL)[0] == 0 and signal.getsignal(signal.SIGALRM) is not None


@contextlib.contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeLimitReached

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    thread, lock, ended = threading.get_ident(), threading.Lock(), False

    def stop() -> None:
        with lock:
            if not ended:
                _raise_in(thread, TimeLimitReached)

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            ended = True
        _raise_in(thread, None)  # what was not raised yet is not raised any more


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Let a thread raise an exception at its next instruction; None takes back one that it has not raised yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error) if error else None)
