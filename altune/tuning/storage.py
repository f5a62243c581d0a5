"""The study on disk: one journal in the run's folder, opened by one owner at a time.

A journal whose last line is torn opens, and the next write fails; a lock whose owner is dead makes Optuna wait. So
the owner cuts the journal to its last newline and removes a left lock before it opens the study. That much is done at
every opening; :mod:`altune.workflows.repair` does the same by the same functions, and what is rarer.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from altune.core.errors import RequestError, StorageError
from altune.simulation.objectives import Direction

STUDY_NAME = "altune"
JOURNAL = "study.journal"
LOCK = "owner.lock"
_LOCKED_BYTE = 2**30
_FIRST = b'{"op_code"'
# What reading a line raises that is no operation of a journal.
_UNREADABLE = (json.JSONDecodeError, UnicodeDecodeError, TypeError, AttributeError)


def open_study(folder: Path | None, directions: Sequence[Direction]) -> optuna.Study:
    """Open the study of a run's folder, making it where there is none; call it under :func:`ownership`.

    Without a folder the study is a new one in memory.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    new: dict[str, Any] = {
        "study_name": STUDY_NAME,
        "directions": list(directions),
        "pruner": optuna.pruners.NopPruner(),
    }
    if folder is None:
        return optuna.create_study(**new)
    journal = folder / JOURNAL
    try:
        require_journal(journal)
        remove_left_locks(folder)
        cut_torn_line(journal)
        with _reading():
            storage = _storage(journal)
        if storage.get_all_studies():
            return optuna.load_study(study_name=STUDY_NAME, storage=storage)
        return optuna.create_study(storage=storage, **new)
    except _UNREADABLE:
        raise RequestError(_damaged(folder)) from None
    except (KeyError, ValueError):
        raise RequestError(f"{journal}: the study there was not created by altune; give another --out") from None
    except OSError as error:
        raise StorageError(f"{journal}: {error.strerror}") from None


def _damaged(folder: Path) -> str:
    return f"{folder / JOURNAL}: a line in it cannot be read; `altune repair {folder}` says which, and mends it"


def require_journal(journal: Path) -> None:
    """Refuse a file that Optuna did not write: its journal would pass over what it cannot read, and append.

    Raises
    ------
    ValueError
        If it is none. A file that is missing, empty or torn in its first line may become one.
    """
    if not journal.is_file():
        return
    with journal.open("rb") as file:
        first = file.readline()
    torn = not first.endswith(b"\n") and _FIRST.startswith(first[: len(_FIRST)])
    if b'"op_code"' not in first and not torn:
        raise ValueError("not a journal")


def read_study(folder: Path) -> optuna.Study:
    """Open the study of a run's folder for reading.

    Raises
    ------
    RequestError
        If there is none.
    """
    journal = folder / JOURNAL
    if not journal.is_file():
        raise RequestError(f"{folder}: no run here ({JOURNAL} is missing); `altune tune DATA --out {folder}` makes one")
    try:
        with _reading():
            return optuna.load_study(study_name=STUDY_NAME, storage=_storage(journal))
    except _UNREADABLE:
        raise RequestError(_damaged(folder)) from None
    except (KeyError, ValueError, OSError) as error:
        raise RequestError(f"{journal}: not a study that altune created ({error})") from None


def append_trial(study: optuna.Study, trial: FrozenTrial) -> None:
    """Store one finished trial.

    Raises
    ------
    StorageError
        If the journal cannot be written, a full disk for one; nothing that was stored before is lost.
    """
    with _writing():
        study.add_trial(trial)


def set_attribute(study: optuna.Study, name: str, value: Any) -> None:
    """Store one named JSON value with the study."""
    with _writing():
        study.set_user_attr(name, value)


def left_locks(folder: Path) -> list[Path]:
    """Return Optuna's locks of a journal; whoever owns the folder knows that their owners are dead."""
    return sorted(folder.glob(f"{JOURNAL}.lock*"))


def remove_left_locks(folder: Path) -> int:
    """Remove Optuna's locks that a kill has left, under :func:`ownership`; return how many there were."""
    left = left_locks(folder)
    for lock in left:
        lock.unlink(missing_ok=True)
    return len(left)


def torn_bytes(journal: Path) -> int:
    """Return how many bytes a journal has behind its last newline: a line that a kill has torn."""
    if not journal.is_file():
        return 0
    with journal.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end > 0:
            step = min(end, 65536)
            file.seek(end - step)
            newline = file.read(step).rfind(b"\n")
            if newline >= 0:
                return size - (end - step + newline + 1)
            end -= step
        return size


def cut_torn_line(journal: Path) -> int:
    """Cut a journal to its last newline, under :func:`ownership`; return how many bytes were cut."""
    torn = torn_bytes(journal)
    if torn:
        with journal.open("rb+") as file:
            file.truncate(file.seek(0, os.SEEK_END) - torn)
    return torn


@contextlib.contextmanager
def ownership(folder: Path) -> Iterator[None]:
    """Own a run's folder: the operating system lets the lock go when the process ends, however it ends.

    Raises
    ------
    RequestError
        If another process owns it, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("a+")
    except OSError as error:
        raise RequestError(f"{folder}: cannot be used as the run's folder: {error.strerror}") from None
    with lock:
        if not _lock(lock.fileno()):
            raise RequestError(
                f"{folder}: in use: another process{_owner(lock)} is working on this run; wait for it, or give another "
                "--out"
            )
        _sign(lock.fileno())
        yield


def _sign(descriptor: int) -> None:
    """Write who owns a lock into it; on a full disk it is held all the same."""
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()} {socket.gethostname()}\n".encode())


def _owner(lock: TextIO) -> str:
    """Return who wrote into a lock, as words; nothing where that cannot be told."""
    lock.seek(0)
    words = lock.read(300).split()
    if len(words) != 2 or not words[0].isdigit():
        return ""
    return f", process {words[0]}" + (f" on {words[1]}" if words[1] != socket.gethostname() else "") + ","


def _lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        # A byte that is never written, so that others can read who the owner is.
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _storage(journal: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(journal)))


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Read without looking for garbage: there is none in what a journal becomes, and it took two fifths of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"the study's journal cannot be written: {error.strerror}; make room and give the same command again"
        ) from None
