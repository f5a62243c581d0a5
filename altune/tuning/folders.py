"""Which folders altune may write to: new ones, empty ones, and those that it made for the same purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from altune.core.errors import RequestError
from altune.core.files import require_writable
from altune.tuning.run_folder import is_run
from altune.tuning.storage import LOCK

FolderKind = Literal["new", "run", "sweep", "other"]
SWEEP_PAGE = "sweep.html"
SWEEP_CACHE = "cache"
CELL_RESULT = "result.json"
_MOST_NAMES = 3


def kind_of(folder: Path) -> FolderKind:
    """Return what a folder holds; ``new`` if it does not exist, is empty, or was only just locked."""
    names = set(_names(folder)) - {LOCK}
    if not names:
        return "new"
    if is_run(folder):
        return "run"
    cells = [folder / name for name in names if (folder / name).is_dir()]
    if any(is_run(cell) and (cell / CELL_RESULT).is_file() for cell in cells):
        return "sweep"
    # A sweep that was killed early has its lock and the folder of its first cell.
    started = names & {SWEEP_PAGE, SWEEP_CACHE} or any(kind_of(cell) in ("new", "run") for cell in cells)
    return "sweep" if started and (folder / LOCK).is_file() else "other"


def contents_of(folder: Path) -> str:
    """Return the contents of a folder in words."""
    kind = kind_of(folder)
    if kind in ("run", "sweep"):
        return f"a {kind}"
    names = sorted(_names(folder))
    if not names:
        return "nothing"
    shown = ", ".join(names[:_MOST_NAMES])
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown


def require_folder(folder: Path, kind: Literal["run", "sweep"]) -> None:
    """Refuse a folder that holds anything but a run, or a sweep, so that nothing of anyone is overwritten.

    Raises
    ------
    RequestError
        If the folder is not new and holds something else, or cannot be written to; the message names it.
    """
    require_writable(folder, folder=True)
    if kind_of(folder) in ("new", kind):
        return
    raise RequestError(f"{folder}: not the folder of a {kind}: it holds {contents_of(folder)}; give another --out")


def _names(folder: Path) -> list[str]:
    """Return the names in a folder; none if it is no folder or cannot be read."""
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []
