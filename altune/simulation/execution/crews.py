"""Starting and ending worker processes of this machine.

On Linux one process imports what workers play with and is forked for each of them, so a further worker costs
milliseconds and little memory. It belongs to no terminal, and it ends its workers, with whatever methods have started
in them, as soon as its owner is gone. Elsewhere each worker is a process that starts by itself and watches its owner.

Nothing heavy is imported here, and the user's main module is imported nowhere.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import select
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn, Protocol

from altune.core.errors import WorkError
from altune.core.files import absolute
from altune.core.processes import end_groups

_ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR", "NUMBA")} | {
    "VECLIB_MAXIMUM_THREADS": "1"
}
_END_SECONDS = 10.0
_NO_START = "a worker process could not start; what it printed says why, or give --jobs 1"


@dataclass(frozen=True, eq=False)
class Worker:
    """A worker process.

    Attributes
    ----------
    connection : where it receives calls and sends results.
    process : its number.
    """

    connection: Any
    process: int


class Crew(Protocol):
    """Starts and ends workers that belong together."""

    def is_ready(self) -> bool:
        """Return whether a worker would start at once."""

    def start(self) -> Worker:
        """Start a worker.

        Raises
        ------
        WorkError
            If that is not possible.
        """

    def end(self, worker: Worker) -> int | None:
        """End a worker, whatever it is doing, and return its exit code if it is known; negative for a signal."""

    def stop(self) -> None:
        """End all workers, whatever they are doing."""


def new_crew(workers: int) -> Crew:
    """Return a crew that has begun to import what a number of workers need."""
    return ForkedCrew() if sys.platform == "linux" else SpawnedCrew(workers)


class ForkedCrew:
    """Workers that are forked from one process."""

    def __init__(self) -> None:
        self._workers: list[Worker] = []
        self._launch()
        _crews.add(self)

    def _launch(self) -> None:
        with _starting():
            self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ready = False
        with theirs:
            number = theirs.fileno()
            code = f"from altune.simulation.execution.crews import fork_workers; fork_workers({number})"
            self._process = _python(code, pass_fds=(number,), start_new_session=True)

    def is_ready(self) -> bool:
        """Return whether a worker would start at once."""
        return self._ready or bool(select.select([self._requests], [], [], 0)[0])

    def start(self) -> Worker:
        """Start a worker; if the process that forks them was killed, after starting that again."""
        try:
            return self._started()
        except OSError:
            self._requests.close()
            self._process.wait()
            self._launch()
        try:
            return self._started()
        except OSError:
            raise WorkError(_NO_START) from None

    def _started(self) -> Worker:
        ours, theirs = multiprocessing.Pipe()
        try:
            if not self._ready:
                self._ready = self._answer() == 0
            socket.send_fds(self._requests, [b"0"], [theirs.fileno()])
            worker = Worker(ours, self._answer())
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._workers.append(worker)
        return worker

    def _answer(self) -> int:
        answer = self._requests.recv(64)
        if not answer:
            raise ConnectionError
        return int(answer)

    def end(self, worker: Worker) -> int | None:
        """End a worker, whatever it is doing, and return its exit code if it is known; negative for a signal."""
        worker.connection.close()
        self._workers.remove(worker)
        try:
            self._requests.send(b"%d" % worker.process)
            code = self._answer()
            return None if code == UNKNOWN else code
        except OSError:  # the process that forks was killed as well
            return end_groups([worker.process]).get(worker.process)

    def stop(self) -> None:
        """End all workers, whatever they are doing."""
        self.let_go()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)

    def let_go(self) -> None:
        """Close what leads to the workers; they end unless another process has it too."""
        for connection in (self._requests, *(worker.connection for worker in self._workers)):
            connection.close()


UNKNOWN = 10**6
"""Answer for an exit code that is not known."""


def fork_workers(descriptor: int) -> NoReturn:
    """Fork and end workers, as the owner asks for it through a socket, until it closes the socket."""
    from altune.simulation.execution.serving import prepare, serve

    prepare()
    requests = socket.socket(fileno=descriptor)
    leaders: set[int] = set()
    with contextlib.suppress(OSError):
        requests.send(b"0")
        while True:
            message, descriptors, *_ = socket.recv_fds(requests, 64, 1)
            if not message:
                break
            if not descriptors:
                leader = int(message)
                leaders.discard(leader)
                requests.send(b"%d" % end_groups([leader]).get(leader, UNKNOWN))
                continue
            leader = os.fork()
            if leader == 0:
                os.setpgid(0, 0)
                requests.close()
                serve(Connection(descriptors[0]))
            with contextlib.suppress(OSError):
                os.setpgid(leader, leader)
            os.close(descriptors[0])
            leaders.add(leader)
            requests.send(b"%d" % leader)
    end_groups(leaders)
    os._exit(0)


class SpawnedCrew:
    """Workers that start by themselves, each with its own imports.

    Parameters
    ----------
    workers : number of workers that start at once.
    """

    def __init__(self, workers: int) -> None:
        self._processes: dict[Worker, subprocess.Popen[bytes]] = {}
        self._starting = [self._launched() for _ in range(workers)]
        _crews.add(self)

    def _launched(self) -> Worker:
        ours, theirs = multiprocessing.Pipe()
        with theirs:
            number = theirs.fileno()
            code = f"from altune.simulation.execution.serving import serve_spawned; serve_spawned({number})"
            if os.name == "nt":
                os.set_handle_inheritable(number, True)  # type: ignore[attr-defined,unused-ignore]
                info = subprocess.STARTUPINFO()  # type: ignore[attr-defined,unused-ignore]
                info.lpAttributeList = {"handle_list": [number]}
                process = _python(code, startupinfo=info)
            else:
                process = _python(code, pass_fds=(number,), start_new_session=True)
        worker = Worker(ours, process.pid)
        self._processes[worker] = process
        return worker

    def is_ready(self) -> bool:
        """Return whether a worker would start at once."""
        return any(worker.connection.poll() for worker in self._starting)

    def start(self) -> Worker:
        """Start a worker."""
        worker = self._starting.pop(0) if self._starting else self._launched()
        try:
            worker.connection.recv_bytes()
        except (OSError, EOFError):
            self.end(worker)
            raise WorkError(_NO_START) from None
        return worker

    def end(self, worker: Worker) -> int | None:
        """End a worker, whatever it is doing, and return its exit code if it is known; negative for a signal."""
        worker.connection.close()
        process = self._processes.pop(worker)
        if os.name == "nt":
            process.kill()
            return process.wait()
        process.returncode = end_groups([process.pid]).get(process.pid)
        return process.returncode

    def stop(self) -> None:
        """End all workers, whatever they are doing."""
        for worker in [*self._processes]:
            self.end(worker)

    def let_go(self) -> None:
        """Close what leads to the workers; they end unless another process has it too."""
        for worker in self._processes:
            worker.connection.close()


def _python(code: str, **more: Any) -> subprocess.Popen[bytes]:
    """Start Python with the modules that this process finds, on one thread."""
    words = [sys.executable, *(["-B"] if sys.dont_write_bytecode else []), *(f"-W{each}" for each in sys.warnoptions)]
    code = f"import json, sys; sys.path[:] = json.loads(sys.argv[1]); {code}"
    here = absolute(Path())  # a worker starts in the same directory
    paths = json.dumps([str(here / path) for path in sys.path])
    more |= {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "env": {**os.environ, **_ONE_THREAD}}
    with _starting():
        return subprocess.Popen([*words, "-c", code, paths], **more)


@contextlib.contextmanager
def _starting() -> Iterator[None]:
    """Say in one line which limit of the system a worker process exceeds."""
    try:
        yield
    except OSError as error:
        raise WorkError(f"no worker process can be started: {error}; one process (--jobs 1) needs none") from None


_crews: weakref.WeakSet[Any] = weakref.WeakSet()


def _let_go_of_all() -> None:
    """Close all connections in a process that was just forked, so that workers notice the end of their owner."""
    for crew in [*_crews]:
        crew.let_go()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_of_all)


def ending(code: int | None) -> str:
    """Return how a process has ended, as words.

    >>> ending(3), ending(-9), ending(None)
    ('exit code 3', 'signal 9 (SIGKILL), perhaps because memory ran out', 'an unknown exit code')
    """
    if code is None:
        return "an unknown exit code"
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-code).name
        return f"signal {-code} ({name})" + (", perhaps because memory ran out" if name == "SIGKILL" else "")
    return f"signal {-code}"
