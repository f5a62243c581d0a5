"""Workers of this process, and calls for them."""

from __future__ import annotations

import os
import time

from altune.simulation.execution.attempts import Play
from altune.simulation.execution.processes import Call, LocalPool

PATIENCE = 600.0
"""Seconds after which a test gives up waiting for another process; a busy machine may need many of them."""


def where(number: int) -> tuple[int, int]:
    return number, os.getpid()


def call(*arguments: object, limit: float | None = None) -> Call:
    """Return a call that is counted by its arguments."""
    return Call(arguments, Play(repr(arguments), repr(arguments)), limit)


def wait_for_worker() -> None:
    """Return once a worker has started and takes calls."""
    until = time.monotonic() + PATIENCE
    with LocalPool(2) as pool:
        while not pool.begin(where, call(0)):
            assert time.monotonic() < until, "no worker has started"
            time.sleep(0.01)
        assert len(list(pool.run(where, []))) == 1
