"""repair(): find and fix what a crash, a full disk or another program has left in a run or a shared study.

No finished trial is deleted. Lines that cannot stay in the journal are moved to a file beside it; their trials come
back when the same ``tune`` command resumes the run, since a trial depends on the seed of the study and its number
alone, and its trajectories are read from the store. Files that are only half written are removed.

Every opening of a run already cuts a torn line and removes a stale lock (:mod:`altune.tuning.storage`).
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.core.checksums import unsealed
from altune.core.errors import RequestError, StorageError
from altune.core.text import join_words
from altune.tuning.journal_damage import (
    Contents,
    Damage,
    Problem,
    damaged_lines,
    numbered,
    torn_line,
    unfinished_trials,
)
from altune.tuning.storage import JOURNAL, left_locks, ownership, remove_left_locks, require_journal

if TYPE_CHECKING:
    from altune.tuning.database import Overview, TrialQueue


@dataclass(frozen=True)
class Repaired:
    """What was wrong with the folder of a run or with a shared study.

    Attributes
    ----------
    where : the folder or the study.
    problems : everything that was wrong, in the order in which it was fixed; empty if nothing was.
    dry_run : whether the problems were only reported.
    notes : the state of a shared study, as lines of text.
    """

    where: str
    problems: tuple[Problem, ...]
    dry_run: bool = False
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The result as text, one line for each problem."""
        would = "would be " if self.dry_run else ""
        lines = [f"{problem.where}: {problem.what}; {would}{problem.done}" for problem in self.problems]
        return [*self.notes, *(lines or [f"{self.where}: nothing is wrong"])]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        problems = [{"what": one.what, "where": one.where, "done": one.done} for one in self.problems]
        return {"where": self.where, "dry_run": self.dry_run, "problems": problems, "notes": list(self.notes)}


def repair(folder: str | Path, *, dry_run: bool = False) -> Repaired:
    """Find and fix what is wrong with the folder of a run.

    A second call finds nothing. A run whose study is in a database is repaired there as well.

    Parameters
    ----------
    folder : folder of the run.
    dry_run : whether to report problems without fixing them.

    Raises
    ------
    RequestError
        If there is no run, or another process is working on it.
    StorageError
        If the study is in a database that does not answer.
    """
    from altune.tuning.run_folder import SHARED_FILE

    folder = Path(folder)
    shared, journal = folder / SHARED_FILE, folder / JOURNAL
    if not shared.is_file() and not journal.is_file():
        made = f"`altune tune DATA --out {shlex.quote(str(folder))}` makes one"
        raise RequestError(f"{folder}: no run here ({JOURNAL} is missing); {made}")
    problems: list[Problem] = []
    with ownership(folder):
        problems += [damage.problem if dry_run else _fixed(damage) for damage in _damages(folder)]
    notes: tuple[str, ...] = ()
    if shared.is_file():
        from altune.core.yaml import read_yaml

        where = read_yaml(shared)
        in_database = repair_shared(str(where["storage"]), str(where["study"]), dry_run=dry_run)
        problems, notes = [*problems, *in_database.problems], in_database.notes
    return Repaired(str(folder), tuple(problems), dry_run, notes)


def repair_shared(url: str, study: str, *, dry_run: bool = False) -> Repaired:
    """Report the state of a shared study, and put the trials of workers without a sign of life back into the queue.

    Parameters
    ----------
    url : PostgreSQL database of the study.
    study : name of the study in the database.
    dry_run : whether to report problems without fixing them.

    Raises
    ------
    RequestError
        If the address is wrong, or there is no such study.
    StorageError
        If no server answers.
    """
    from altune.tuning.database import TrialQueue, connect

    storage = connect(url)
    return repair_queue(TrialQueue(storage, study), dry_run=dry_run)


def repair_queue(queue: TrialQueue, *, dry_run: bool = False) -> Repaired:
    """Do what :func:`repair_shared` does, for a queue that is already open."""
    where = f"{queue.storage.address}, study {queue.study_name!r}"
    seen = queue.overview()
    problems: list[Problem] = []
    for number in seen.stale if dry_run else ():
        problems.append(Problem(_silent(seen, number), where, "put back into the queue"))
    if not dry_run:
        put_back = queue.requeue_stale()
        ended = dict.fromkeys(put_back.waiting, "put back into the queue")
        ended |= dict.fromkeys(put_back.failed, f"failed: started {queue.most_attempts} times")
        problems += [Problem(_silent(seen, number), where, done) for number, done in sorted(ended.items())]
    return Repaired(where, tuple(problems), dry_run, tuple(_state_lines(seen, where)))


def _fixed(damage: Damage) -> Problem:
    """Fix a problem and return it; one that cannot be fixed here is left as it is and says so."""
    try:
        damage.fix()
    except RequestError as error:
        return replace(damage.problem, done=f"left as it is: {error}")
    except OSError as error:
        raise StorageError(f"{damage.problem.where}: {damage.problem.what}; it cannot be fixed: {error}") from None
    return damage.problem


# the folder of a run -----------------------------------------------------------------------------------------------


