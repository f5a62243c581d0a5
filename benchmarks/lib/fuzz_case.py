"""The parts that the targets of fuzz.py share."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from altune.core.errors import AltuneError

Chance = random.Random


@dataclass(frozen=True)
class Case:
    """One input: files, the words of a command line, and options of a function."""

    files: dict[str, bytes] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


class Target(NamedTuple):
    """Makes cases and plays them in the current folder.

    ``prepare`` is called once for each process, with the function that sets attributes of modules and classes.
    """

    make: Callable[[Chance], Case]
    play: Callable[[Case], None]
    prepare: Callable[[Callable[[Any, str, Any], None]], None] = lambda change: None


class RefusedError(AltuneError):
    """A command has ended with one line on standard error."""


class WorkBegunError(BaseException):
    """A command line is accepted and would now play trajectories or start processes."""


def write_files(files: dict[str, bytes]) -> None:
    """Write files below the current folder."""
    for name, content in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@contextlib.contextmanager
def empty_folder(folder: Path) -> Iterator[None]:
    """Work in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with contextlib.chdir(folder):
        yield


SPLITS = [
    {"pool": list(range(100)), "test": list(range(100, 150)), "initial": [0, 50, 99]},
    {"pool": list(range(50, 150)), "test": list(range(50))},
]
