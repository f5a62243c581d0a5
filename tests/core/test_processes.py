"""Whether a process is alive: ended ones that are still listed, and numbers that were given away, are not."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from altune.core.processes import TOLERANCE, is_alive


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_process_is_alive_until_it_ends_whether_or_not_its_parent_has_noticed() -> None:
    now = time.time()
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert is_alive(process.pid, now)
    assert not is_alive(process.pid, now - 10 * TOLERANCE), "the number belonged to another process then"
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended and is still listed
    os.kill(process.pid, 0)
    assert not is_alive(process.pid, now)
    process.wait()
    assert not is_alive(process.pid, now)
    assert is_alive(os.getpid(), time.time())
