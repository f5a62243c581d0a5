"""What has ended the process that played it, so that one bad recipe does not end a search again and again.

What is played is written down before it starts, in a file that this process holds locked. If the process ends, however
it does, whoever opens the folder next finds the file without a lock and counts what it names:

- A play has *ended its process* if a worker died while it played it, or if a process died that played it itself. It
  is played once more, in a process of its own while nothing else is played. If that dies too, it fails with the reason.
- If an owner ends while a worker plays, that may be anyone's fault: the user's, the machine's, or that of another
  play. The play is only *lost*. What was lost twice is played alone, and after it was lost twice more it fails.

What ends well is forgotten, and what has failed has one attempt again when its owner ends in good order: the machine
may have more memory by then.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from altune.core.errors import AltuneError
from altune.core.files import locked_at_once, written_whole
from altune.simulation.execution.crews import ending

MOST_ATTEMPTS = 2
"""Number of processes that one play may end before it fails."""
ALONE_AFTER = 2
"""Number of owners with whom it may be lost before it is played alone."""
MOST_LOST = 4
"""Number of owners with whom it may be lost before it fails."""
_SLOT = 80
_PLAYING = ".playing"

Where = Literal["here", "apart", "alone"]
"""Where something is played: in the owner's own process, in a worker, or in a worker beside which no other plays."""


@dataclass(frozen=True)
class Play:
    """One recipe on one block, as it is counted.

    Attributes
    ----------
    key : what is played.
    recipe : hash of the recipe. If one of its plays has failed this way, its other ones fail as well.
    """

    key: str
    recipe: str


@dataclass(frozen=True)
class _Counted:
    recipe: str
    died: int = 0
    lost: int = 0
    how: str = ""

    @property
    def failed(self) -> bool:
        return self.died >= MOST_ATTEMPTS or self.lost >= MOST_LOST


class Attempts:
    """Counts what has ended the process that played it. Use it as a context manager.

    Parameters
    ----------
    folder : where it is written down, so that it outlives this process; None keeps it in memory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._counted: dict[str, _Counted] = {}
        self._marks: Path | None = None
        self._descriptor: int | None = None

    def __enter__(self) -> Attempts:
        # On a full disk, or in a folder that cannot be written to, attempts are counted in memory.
        with contextlib.suppress(OSError):
            if self._folder is not None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._read(self._folder)
                self._open_marks(self._folder)
        return self

    def __exit__(self, *error: object) -> None:
        for key, counted in [*self._counted.items()]:
            if counted.failed:
                self._count(
                    key,
                    replace(counted, died=min(counted.died, MOST_ATTEMPTS - 1), lost=min(counted.lost, ALONE_AFTER)),
                )
        if self._descriptor is not None and self._marks is not None and self._folder is not None:
            with contextlib.suppress(OSError):
                self._marks.unlink()
            os.close(self._descriptor)
            self._descriptor = None
            with contextlib.suppress(OSError):
                self._folder.rmdir()

    # questions ------------------------------------------------------------------------------------------------

    def refusal(self, play: Play) -> str:
        """Return why something is not played any more, empty if it may be played."""
        counted = self._counted.get(play.key)
        if counted is not None and counted.failed:
            return _reason(counted)
        others = (other for other in self._counted.values() if other.recipe == play.recipe and other.failed)
        other = next(others, None)
        return "" if other is None else f"{_reason(other)} on another block"

    def may_play_here(self, play: Play) -> bool:
        """Return whether the owner may play something in its own process."""
        return all(counted.recipe != play.recipe for counted in self._counted.values())

    def wants_alone(self, play: Play) -> bool:
        """Return whether something is to be played while nothing else is."""
        counted = self._counted.get(play.key)
        return counted is not None and (counted.died > 0 or counted.lost >= ALONE_AFTER)

    # events ---------------------------------------------------------------------------------------------------

    def begin(self, play: Play, where: Where, slot: int = 0) -> None:
        """Write down that something is played from now on; only one thing has a slot at a time."""
        self._mark(slot, f"{play.key} {play.recipe} {where}")

    def end(self, slot: int = 0) -> None:
        """Write down that what has a slot is not played any more."""
        self._mark(slot, "")

    def forget(self, play: Play) -> None:
        """Forget what was counted of something that has ended well."""
        if self._counted.pop(play.key, None) is not None and self._folder is not None:
            with contextlib.suppress(OSError):
                self._path(self._folder, play.key).unlink()

    def died(self, play: Play, code: int | None) -> None:
        """Count that a process has ended with an exit code because of something, or will be taken to have."""
        counted = self._counted.get(play.key, _Counted(play.recipe))
        self._count(play.key, replace(counted, died=counted.died + 1, how=ending(code)))

    def suspect(self, play: Play) -> None:
        """Count that something has ended another process before, unless that is known."""
        if play.key not in self._counted:
            self._counted[play.key] = _Counted(play.recipe, died=1, how="no sign of life")

    # files ----------------------------------------------------------------------------------------------------

    def _count(self, key: str, counted: _Counted) -> None:
        self._counted[key] = counted
        if self._folder is not None:
            with contextlib.suppress(OSError, AltuneError), written_whole(self._path(self._folder, key)) as partial:
                partial.write_text(json.dumps(asdict(counted)), "utf-8")

    def _path(self, folder: Path, key: str) -> Path:
        return folder / f"{key}.json"

    def _read(self, folder: Path) -> None:
        for path in folder.glob("*.json"):
            with contextlib.suppress(OSError, ValueError, TypeError):  # what is damaged counts as absent
                self._counted[path.stem] = _Counted(**json.loads(path.read_text("utf-8")))
        for path in folder.glob(f"*{_PLAYING}"):
            with contextlib.suppress(OSError, ValueError), path.open("r+b") as file:
                if not locked_at_once(file.fileno()) or not path.exists():
                    continue
                for line in file.read().replace(b"\0", b" ").decode("ascii").split("\n"):
                    if line.strip():
                        self._count_left(*line.split())
                path.unlink()

    def _count_left(self, key: str, recipe: str, where: str) -> None:
        """Count what was played by an owner that has ended without a word."""
        counted = self._counted.get(key, _Counted(recipe))
        if where == "here":
            counted = replace(counted, died=counted.died + 1, how="the end of the whole command")
        elif where == "alone" or counted.lost < ALONE_AFTER:
            counted = replace(counted, lost=counted.lost + 1)
        self._count(key, counted)

    def _open_marks(self, folder: Path) -> None:
        for number in range(1000):
            path = folder / f"{socket.gethostname()}.{os.getpid()}.{number}{_PLAYING}"
            with contextlib.suppress(FileExistsError):
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
                if locked_at_once(descriptor):
                    self._marks, self._descriptor = path, descriptor
                else:
                    os.close(descriptor)
                    path.unlink()
                return

    def _mark(self, slot: int, text: str) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.lseek(self._descriptor, slot * _SLOT, os.SEEK_SET)
                os.write(self._descriptor, f"{text:{_SLOT - 1}}\n".encode("ascii"))


def _reason(counted: _Counted) -> str:
    if counted.died >= MOST_ATTEMPTS:
        return (
            f"it ended the process that played it in each of {counted.died} attempts, the last time with {counted.how}"
        )
    return f"the whole command ended {counted.lost} times while it was played"


@contextlib.contextmanager
def played_here(attempts: Attempts, play: Play) -> Iterator[None]:
    """Count what the block plays in this process."""
    attempts.begin(play, "here")
    try:
        yield
    finally:
        attempts.end()
