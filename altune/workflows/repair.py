"""Repair: what a kill, a full disk or a stray program has left in a run's folder or a shared study, and its mending.

Nothing that was finished is ever deleted. What cannot stay in the journal is moved aside into a file beside it; the
trials in it come back when the same ``tune`` command goes on, since a trial depends on the study's seed and its number
alone, and its trajectories are read back from the store. Whatever is only half written, and counts as absent anyway,
is removed.

Cutting a torn line and removing a left lock are what every opening of a run does by itself
(:mod:`altune.tuning.storage`).
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from altune.core.errors import RequestError, StorageError
from altune.tuning.journal_damage import Contents, Damage, Mended, damaged_lines, numbered, torn_line, unfinished_trials
from altune.tuning.storage import JOURNAL, left_locks, ownership, remove_left_locks, require_journal

if TYPE_CHECKING:
    from altune.tuning.database import Overview, TrialQueue


@dataclass(frozen=True)
class Repaired:
    """What was wrong in a run's folder or a shared study.

    Attributes
    ----------
    where : the folder or the study.
    mended : all that was wrong, in the order in which it was mended; empty where nothing was.
    dry_run : whether nothing was done.
    notes : how a shared study stands, in lines.
    """

    where: str
    mended: tuple[Mended, ...]
    dry_run: bool = False
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """What is to be said, a line for each thing."""
        would = "would be " if self.dry_run else ""
        found = [f"{one.where}: {one.what}; {would}{one.done}" for one in self.mended]
        return [*self.notes, *(found or [f"{self.where}: nothing is wrong"])]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        mended = [{"what": one.what, "where": one.where, "done": one.done} for one in self.mended]
        return {"where": self.where, "dry_run": self.dry_run, "mended": mended, "notes": list(self.notes)}


def repair(folder: str | Path, *, dry_run: bool = False) -> Repaired:
    """Say what is wrong in a run's folder, and mend it.

    A second call finds nothing. A run that lives in a database is repaired there as well.

    Parameters
    ----------
    folder : the run's.
    dry_run : only say.

    Raises
    ------
    RequestError
        If there is no run, or a living process is working on it.
    StorageError
        If the folder's study is in a database that does not answer.
    """
    from altune.tuning.run_folder import SHARED_FILE

    folder = Path(folder)
    shared, journal = folder / SHARED_FILE, folder / JOURNAL
    if not shared.is_file() and not journal.is_file():
        raise RequestError(f"{folder}: no run here ({JOURNAL} is missing); `altune tune DATA --out {folder}` makes one")
    mended: list[Mended] = []
    with ownership(folder):
        mended += [damage.mended if dry_run else _mend(damage) for damage in _damages(folder)]
    notes: tuple[str, ...] = ()
    if shared.is_file():
        from altune.core.yaml import read_yaml

        where = read_yaml(shared)
        beyond = repair_shared(str(where["storage"]), str(where["study"]), dry_run=dry_run)
        mended, notes = [*mended, *beyond.mended], beyond.notes
    return Repaired(str(folder), tuple(mended), dry_run, notes)


def repair_shared(url: str, study: str, *, dry_run: bool = False) -> Repaired:
    """Say how a shared study stands, and let the trials of workers that fell silent wait again.

    Parameters
    ----------
    url : PostgreSQL database of the study.
    study : its name there.
    dry_run : only say.

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
    """Do what :func:`repair_shared` does, for a queue that is open already."""
    where = f"{queue.storage.address}, study {queue.study_name!r}"
    seen = queue.overview()
    mended: list[Mended] = []
    for number in seen.stale if dry_run else ():
        mended.append(Mended(_silent(seen, number), where, "put back into the queue"))
    if not dry_run:
        put_back = queue.requeue_stale()
        ended = dict.fromkeys(put_back.waiting, "put back into the queue")
        ended |= dict.fromkeys(put_back.failed, f"failed: begun {queue.most_attempts} times")
        mended += [Mended(_silent(seen, number), where, done) for number, done in sorted(ended.items())]
    return Repaired(where, tuple(mended), dry_run, tuple(_standing(seen, where)))


def _mend(damage: Damage) -> Mended:
    """Mend something; what cannot be mended here is left, and said."""
    try:
        damage.mend()
    except RequestError as error:
        return replace(damage.mended, done=f"left as it is: {error}")
    except OSError as error:
        raise StorageError(f"{damage.mended.where}: {damage.mended.what}; it cannot be mended: {error}") from None
    return damage.mended


