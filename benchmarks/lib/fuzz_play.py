"""How fuzz.py plays a case and judges what came: an outcome, and a record that can be played again."""

from __future__ import annotations

import base64
import contextlib
import json
import random
import re
import resource
import signal
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from altune.core.errors import AltuneError
from lib.fuzz_case import Case, empty_folder, write_files
from lib.fuzz_targets import TARGETS

OUTCOMES = ("accepted", "one line", "traceback", "hang", "memory")
WRONG = OUTCOMES[2:]
CPU_SECONDS = 10
MEMORY = 1 << 30
"""Bytes that a case may take beyond what the process has."""
ADDRESSES = 3 * MEMORY
"""Bytes that a case may ask for: a reader of Arrow asks for 31 bits of them if a file says so, and fills few."""
_NO_MEMORY = re.compile(r"Unable to allocate|out of memory", re.IGNORECASE)


class TakesTooLongError(BaseException):
    """A case has used up its processor time."""


def make_case(target: str, seed: int, number: int) -> Case:
    """Return a case, which depends on target, seed and number alone."""
    return TARGETS[target].make(random.Random(f"{seed} {target} {number}"))


def judge(play: Callable[[], None]) -> tuple[str, str]:
    """Return the outcome of a case and what was printed or raised."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with warnings.catch_warnings(), time_limit(CPU_SECONDS):
            warnings.simplefilter("ignore")
            play()
        outcome, detail = "accepted", ""
    except AltuneError as error:
        detail = str(error)
        outcome = "one line" if detail.strip() and not re.search("[\n\r]", detail) else "traceback"
    except TakesTooLongError:
        outcome, detail = "hang", traceback.format_exc(limit=-8)
    except MemoryError:
        outcome, detail = "memory", traceback.format_exc(limit=-8)
    except Exception:
        outcome, detail = "traceback", traceback.format_exc(limit=-8)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if grown * 1024 > MEMORY or _NO_MEMORY.search(detail):
        outcome = "memory"
    return outcome, detail


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise an error once this process has used up that much processor time."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TakesTooLongError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def play_case(target: str, case: Case, folder: Path) -> tuple[str, str]:
    """Write the files of a case into a new folder, play it there, and judge it."""
    # three levels down, so that ".." in a name stays within the folder of the harness
    with empty_folder(folder / "a" / "b" / "c"):
        write_files(case.files)
        return judge(lambda: TARGETS[target].play(case))


def record_of(target: str, case: Case, outcome: str, detail: str) -> dict[str, Any]:
    """Return a case as plain values."""
    files = {name: base64.b64encode(content).decode() for name, content in case.files.items()}
    return {
        "target": target,
        "outcome": outcome,
        "detail": detail,
        "words": list(case.words),
        "options": case.options,
        "files": files,
        "text": {name: content.decode("utf-8", "replace")[:2_000] for name, content in case.files.items()},
    }


def read_record(path: Path) -> tuple[str, Case]:
    """Return the target and the case of a stored finding."""
    plain = json.loads(path.read_text("utf-8"))
    files = {name: base64.b64decode(content) for name, content in plain["files"].items()}
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in plain["options"].items()}
    return plain["target"], Case(files, tuple(plain["words"]), options)


def play_many(
    target: str, numbers: range, seed: int, folder: Path, on_case: Callable[[int, str, str], None] | None = None
) -> Counter[str]:
    """Play cases in this process and return how often each outcome came."""
    counts: Counter[str] = Counter()
    for number in numbers:
        outcome, detail = play_case(target, make_case(target, seed, number), folder)
        counts[outcome] += 1
        if on_case is not None:
            on_case(number, outcome, detail)
    return counts