def _damages(folder: Path) -> Iterator[Damage]:
    """Yield what is wrong with a folder, each problem before it is fixed and the next one is searched for."""
    journal = folder / JOURNAL
    try:
        require_journal(journal)
    except ValueError:
        raise RequestError(f"{journal}: not the journal of a study; it is left as it is") from None
    yield from _left_locks(folder)
    contents = Contents(journal)
    if journal.is_file():
        yield from torn_line(journal)
        yield from damaged_lines(journal, contents)
        yield from unfinished_trials(journal, contents)
    yield from _left_parts(folder)
    yield from _unreadable_trajectories(folder)
    yield from _left_blocks(folder)
    if journal.is_file():
        yield from _missing_files(folder, contents)


def _left_locks(folder: Path) -> Iterator[Damage]:
    left = left_locks(folder)
    if left:
        what = "a stale lock makes every writer wait"
        yield Damage(Problem(what, str(left[0]), "removed"), lambda: remove_left_locks(folder))


def _left_parts(folder: Path) -> Iterator[Damage]:
    """Yield files that a crash left half written under their temporary names."""
    from altune.tuning.stages import TRAJECTORIES

    stored = (folder / TRAJECTORIES).glob("*/*.part")
    left = _inside(folder, [*folder.glob("*.part"), *folder.glob(".*.part"), *stored])
    if left:
        what = f"{len(left)} file{'s' * (len(left) > 1)} half written at a crash (such as {left[0].name})"
        yield Damage(Problem(what, str(folder), "removed"), lambda: _remove(left))


def _unreadable_trajectories(folder: Path) -> Iterator[Damage]:
    from altune.tuning.stages import TRAJECTORIES

    stored = folder / TRAJECTORIES
    files = _inside(folder, stored.glob("??/*.json"))
    unreadable = [path for path in files if _is_trajectory(path) and not _readable(path)]
    if unreadable:
        count = f"{len(unreadable)} stored trajector{'ies' if len(unreadable) > 1 else 'y'}"
        counts = "are damaged and count" if len(unreadable) > 1 else "is damaged and counts"
        what = f"{count} {counts} as absent (such as {unreadable[0].name})"
        yield Damage(Problem(what, str(stored), "removed"), lambda: _remove(unreadable))


def _inside(folder: Path, paths: Iterable[Path]) -> list[Path]:
    """Return the paths in order, without those that a symbolic link puts outside of a folder, which are not ours."""
    home = folder.resolve()
    return sorted(path for path in paths if path.parent.resolve().is_relative_to(home))


def _is_trajectory(path: Path) -> bool:
    """Return whether a file has the name of a stored trajectory, whatever is in it."""
    return re.fullmatch(r"[0-9a-f]{32}", path.stem) is not None and path.stem.startswith(path.parent.name)


def _readable(path: Path) -> bool:
    from altune.simulation.curve import LearningCurve

    try:
        LearningCurve.from_dict(unsealed(path.read_bytes()))
    except OSError:
        return True  # a disk that fails for the moment says nothing about the file
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return True


def _left_blocks(folder: Path) -> Iterator[Damage]:
    from altune.tuning.stages import SCRATCH

    scratch = folder / SCRATCH
    if scratch.is_dir() and not scratch.is_symlink():
        size = sum(path.stat().st_size for path in scratch.rglob("*") if path.is_file())
        what = f"arrays of {size / 1e6:.1f} MB left by a crash"
        yield Damage(Problem(what, str(scratch), "removed"), lambda: shutil.rmtree(scratch, ignore_errors=True))


def _missing_files(folder: Path, contents: Contents) -> Iterator[Damage]:
    from altune.analysis.run import Run
    from altune.report.write import write_run
    from altune.tuning.run_folder import CURVES_FILE, RECIPE_FILE, REPORT_FILE

    missing = [name for name in (RECIPE_FILE, REPORT_FILE, CURVES_FILE) if not (folder / name).is_file()]
    if missing and contents.confirmed:
        what = f"the run is confirmed, and {join_words(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        yield Damage(Problem(what, str(folder), "written again"), lambda: write_run(Run.open(folder)))


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


# a shared study -----------------------------------------------------------------------------------------------


def _silent(seen: Overview, number: int) -> str:
    worker = next((worker for worker in seen.workers if number in worker.running), None)
    if worker is None:
        return f"trial {number} is run by a process without a sign of life"
    name = f"worker {worker.identifier} (process {worker.process} on {worker.host})"
    return f"trial {number} is played by {name}, silent for {worker.silent:.0f} s"


def _state_lines(seen: Overview, where: str) -> list[str]:
    states: Mapping[str, int] = seen.counts._asdict()
    lines = [f"{where}: " + ", ".join(f"{count} {state}" for state, count in states.items() if count)]
    for worker in seen.workers:
        runs = f", plays {numbered('trial', worker.running)}" if worker.running else ""
        name = f"worker {worker.identifier} (process {worker.process} on {worker.host})"
        lines.append(f"  {name}: {worker.finished} finished{runs}, last sign of life {worker.silent:.0f} s ago")
    return lines
