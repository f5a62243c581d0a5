"""A database that does not answer is asked again: which failures pass by themselves, and how long to wait for that."""

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
# PostgreSQL's classes of errors that pass: connection, out of resources, operator intervention, transaction undone.
_PASSING = ("08", "53", "57P", "40", "55P03", "25P03")


def passing_reason(error: BaseException) -> str | None:
    """Return why the database did not answer, None where the error would come again however often one asks.

    Drivers tell a lost connection in different ways and SQLAlchemy and Optuna wrap it, so the whole chain of causes is
    read: PostgreSQL's own code decides where there is one; a driver's error without a code is a lost connection.
    """
    chain = list(causes(error))
    for link in chain:
        code = sql_state(link)
        if code is not None:
            return server_message(link) if code.startswith(_PASSING) else None
    for link in chain:
        if isinstance(link, OSError):
            return link.strerror or str(link) or type(link).__name__
    lost = next((link for link in chain if _driver_lost(link)), None)
    return None if lost is None else server_message(lost)


def sql_state(error: BaseException) -> str | None:
    """Return PostgreSQL's five-letter code of a driver's error, None where the server said nothing."""
    told = error.args[0] if error.args else None
    if isinstance(told, dict):  # pg8000
        return told.get("C")
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return code if isinstance(code, str) else None


def server_message(error: BaseException) -> str:
    """Return what the server said, in one line."""
    told: Any = error.args[0] if error.args else ""
    text = told.get("M", "") if isinstance(told, dict) else str(told)
    return text.splitlines()[0] if text else type(error).__name__


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what caused it, the nearest first.

    What a driver was at when it failed belongs to it: pg8000, told of a wrong password, fails to say goodbye.
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
    """Does an operation again until the database answers, waiting longer each time.

    An operation given to it must be safe to repeat after a lost answer, that is, when it may have been done.

    Parameters
    ----------
    where : the database, for messages.
    limit : seconds after the first failure at which it is given up.
    tell : takes a line when the waiting begins and one when it ends; at most one pair an outage, whatever the threads.
    """

    where: str
    limit: float = 300.0
    tell: Callable[[str], None] = lambda line: None
    _silent: bool = field(default=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __call__(self, operation: Callable[[], Result], pause: Callable[[float], object] = time.sleep) -> Result:
        """Return what the operation returns.

        Parameters
        ----------
        operation : what to do.
        pause : waits that many seconds; it may raise to give up earlier.

        Raises
        ------
        StorageError
            If the database has not answered within the limit.
        """
        failures, deadline, longest = 0, 0.0, FIRST_PAUSE
        while True:
            try:
                result = operation()
            except StorageError:  # another operation inside of this one gave up
                raise
            except Exception as error:
                reason = passing_reason(error)
                if reason is None:
                    raise
                deadline = deadline or time.monotonic() + self.limit
                self._give_up_after(deadline, reason, error)
                if failures:  # a single cut connection heals at once and is no news
                    self._note(silent=True, reason=reason)
            else:
                self._note(silent=False)
                return result
            failures += 1
            # Drawn at random, so that many workers do not come back all at one moment.
            pause(min(longest * (0.5 + secrets.randbelow(500) / 1000), max(0.0, deadline - time.monotonic())))
            longest = min(2 * longest, LONGEST_PAUSE)

    def _give_up_after(self, deadline: float, reason: str, error: Exception) -> None:
        if time.monotonic() >= deadline:
            raise StorageError(
                f"{self.where}: the database has not answered for {_duration(self.limit)} ({reason}); "
                "nothing that was stored is lost: give the same command again when it answers"
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
