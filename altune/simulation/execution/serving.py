"""What a worker process of this machine does: it answers one call after another, and ends with its owner."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing.connection
import os
import pickle
import select
import signal
import threading
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from altune.core.errors import WorkError
from altune.core.processes import TERM_SECONDS, TO_END
from altune.core.standard_streams import output_to_errors
from altune.core.startup import import_sklearn

BEGAN = b""
"""Message of a worker that has all that it plays with: from here on the time limit of a call counts."""
_PLAYED_WITH = ("altune.simulation.execution.worker", "altune.recipes.recipe")
_connection: Connection | None = None


def prepare() -> None:
    """Import what a worker plays with, and set up the streams and signals of its process."""
    # Ctrl-C is meant for the owner alone. What a method prints must not get among the results of a command.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    output_to_errors()
    import_sklearn()
    for name in _PLAYED_WITH:
        importlib.import_module(name)


def serve(connection: Connection) -> NoReturn:
    """Answer calls until the owner closes the connection or ends."""
    global _connection
    _connection = connection
    threading.Thread(target=_end_with_owner, args=(connection.fileno(), os.getppid()), daemon=True).start()
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1)
    with contextlib.suppress(EOFError, OSError):
        while True:
            connection.send_bytes(_answer(connection.recv_bytes()))
    _end()


def serve_spawned(descriptor: int) -> NoReturn:
    """Be a worker that was started by itself, with one end of its owner's connection."""
    prepare()
    kind: Any = getattr(multiprocessing.connection, "PipeConnection", Connection)
    connection = kind(descriptor)
    connection.send_bytes(BEGAN)
    serve(connection)


def announce() -> None:
    """Tell the owner that what it measures the time of begins now; in any other process do nothing."""
    if _connection is not None:
        _connection.send_bytes(BEGAN)


def _answer(message: bytes) -> bytes:
    """Return whether a call has succeeded, with its result or the error and the traceback, as bytes."""
    from joblib.externals.loky.backend.reduction import dumps

    try:
        function, arguments = pickle.loads(message)
        return bytes(dumps((True, function(*arguments), "")))
    except BaseException as error:
        text = traceback.format_exc()
        try:
            return bytes(dumps((False, error, text)))
        except Exception:
            return bytes(dumps((False, WorkError(f"{type(error).__name__}: {error}"), text)))


def _end_with_owner(descriptor: int, parent: int) -> None:
    """End this process as soon as its owner is gone, whatever it is doing.

    Compiled code that keeps Python's lock delays this to its end, unless a fork server does it from outside.
    """
    if hasattr(select, "poll"):
        owner = select.poll()
        owner.register(descriptor, 0)  # only the end of the connection is reported
        owner.poll()
    else:
        while os.getppid() == parent:
            time.sleep(1.0)
    _end()


def _end() -> NoReturn:
    """End this process and those that methods have started in it, which are in its group."""
    if hasattr(os, "killpg") and os.getpgid(0) == os.getpid():
        # First the signal that lets helpers of other libraries, such as joblib's, clean up.
        for number in TO_END:
            os.killpg(0, number)
            time.sleep(TERM_SECONDS)
    os._exit(0)
