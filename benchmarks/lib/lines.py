"""Results that are stored as lines of JSON while they are made, so that an interrupted command resumes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import joblib

Task = TypeVar("Task", bound=tuple[Hashable, ...])
Line = dict[str, Any]


def lines_of(
    tasks: Sequence[Task], play: Callable[[Task], Line], key: Callable[[Line], Task], path: Path, jobs: int = 1
) -> list[Line]:
    """Return the line of each task, in their order; those that are not stored are made now, and stored at once.

    Parameters
    ----------
    tasks : what is asked for.
    play : makes the line of a task.
    key : returns the task of a line. Lines of other tasks are left alone.
    path : file of the lines.
    jobs : number of processes.
    """
    known = {key(line): line for line in _stored(path)}
    missing = [task for task in tasks if task not in known]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        file.seek(0)
        if not (file.read() or "\n").endswith("\n"):
            file.write("\n")
        calls = (joblib.delayed(play)(task) for task in missing)
        for done, line in enumerate(joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(calls), start=1):
            file.write(json.dumps(line) + "\n")
            file.flush()
            known[key(line)] = line
            told = ", ".join(map(str, key(line)))
            print(f"{told}: {done} of {len(missing)}", file=sys.stderr, flush=True)
    return [known[task] for task in tasks]


def _stored(path: Path) -> list[Line]:
    """Return the stored lines; the rest of one that was interrupted is left out."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.endswith("}")]
