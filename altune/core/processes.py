"""Whether a process of this machine is still the one that is meant, and at work."""

from __future__ import annotations

import os
import time
from pathlib import Path

TOLERANCE = 60.0
"""Seconds by which the clock may have been set since a process was started."""


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