# a run's folder -----------------------------------------------------------------------------------------------


def _damages(folder: Path) -> Iterator[Damage]:
    """Yield what is wrong in a folder, each before it is mended; the next is looked for afterwards."""
    journal = folder / JOURNAL
    try:
        require_journal(journal)
    except ValueError:
        raise RequestError(f"{journal}: not the journal of a study, and left as it is") from None
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
        what = "a lock whose owner is dead makes every writer wait"
        yield Damage(Mended(what, str(left[0]), "removed"), lambda: remove_left_locks(folder))


def _left_parts(folder: Path) -> Iterator[Damage]:
    """Yield files that a kill left half written, under the name that is not yet theirs."""
    from altune.tuning.stages import TRAJECTORIES

    left = sorted([*folder.glob("*.part"), *folder.glob(".*.part"), *(folder / TRAJECTORIES).glob("*/*.part")])
    if left:
        what = f"{len(left)} file{'s' * (len(left) > 1)} half written by a kill (such as {left[0].name})"
        yield Damage(Mended(what, str(folder), "removed"), lambda: _remove(left))


def _unreadable_trajectories(folder: Path) -> Iterator[Damage]:
    from altune.tuning.stages import TRAJECTORIES

    stored = folder / TRAJECTORIES
    unreadable = [path for path in sorted(stored.glob("??/*.json")) if _is_trajectory(path) and not _readable(path)]
    if unreadable:
        count = f"{len(unreadable)} stored trajector{'ies' if len(unreadable) > 1 else 'y'}"
        what = f"{count} cannot be read (such as {unreadable[0].name}) and count as absent"
        yield Damage(Mended(what, str(stored), "removed"), lambda: _remove(unreadable))


def _is_trajectory(path: Path) -> bool:
    """Return whether a file has the name of a stored trajectory, whatever is in it."""
    return re.fullmatch(r"[0-9a-f]{32}", path.stem) is not None and path.stem.startswith(path.parent.name)


def _readable(path: Path) -> bool:
    from altune.simulation.curve import LearningCurve

    try:
        LearningCurve.from_dict(json.loads(path.read_bytes()))
    except OSError:
        return True  # of a disk that fails for the moment nothing is known
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return True


def _left_blocks(folder: Path) -> Iterator[Damage]:
    from altune.tuning.stages import SCRATCH

    scratch = folder / SCRATCH
    if scratch.is_dir():
        size = sum(path.stat().st_size for path in scratch.rglob("*") if path.is_file())
        what = f"arrays of {size / 1e6:.1f} MB that a kill has left"
        yield Damage(Mended(what, str(scratch), "removed"), lambda: shutil.rmtree(scratch, ignore_errors=True))


def _missing_files(folder: Path, contents: Contents) -> Iterator[Damage]:
    from altune.analysis.run import Run
    from altune.report.write import write_run
    from altune.tuning.run_folder import CURVES_FILE, RECIPE_FILE, REPORT_FILE

    missing = [name for name in (RECIPE_FILE, REPORT_FILE, CURVES_FILE) if not (folder / name).is_file()]
    if missing and contents.confirmed:
        what = f"the run is confirmed, and {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        yield Damage(Mended(what, str(folder), "written again"), lambda: write_run(Run.open(folder)))


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


# a shared study -----------------------------------------------------------------------------------------------


def _silent(seen: Overview, number: int) -> str:
    worker = next((one for one in seen.workers if number in one.running), None)
    if worker is None:
        return f"trial {number} is run by a program that gives no sign of life"
    place = f"worker {worker.identifier} (process {worker.process} on {worker.host})"
    return f"trial {number} is played by {place}, silent for {worker.silent:.0f} s"


def _standing(seen: Overview, where: str) -> list[str]:
    states: Mapping[str, int] = seen.counts._asdict()
    lines = [f"{where}: " + ", ".join(f"{count} {state}" for state, count in states.items() if count)]
    for one in seen.workers:
        runs = f", plays {numbered('trial', one.running)}" if one.running else ""
        lines.append(
            f"  worker {one.identifier} (process {one.process} on {one.host}): {one.finished} finished{runs}, "
            f"last sign of life {one.silent:.0f} s ago"
        )
    return lines
