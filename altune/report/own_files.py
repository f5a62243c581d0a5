"""Files that altune may replace: those that it wrote itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from altune.core.errors import RequestError
from altune.core.files import require_writable
from altune.core.system_errors import system_errors

PAGE = ('<meta name="generator" content="altune">', '<p class="kicker">altune report</p>')
"""How a line of every page begins; pages of earlier versions have the second only."""
COMPARISON_TABLE = ("data,recipe,",)
LOOP_TABLE = ("loop,quantity,class,",)
CURVE_TABLE = ("loop,labels,",)
_HEAD = 50_000


def require_own_files(folder: str | Path, files: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse a folder, which may not exist yet, in which a file would be replaced that altune did not write.

    Parameters
    ----------
    folder : the folder.
    files : marks of each file that is written there, by name; see :func:`require_own`.

    Raises
    ------
    RequestError
        As :func:`require_own` does, or if the folder cannot be made.
    """
    folder = Path(folder)
    require_writable(folder, folder=True)
    for name, marks in files.items() if folder.is_dir() else ():
        require_own(folder / name, marks)


def require_own(path: str | Path, marks: tuple[str, ...]) -> None:
    """Refuse to replace a file that altune did not write.

    Parameters
    ----------
    path : file to be written.
    marks : beginnings of lines, of which a file that altune wrote has one near its top.

    Raises
    ------
    RequestError
        If there is a folder of this name, or a file with none of the marks, or nothing can be written there.
    """
    path = Path(path)
    require_writable(path, folder=False)
    if not path.exists():
        return
    with system_errors(path), path.open(encoding="utf-8", errors="replace") as file:
        head = file.read(_HEAD)
    if head and not any(f"\n{mark}" in f"\n{head}" for mark in marks):
        raise RequestError(f"{path}: exists and was not written by altune; give another name, or move it away")
