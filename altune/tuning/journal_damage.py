"""What can be wrong with the journal of a study, and how to repair it: no line that stays is changed.

Optuna numbers trials by their position in the journal. So nothing may be taken out before a trial that stays, except
trials of another program, which gave it a wrong number. What cannot stay is moved to a file beside the journal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from altune.core.errors import RequestError
from altune.core.files import written_whole
from altune.core.text import join_words
from altune.tuning.journal import DamagedLine, read_line
from altune.tuning.optuna_private import CREATE_TRIAL, SET_STATE, SET_STUDY_ATTRIBUTE, require_journal_codes
from altune.tuning.storage import cut_torn_line, torn_bytes

_RUNNING, _WAITING = 0, 4
MOVED = "torn"


@dataclass(frozen=True)
class Problem:
    """One problem that was found.

    Attributes
    ----------
    what : what was wrong.
    where : the file, or the study.
    done : what was done about it; in a dry run what would be done.
    """

    what: str
    where: str
    done: str


@dataclass(frozen=True, eq=False)
class Damage:
    """A problem, and how to fix it."""

    problem: Problem
    fix: Callable[[], object]


def torn_line(journal: Path) -> Iterator[Damage]:
    """Yield the line that a kill has torn; every opening of a run cuts it in the same way."""
    torn = torn_bytes(journal)
    if torn:
        what = "its last line was torn by a kill or a full disk"
        yield Damage(Problem(what, str(journal), f"cut by {torn} bytes"), lambda: cut_torn_line(journal))


@dataclass(frozen=True, eq=False)
class Contents:
    """The complete lines of a journal, read when they are first asked for.

    A dry run fixes nothing, so a torn last line may still be there. It is left out here.

    Attributes
    ----------
    journal : the file.
    """

    journal: Path

    @cached_property
    def lines(self) -> list[bytes]:
        """Every line that ends with a newline."""
        return [line + b"\n" for line in self.journal.read_bytes().split(b"\n")[:-1]]

    @cached_property
    def operations(self) -> list[dict[str, Any]]:
        """Optuna's operations up to the first line that is damaged, or that Optuna cannot replay or altune not read."""
        from altune.tuning.record import StudyRecord
        from altune.tuning.record_damage import n_readable

        require_journal_codes()
        operations = []
        for line in self.lines:
            operation = _operation(line)
            if operation is None:
                break
            operations.append(operation)
        return operations[: n_readable(operations, StudyRecord)]

    @cached_property
    def unfinished(self) -> list[int]:
        """Numbers of the trials that were never finished."""
        states: list[int] = []
        for operation in self.operations:
            if operation["op_code"] == CREATE_TRIAL:
                states.append(int(operation.get("state", _RUNNING)))
            elif operation["op_code"] == SET_STATE and operation["trial_id"] < len(states):
                states[operation["trial_id"]] = int(operation["state"])
        return [number for number, state in enumerate(states) if state in (_RUNNING, _WAITING)]

    @property
    def confirmed(self) -> bool:
        """Whether a confirmation is stored."""
        from altune.tuning.record import CONFIRMATION

        return any(
            operation["op_code"] == SET_STUDY_ATTRIBUTE and CONFIRMATION in operation.get("user_attr", {})
            for operation in self.operations
        )


def _operation(line: bytes) -> dict[str, Any] | None:
    """Return the operation of a line, None if it is damaged."""
    try:
        return read_line(line, 0)
    except DamagedLine:
        return None


def damaged_lines(journal: Path, contents: Contents) -> Iterator[Damage]:
    """Yield lines that are damaged: the lines before them are kept, they and all later ones are moved aside.

    Later lines cannot stay, because the number of a trial is its position in the journal.
    """
    n_kept, lines = len(contents.operations), contents.lines
    if n_kept == len(lines):
        return
    damaged = [number for number, line in enumerate(lines, start=1) if number > n_kept and _operation(line) is None]
    damaged = damaged or [n_kept + 1]
    n_trials = sum((_operation(line) or {}).get("op_code") == CREATE_TRIAL for line in lines[n_kept:])
    aside = _free_name(journal)
    what = f"{numbered('line', damaged)} {'is' if len(damaged) == 1 else 'are'} damaged"
    done = f"cut before line {n_kept + 1}, the rest moved to {aside.name}"
    if n_trials:
        trials = f"{n_trials} trial{'s' * (n_trials > 1)}"
        done += f", with {trials} that the same tune command plays again from the stored trajectories"
    yield Damage(Problem(what, str(journal), done), lambda: _move_aside(journal, aside, lines[:n_kept], lines[n_kept:]))


def unfinished_trials(journal: Path, contents: Contents) -> Iterator[Damage]:
    """Yield trials that another program started and never finished; altune stores no trial before it is finished."""
    unfinished = set(contents.unfinished)
    if not unfinished:
        return
    kept: list[bytes] = []
    moved: list[bytes] = []
    number = -1
    for line, operation in zip(contents.lines, contents.operations, strict=False):
        number += operation["op_code"] == CREATE_TRIAL
        trial = number if operation["op_code"] == CREATE_TRIAL else operation.get("trial_id")
        # A later operation names its trial by number, and the number changes when an earlier trial is taken out.
        if trial is not None and trial not in unfinished and trial > min(unfinished) and "trial_id" in operation:
            raise RequestError(
                f"{journal}: another program changed trial {trial} after it was stored and never finished trial "
                f"{min(unfinished)}; this cannot be repaired: use an earlier copy of the folder"
            )
        (moved if trial in unfinished else kept).append(line)
    aside = _free_name(journal)
    what = f"{numbered('trial', sorted(unfinished))}, started by another program, never finished"
    done = f"taken out, and moved to {aside.name}"
    yield Damage(Problem(what, str(journal), done), lambda: _move_aside(journal, aside, kept, moved))


def _free_name(journal: Path) -> Path:
    """Return a file beside the journal that does not exist yet."""
    taken = 0
    while (path := journal.with_name(f"{journal.name}.{MOVED}{f'-{taken + 1}' if taken else ''}")).exists():
        taken += 1
    return path


def _move_aside(journal: Path, aside: Path, kept: Sequence[bytes], moved: Sequence[bytes]) -> None:
    """Move lines of a journal into a file beside it.

    The lines reach the disk there before the journal is replaced. If the process is killed in between, both files have
    them, and nothing is lost.
    """
    _write_through(aside, moved)
    with written_whole(journal) as partial:
        _write_through(partial, kept)


def _write_through(path: Path, lines: Sequence[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def numbered(word: str, numbers: Sequence[int]) -> str:
    """Return ``line 3`` or ``lines 3, 5 and 9``; of many numbers only the first few.

    >>> numbered("line", [3]), numbered("line", [3, 5, 9])
    ('line 3', 'lines 3, 5 and 9')
    """
    if len(numbers) == 1:
        return f"{word} {numbers[0]}"
    names = [str(number) for number in numbers]
    if len(names) > 5:
        names = [*names[:4], f"{len(names) - 4} more"]
    return f"{word}s {join_words(names)}"
