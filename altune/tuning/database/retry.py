"""Retrying database operations: which failures are temporary, and how long to wait for their end."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from altune.core.errors import StorageError

Result = TypeVar("Result")

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
# PostgreSQL's classes of temporary errors: connection, out of resources, operator intervention, transaction rollback,
# and two timeouts.
_TEMPORARY = ("08", "53", "57P", "40", "55P03", "25P03")


def passing_reason(error: BaseException) -> str | None:
    """Return why the database did not answer, None if the error is not temporary.

    Drivers report a lost connection in different ways, and SQLAlchemy and Optuna wrap their errors, so the whole chain
    of causes is searched. PostgreSQL's own code decides if there is one. A driver's error without a code is a lost
    connection.
    """
    chain = list(causes(error))
    for link in chain:
        code = sql_state(link)
        if code is not None:
            return server_message(link) if code.startswith(_TEMPORARY) else None
    for link in chain:
        if isinstance(link, OSError):
            return link.strerror or str(link) or type(link).__name__
    lost = next((link for link in chain if _driver_lost(link)), None)
    return None if lost is None else server_message(lost)


def sql_state(error: BaseException) -> str | None:
    """Return PostgreSQL's five-letter code of a driver's error, None if it does not come from the server."""
    fields = error.args[0] if error.args else None
    if isinstance(fields, dict):  # pg8000
        return fields.get("C")
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return code if isinstance(code, str) else None


def server_message(error: BaseException) -> str:
    """Return the message of the server in one line."""
    fields: Any = error.args[0] if error.args else ""
    text = fields.get("M", "") if isinstance(fields, dict) else str(fields)
    return text.splitlines()[0] if text else type(error).__name__


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, the nearest first.

    For an error of a driver, the error that it was handling counts as a cause: pg8000 fails again when it closes a
    connection whose password was refused.
    """
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or (link.__context__ if isinstance(link, OSError) or _of_driver(link) else None)


def _of_driver(error: BaseException) -> bool:
    return type(error).__module__.startswith(("pg8000", "psycopg"))


def _driver_lost(error: BaseException) -> bool:
    return _of_driver(error) and type(error).__name__ in ("InterfaceError", "OperationalError")


@dataclass
class Retry:
    """Repeats an operation until the database answers, with growing pauses.

    The operation must be safe to repeat if its answer was lost, that is, although it may have been done.

    Parameters
    ----------
    where : name of the database, for messages.
    limit : seconds after the first failure after which to give up.
    tell : called with a message when the waiting starts and when it ends; once for each outage, for any number of
        threads.
    """

    where: str
    limit: float = 300.0
    tell: Callable[[str], None] = lambda line: None
    _silent: bool = field(default=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __call__(self, operation: Callable[[], Result], pause: Callable[[float], object] = time.sleep) -> Result:
        """Return the result of the operation.

        Parameters
        ----------
        operation : operation to repeat.
        pause : function that waits for some seconds; it may raise to give up earlier.

        Raises
        ------
        StorageError
            If the database has not answered within the limit.
        """
        failures, deadline, longest = 0, 0.0, FIRST_PAUSE
        while True:
            try:
                result = operation()
            except StorageError:  # an operation within this one gave up
                raise
            except Exception as error:
                reason = passing_reason(error)
                if reason is None:
                    raise
                deadline = deadline or time.monotonic() + self.limit
                self._give_up_after(deadline, reason, error)
                if failures:  # a single lost connection is restored at once, and needs no message
                    self._note(silent=True, reason=reason)
            else:
                self._note(silent=False)
                return result
            failures += 1
            # At random, so that many workers do not all come back at the same moment.
            pause(min(longest * (0.5 + secrets.randbelow(500) / 1000), max(0.0, deadline - time.monotonic())))
            longest = min(2 * longest, LONGEST_PAUSE)

    def _give_up_after(self, deadline: float, reason: str, error: Exception) -> None:
        if time.monotonic() >= deadline:
            raise StorageError(
                f"{self.where}: the database has not answered for {_duration(self.limit)} ({reason}); "
                "nothing that was stored is lost; give the same command again when it answers"
            ) from error

    def _note(self, *, silent: bool, reason: str = "") -> None:
        with self._lock:
            changed, self._silent = silent != self._silent, silent
        if not changed:
            return
        if silent:
            self.tell(
                f"{self.where}: the database does not answer ({reason}); trying again for {_duration(self.limit)}"
            )
        else:
            self.tell(f"{self.where}: the database answers again")


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
