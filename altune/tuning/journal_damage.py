"""What can be wrong with a study's journal, and how it is mended: what stands is kept, the rest is moved aside.

A trial's number is its place in the journal, so nothing may be taken out from before a trial that stays, but for what
stood there wrongly.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from altune.core.errors import RequestError
from altune.tuning.storage import cut_torn_line, torn_bytes

# Optuna's operations in a journal (optuna.storages.journal._storage.JournalOperation).
_SET_STUDY_ATTRIBUTE, _CREATE_TRIAL, _SET_STATE = 2, 4, 6
_RUNNING, _WAITING = 0, 4
MOVED = "torn"


@dataclass(frozen=True)
class Problem:
    """One thing that was wrong.

    Attributes
    ----------
    what : what was wrong.
    where : the file, or the study.
    done : what was done about it; in a dry run what would be.
    """

    what: str
    where: str
    done: str


@dataclass(frozen=True, eq=False)
class Damage:
    """Something wrong, and how to mend it."""

    problem: Problem
    fix: Callable[[], object]


def torn_line(journal: Path) -> Iterator[Damage]:
    """Yield the line that a kill has torn, cut as at every opening of a run."""
    torn = torn_bytes(journal)
    if torn:
        what = "its last line was torn by a kill or a full disk"
        yield Damage(Problem(what, str(journal), f"cut by {torn} bytes"), lambda: cut_torn_line(journal))


@dataclass(frozen=True, eq=False)
class Contents:
    """The whole lines of a journal; read when they are first asked for, and a dry run sees past what it leaves.

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
        """Optuna's operations up to the first line that is none."""
        found = []
        for line in self.lines:
            operation = _operation(line)
            if operation is None:
                break
            found.append(operation)
        return found

    @cached_property
    def unfinished(self) -> list[int]:
        """Numbers of the trials that nobody finished."""
        states: list[int] = []
        for operation in self.operations:
            if operation["op_code"] == _CREATE_TRIAL:
                states.append(int(operation.get("state", _RUNNING)))
            elif operation["op_code"] == _SET_STATE and operation["trial_id"] < len(states):
                states[operation["trial_id"]] = int(operation["state"])
        return [number for number, state in enumerate(states) if state in (_RUNNING, _WAITING)]

    @property
    def confirmed(self) -> bool:
        """Whether a confirmation is stored."""
        from altune.tuning.record import CONFIRMATION

        return any(
            operation["op_code"] == _SET_STUDY_ATTRIBUTE and CONFIRMATION in operation.get("user_attr", {})
            for operation in self.operations
        )


def _operation(line: bytes) -> dict[str, Any] | None:
    """Return what a line of a journal says, None where it is no operation."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("op_code"), int) else None


def damaged_lines(journal: Path, contents: Contents) -> Iterator[Damage]:
    """Yield lines that cannot be read: what stands before them is kept, they and the rest are moved aside.

    Later lines cannot stay: a trial's number is its place in the journal.
    """
    good, lines = len(contents.operations), contents.lines
    if good == len(lines):
        return
    damaged = [place + 1 for place in range(good, len(lines)) if _operation(lines[place]) is None]
    behind = sum((_operation(line) or {}).get("op_code") == _CREATE_TRIAL for line in lines[good:])
    aside = _free_name(journal)
    what = f"{numbered('line', damaged)} cannot be read"
    done = f"cut before line {good + 1}, with the rest moved to {aside.name}"
    if behind:
        trials = f"{behind} trial{'s' * (behind > 1)}"
        done += f" ({trials} behind it: the same tune command plays them again, from the stored trajectories)"
    yield Damage(Problem(what, str(journal), done), lambda: _move_aside(journal, aside, lines[:good], lines[good:]))


def unfinished_trials(journal: Path, contents: Contents) -> Iterator[Damage]:
    """Yield trials that another program began here and never finished; altune stores none before it is finished."""
    unfinished = set(contents.unfinished)
    if not unfinished:
        return
    kept: list[bytes] = []
    moved: list[bytes] = []
    number = -1
    for line, operation in zip(contents.lines, contents.operations, strict=False):
        number += operation["op_code"] == _CREATE_TRIAL
        own = number if operation["op_code"] == _CREATE_TRIAL else operation.get("trial_id")
        if own is not None and own not in unfinished and own > min(unfinished) and "trial_id" in operation:
            raise RequestError(
                f"{journal}: another program changed trial {own} after it was stored, and trial {min(unfinished)} was "
                "never finished; altune cannot tell them apart: use a copy of the folder from before"
            )
        (moved if own in unfinished else kept).append(line)
    aside = _free_name(journal)
    what = f"{numbered('trial', sorted(unfinished))}, begun by another program, never finished"
    done = f"taken out, and moved to {aside.name}"
    yield Damage(Problem(what, str(journal), done), lambda: _move_aside(journal, aside, kept, moved))


def _free_name(journal: Path) -> Path:
    """Return a name beside the journal that no earlier repair has taken."""
    taken = 0
    while (found := journal.with_name(f"{journal.name}.{MOVED}{f'-{taken + 1}' if taken else ''}")).exists():
        taken += 1
    return found


def _move_aside(journal: Path, aside: Path, kept: Sequence[bytes], moved: Sequence[bytes]) -> None:
    """Move lines of a journal into a file beside it; killed in between, they stand in both."""
    _write_through(aside, moved)
    partial = journal.with_name(f"{journal.name}.{os.getpid()}.part")
    _write_through(partial, kept)
    os.replace(partial, journal)


def _write_through(path: Path, lines: Sequence[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def numbered(word: str, numbers: Sequence[int]) -> str:
    """Return ``line 3`` or ``lines 3, 5 and 9``; of many the first few.

    >>> numbered("line", [3]), numbered("line", [3, 5, 9])
    ('line 3', 'lines 3, 5 and 9')
    """
    if len(numbers) == 1:
        return f"{word} {numbers[0]}"
    if len(numbers) > 5:
        return f"{word}s {', '.join(map(str, numbers[:4]))} and {len(numbers) - 4} more"
    return f"{word}s {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
