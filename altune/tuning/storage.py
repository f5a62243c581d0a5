"""The study on disk: one journal in the run's folder, opened by one owner at a time.

A journal whose last line is torn opens, and the next write fails; a lock whose owner is dead makes Optuna wait. So
the owner cuts the journal to its last newline and removes a left lock before it opens the study.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial

from altune.errors import RequestError, StorageError

STUDY_NAME = "altune"
JOURNAL = "study.journal"
LOCK = "owner.lock"


def open_study(folder: Path | None) -> optuna.Study:
    """Open the study of a run's folder, making it where there is none; call it under :func:`ownership`.

    Without a folder the study is a new one in memory.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if folder is None:
        return optuna.create_study(study_name=STUDY_NAME, direction="maximize", pruner=optuna.pruners.NopPruner())
    journal = folder / JOURNAL
    try:
        for left in folder.glob(f"{JOURNAL}.lock*"):
            left.unlink()
        cut_torn_line(journal)
        _require_journal(journal)
        storage = _storage(journal)
        if storage.get_all_studies():
            return optuna.load_study(study_name=STUDY_NAME, storage=storage)
        return optuna.create_study(
            storage=storage, study_name=STUDY_NAME, direction="maximize", pruner=optuna.pruners.NopPruner()
        )
    except (KeyError, ValueError):
        raise RequestError(f"{journal}: the study there was not made by altune; give another --out") from None
    except OSError as error:
        raise StorageError(f"{journal}: {error.strerror}") from None


def _require_journal(journal: Path) -> None:
    """Refuse a file that Optuna did not write: its journal would pass over what it cannot read, and append."""
    if not journal.is_file() or journal.stat().st_size == 0:
        return
    with journal.open("rb") as file:
        first = file.readline()
    if b'"op_code"' not in first:
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
        return optuna.load_study(study_name=STUDY_NAME, storage=_storage(journal))
    except (KeyError, ValueError, OSError) as error:
        raise RequestError(f"{journal}: not a study that altune made ({error})") from None


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


def cut_torn_line(journal: Path) -> bool:
    """Cut a journal to its last newline; return whether anything was cut."""
    if not journal.is_file():
        return False
    with journal.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end > 0:
            step = min(end, 65536)
            file.seek(end - step)
            newline = file.read(step).rfind(b"\n")
            if newline >= 0:
                end = end - step + newline + 1
                break
            end -= step
        if end < size:
            file.truncate(end)
        return end < size


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
            raise RequestError(f"{folder}: another process is working on this run; wait for it or give another --out")
        yield


def _lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

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
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"the study's journal cannot be written: {error.strerror}; make room and give the same command again"
        ) from None
