"""The file of a journal: Optuna's format, with a checksum in each line that altune writes."""

from __future__ import annotations

import contextlib
import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileSymlinkLock

from altune.core.checksums import ChecksumError, sealed, unsealed
from altune.core.errors import StorageError


class DamagedLine(ValueError):
    """A line of a journal is not what was written.

    Attributes
    ----------
    number : its number in the file, from 1.
    """

    def __init__(self, number: int, problem: str) -> None:
        super().__init__(f"line {number} {problem}")
        self.number = number


def read_line(line: bytes, number: int) -> dict[str, Any]:
    """Return the operation of a complete line.

    Raises
    ------
    DamagedLine
        If it is no operation, or its checksum does not match. A line of another program has no checksum.
    """
    try:
        operation = unsealed(line)
    except ChecksumError:
        raise DamagedLine(number, "has changed since it was written: its checksum does not match") from None
    except (ValueError, RecursionError):
        raise DamagedLine(number, "cannot be read") from None
    if not isinstance(operation.get("op_code"), int):
        raise DamagedLine(number, "cannot be read")
    return operation


class JournalFile(BaseJournalBackend):
    """Reads and appends the lines of a journal.

    Optuna and its other tools read the file as any other: they ignore the checksums. Other programs append under
    Optuna's lock, so this does as well.

    Parameters
    ----------
    path : the file, made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = JournalFileSymlinkLock(str(path))
        with path.open("ab") as file:
            self._file_number = os.fstat(file.fileno()).st_ino
        self._ends = [0]
        """Where each line that was read ends, in bytes; the first entry is the beginning of the file."""

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the operations from a line on; a last line that is not complete yet is left for later."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            raise self._gone() from None
        with file:
            self._require_same(file.fileno())
            number = min(log_number_from, len(self._ends) - 1)
            file.seek(self._ends[number])
            for line in file:
                if not line.endswith(b"\n"):
                    return
                number += 1
                if number == len(self._ends):
                    self._ends.append(self._ends[-1] + len(line))
                if number > log_number_from:
                    yield read_line(line, number)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append operations, and wait until they have reached the disk."""
        lines = "".join(f"{sealed(operation)}\n" for operation in logs).encode()
        try:
            self._lock.acquire()
        except FileNotFoundError:
            raise self._gone() from None
        try:
            with self._path.open("rb+") as file:
                self._require_same(file.fileno())
                end = file.seek(0, os.SEEK_END)
                try:
                    file.write(lines)
                    file.flush()
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(end)  # of a full disk: what was written before stays whole
                    raise
        except FileNotFoundError:
            raise self._gone() from None
        finally:
            with contextlib.suppress(RuntimeError):  # another program took the lock away
                self._lock.release()

    def _require_same(self, descriptor: int) -> None:
        if os.fstat(descriptor).st_ino != self._file_number:
            raise self._gone()

    def _gone(self) -> StorageError:
        return StorageError(
            f"{self._path}: another program deleted or replaced the journal while the run was going; give the same "
            "command again: finished trajectories are read back"
        )


class _Operations(BaseJournalBackend):
    """Operations in memory, to be replayed."""

    def __init__(self, operations: Sequence[dict[str, Any]]) -> None:
        self._operations = operations

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        return iter(self._operations[log_number_from:])

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        raise TypeError("operations that are replayed are not added to")


def read_operations(path: Path) -> list[dict[str, Any]]:
    """Return the operations of a journal up to the first line that is damaged or not complete."""
    operations: list[dict[str, Any]] = []
    with path.open("rb") as file, contextlib.suppress(DamagedLine):
        for number, line in enumerate(file, start=1):
            operations.append(read_line(line, number))
    return operations


def n_replayed(operations: Sequence[dict[str, Any]], read: Callable[[JournalStorage], object] | None = None) -> int:
    """Return how many of the operations, from the first on, Optuna can replay.

    An operation without a checksum may have the wrong fields, which only a replay shows.

    Parameters
    ----------
    operations : the operations.
    read : reads the study after a replay; what it raises counts as well.
    """

    def fails(n: int) -> bool:
        try:
            storage = JournalStorage(_Operations(operations[:n]))
            if read is not None:
                read(storage)
        except Exception:
            return True
        return False

    if not fails(len(operations)):
        return len(operations)
    return bisect_left(range(1, len(operations) + 1), True, key=fails)
