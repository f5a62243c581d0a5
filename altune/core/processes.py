"""Processes of this machine: whether one is still the one that is meant, and how groups of them are ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Collection
from pathlib import Path

TOLERANCE = 60.0
"""Seconds by which the clock may have been set since a process was started."""
TERM_SECONDS = 2.0
"""Seconds that a process has to end after it was asked to."""
TO_END = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGKILL") if hasattr(signal, name))
"""Signals that ask a process to end, and that end it."""


def is_alive(process: int, since: float) -> bool:
    """Return whether a process is running that was running at a moment; POSIX only.

    A process that has ended stays listed until its parent notices, and its number may be given to another one later.
    Both are recognised on Linux.

    Parameters
    ----------
    process : its number.
    since : moment at which it was running, in seconds since the epoch.
    """
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        # The name of the program, in parentheses, may hold anything; the state and the times follow it.
        state, *numbers = Path(f"/proc/{process}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        up = float(Path("/proc/uptime").read_text("utf-8").split()[0])
        started = time.time() - up + int(numbers[18]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):  # there is no /proc, or it is a restricted one
        return True
    return state not in ("Z", "X") and started <= since + TOLERANCE


def end_groups(leaders: Collection[int]) -> dict[int, int]:
    """End process groups whose leaders are children of this process; POSIX only.

    They are asked to end, so that helpers of other libraries among them can remove their files, and what is left after
    some seconds is killed.

    Parameters
    ----------
    leaders : process numbers of the leaders, which may have ended already.

    Returns
    -------
    dict
        The exit code of each leader as far as it is known, negative for a signal.
    """
    codes: dict[int, int] = {}
    for number in TO_END if hasattr(os, "killpg") else ():
        for leader in leaders:
            _signalled(leader, number)
        until = time.monotonic() + TERM_SECONDS
        while time.monotonic() < until:
            for leader in leaders:
                with contextlib.suppress(ChildProcessError):
                    ended, status = os.waitpid(leader, os.WNOHANG)
                    if ended:
                        codes[leader] = os.waitstatus_to_exitcode(status)
            if not any(_signalled(leader, 0) for leader in leaders):
                return codes
            time.sleep(2e-3)
    return codes


def _signalled(leader: int, number: int) -> bool:
    """Send a signal to a group, and return whether there is one."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
