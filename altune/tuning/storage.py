"""The study on disk: a journal in the run's folder, opened by one owner at a time.

A kill leaves two traces that Optuna does not handle. If the last line of the journal is torn, the study opens, and the
next write fails. If Optuna's lock file is left, the next writer waits for it. The owner of the folder knows that no
other process is writing, so it cuts the torn line and removes the lock before it opens the study.
:mod:`altune.workflows.repair` uses the same functions, and repairs rarer damage.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shlex
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO
from weakref import WeakKeyDictionary

import optuna
from optuna.storages import JournalStorage
from optuna.trial import FrozenTrial

from altune.core.errors import AltuneError, RequestError, StorageError
from altune.core.files import locked_at_once, make_private_folder
from altune.core.system_errors import system_error, system_errors
from altune.simulation.objectives import Direction
from altune.tuning.journal import DamagedLine, JournalFile, n_replayed, read_operations
from altune.tuning.quiet import create_study

STUDY_NAME = "altune"
JOURNAL = "study.journal"
LOCK = "owner.lock"
_FIRST = b'{"op_code"'
_JOURNALS: WeakKeyDictionary[optuna.Study, Path] = WeakKeyDictionary()


def open_study(folder: Path | None, directions: Sequence[Direction]) -> optuna.Study:
    """Open the study of a run's folder, or create it if there is none; the caller must have the :func:`ownership`.

    Without a folder, create a study in memory.

    Raises
    ------
    RequestError
        If the journal is damaged or was not created by altune.
    StorageError
        If the journal cannot be read or written.
    """
    new: dict[str, Any] = {
        "study_name": STUDY_NAME,
        "directions": list(directions),
        "pruner": optuna.pruners.NopPruner(),
    }
    if folder is None:
        return create_study(**new)
    journal = folder / JOURNAL
    try:
        require_journal(journal)
        remove_left_locks(folder)
        cut_torn_line(journal)
        with _reading():
            storage = _storage(journal)
        if storage.get_all_studies():
            return _load(storage, journal)
        return create_study(storage=storage, **new)
    except DamagedLine as error:
        raise RequestError(damaged_line(journal, str(error))) from None
    except (KeyError, ValueError):
        raise RequestError(f"{journal}: the study there was not created by altune; give another --out") from None
    except OSError as error:
        raise system_error(error, journal) or error from None


def damaged_line(journal: Path, problem: str) -> str:
    """Return a message about a line of a journal, with the command that repairs it."""
    return f"{journal}: {problem}; `altune repair {shlex.quote(str(journal.parent))}` repairs the journal"


def journal_of(study: optuna.Study) -> Path | None:
    """Return the journal that a study was read from, None for a study that has none."""
    return _JOURNALS.get(study)


def _load(storage: JournalStorage, journal: Path) -> optuna.Study:
    study = optuna.load_study(study_name=STUDY_NAME, storage=storage)
    _JOURNALS[study] = journal
    return study


def require_journal(journal: Path) -> None:
    """Refuse a file that Optuna did not write: Optuna would skip what it cannot read, and append to it.

    Raises
    ------
    ValueError
        If the file is no journal. A file that is missing, empty or torn in its first line may become one.
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
        raise RequestError(
            f"{folder}: no run here ({JOURNAL} is missing); start one with "
            f"`altune tune DATA --out {shlex.quote(str(folder))}`"
        )
    try:
        with _reading():
            return _load(_storage(journal), journal)
    except DamagedLine as error:
        raise RequestError(damaged_line(journal, str(error))) from None
    except OSError as error:
        raise system_error(error, journal) or error from None
    except (KeyError, ValueError) as error:
        raise RequestError(f"{journal}: not a study that altune created ({error})") from None


def append_trial(study: optuna.Study, trial: FrozenTrial) -> None:
    """Store one finished trial.

    Raises
    ------
    StorageError
        If the journal cannot be written, for example on a full disk. Everything stored before is kept.
    """
    with _writing():
        study.add_trial(trial)


def set_attribute(study: optuna.Study, name: str, value: Any) -> None:
    """Store a JSON value with the study under a name."""
    with _writing():
        study.set_user_attr(name, value)


def left_locks(folder: Path) -> list[Path]:
    """Return Optuna's locks of a journal. The owner of the folder knows that the processes that made them are dead."""
    return sorted(folder.glob(f"{JOURNAL}.lock*"))


def remove_left_locks(folder: Path) -> int:
    """Remove Optuna's locks that a kill has left, under :func:`ownership`; return how many there were."""
    locks = left_locks(folder)
    for lock in locks:
        lock.unlink(missing_ok=True)
    return len(locks)


def torn_bytes(journal: Path) -> int:
    """Return the number of bytes after the last newline of a journal, which are a line that a kill has torn."""
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
def ownership(folder: Path, what: str = "run") -> Iterator[None]:
    """Own the folder of a run, or of something else, while the block runs.

    The lock is one of the operating system, which releases it however the process ends. A lock file that is created and
    deleted would be left by a kill.

    Raises
    ------
    RequestError
        If another process owns the folder, or it cannot be created.
    """
    make_private_folder(folder)
    with system_errors(folder):
        lock = (folder / LOCK).open("a+")
    with lock:
        if not locked_at_once(lock.fileno()):
            other = "; wait for it, or give another --out" if what == "run" else "; wait until it has closed it"
            raise RequestError(f"{folder}: in use: another process{_owner(lock)} is working on this {what}{other}")
        _sign(lock.fileno(), f"{os.getpid()} {socket.gethostname()}\n")
        try:
            yield
        finally:
            _sign(lock.fileno(), "")


def _sign(descriptor: int, owner: str) -> None:
    """Write process and host of the owner into the lock file, for the message above and for ``altune watch``.

    An owner that ends removes them again: its process may live on, as that of a notebook does.
    """
    with contextlib.suppress(OSError):  # on a full disk the lock is held without them
        os.ftruncate(descriptor, 0)
        os.write(descriptor, owner.encode())


def _owner(lock: TextIO) -> str:
    """Return the owner that a lock file names, as words; empty if it names none."""
    lock.seek(0)
    words = lock.read(300).split()
    if len(words) != 2 or not words[0].isdigit():
        return ""
    return f", process {words[0]}" + (f" on {words[1]}" if words[1] != socket.gethostname() else "") + ","


def _storage(journal: Path) -> JournalStorage:
    try:
        return JournalStorage(JournalFile(journal))
    except (DamagedLine, AltuneError, OSError):
        raise
    except Exception as error:  # what Optuna raises when an operation is not one of its own
        raise DamagedLine(n_replayed(read_operations(journal)) + 1, "cannot be read") from error


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Switch off garbage collection, which took two fifths of the time: none of the objects of a journal is garbage."""
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
            f"the study's journal cannot be written: {error.strerror}; free some disk space and give the same command "
            "again"
        ) from None
