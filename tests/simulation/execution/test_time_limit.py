"""The time limit of a trial in any thread, beside what the caller does with timers."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from altune.simulation.execution.time_limit import TimeLimitReached, time_limit


def busy(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def interrupted() -> bool:
    try:
        with time_limit(0.05):
            busy(60)
    except TimeLimitReached:
        return True
    return False


def in_thread(function: Callable[[], bool]) -> bool:
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


@pytest.fixture
def caller() -> Iterator[list[int]]:
    """Handle the signal of the timer as a caller might, and collect what comes."""
    received: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: received.append(number))
    yield received
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("run", [lambda function: function(), in_thread], ids=["main thread", "another thread"])
def test_code_is_interrupted_in_any_thread(run: Callable[[Callable[[], bool]], bool]) -> None:
    assert run(interrupted)


def test_a_sleep_ends_too_in_the_main_thread() -> None:
    with pytest.raises(TimeLimitReached), time_limit(0.05):
        time.sleep(60)


def test_handler_and_timer_of_the_caller_are_kept(caller: list[int]) -> None:
    handler = signal.getsignal(signal.SIGALRM)
    assert interrupted()
    assert signal.getsignal(signal.SIGALRM) is handler
    signal.setitimer(signal.ITIMER_REAL, 0.2, 500)
    assert interrupted()
    until = time.monotonic() + 60
    while not caller and time.monotonic() < until:
        time.sleep(0.01)
    assert caller == [signal.SIGALRM]
    assert signal.getitimer(signal.ITIMER_REAL)[1] == 500


def ends_in_time() -> bool:
    for _ in range(20):
        try:
            with time_limit(0.01):
                busy(0.0099)
        except TimeLimitReached:
            pass
        busy(0.005)
    return True


@pytest.mark.parametrize("run", [lambda function: function(), in_thread], ids=["main thread", "another thread"])
def test_nothing_is_interrupted_after_the_block(run: Callable[[Callable[[], bool]], bool]) -> None:
    assert run(ends_in_time)
