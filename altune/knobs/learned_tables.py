"""What strategies have learned, by registered name: plain numbers in text files, which are read and never run.

A table is found by its name in this order: registered in Python, shipped with altune, a file of that name in a
folder that an environment variable names, and the entry points of installed packages. Its content travels
with the method to worker processes, and its digest is part of the key of every stored trajectory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from altune.core.errors import FormatError, RequestError, did_you_mean
from altune.core.plain import home_path, shown
from altune.core.plugins import load_plugin, plugin_entries
from altune.core.system_errors import system_errors

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


class LearnedTable(Protocol):
    """What a table of any kind offers."""

    def digest(self) -> str:
        """Return a hash of everything that affects a selection."""


TableT = TypeVar("TableT", bound=LearnedTable)


@dataclass(frozen=True, eq=False)
class TableKind(Generic[TableT]):
    """The tables of one method.

    Parameters
    ----------
    method : name of the method, which its files state as well.
    shipped : the files that altune ships, by the name of the table.
    suffix : suffix of further files.
    variable : environment variable that names folders of further files, separated as in ``PATH``.
    group : group of entry points; each gives a path, a mapping or a table.
    function : the Python function that registers a table, for messages.
    read : reads a table from plain values; the second argument is the name of the file, for messages.
    load : reads the plain values of a file.
    """

    method: str
    shipped: Mapping[str, Path]
    suffix: str
    variable: str
    group: str
    function: str
    read: Callable[[Mapping[str, Any], str], TableT]
    load: Callable[[Path], Mapping[str, Any]]
    _registered: dict[str, TableT] = field(default_factory=dict)
    _files: dict[tuple[Path, bytes], TableT] = field(default_factory=dict)

    def register(self, name: str, source: str | Path | Mapping[str, Any] | TableT) -> None:
        """Register a table under a name; a table registered under it before is replaced.

        Parameters
        ----------
        name : letters, digits, ``_``, ``-`` and ``.``; names of shipped tables are refused.
        source : the file, its plain values, or a table.

        Raises
        ------
        RequestError
            If the name is no name or taken by a shipped table, or the table cannot be read.
        """
        if not _NAME.fullmatch(name):
            raise RequestError(f"{name!r} is not a name for a table; use letters, digits, '_', '-' and '.'")
        if name in self.shipped:
            raise RequestError(f"altune ships a table {name!r} of {self.method}; give yours another name")
        self._registered[name] = self._made(source)

    def unregister(self, name: str) -> None:
        """Forget a table that was registered in this process."""
        self._registered.pop(name, None)

    @contextlib.contextmanager
    def registered(self, tables: Mapping[str, TableT]) -> Iterator[None]:
        """Register tables for the duration of a block."""
        for name, table in tables.items():
            self.register(name, table)
        try:
            yield
        finally:
            for name in tables:
                self.unregister(name)

    def find(self, name: str) -> TableT:
        """Return the table of a name.

        Raises
        ------
        FormatError
            If there is none, or its file is not well formed.
        """
        if name in self._registered:
            return self._registered[name]
        if name in self.shipped:
            return self._read_file(self.shipped[name])
        for folder in self._named_folders():
            path = folder / f"{name}{self.suffix}"
            if _NAME.fullmatch(name) and path.is_file():
                return self._read_file(path)
        for entry in plugin_entries(self.group):
            if entry.name == name:
                made: TableT = load_plugin(entry, lambda entry: self._made(entry.load()))
                return made
        raise FormatError(
            f"{self.method} has no table {name!r}; {did_you_mean(name, self.names())}; register yours with "
            f"{self.function}({name!r}, FILE) in Python, or set {self.variable} to a folder that holds "
            f"{name}{self.suffix}",
            value=name,
            accepted=self.names(),
        )

    def names(self) -> list[str]:
        """Return the names of all tables, sorted."""
        files = {path.stem for folder in self._named_folders() for path in folder.glob(f"*{self.suffix}")}
        entries = {entry.name for entry in plugin_entries(self.group)}
        return sorted(files | entries | self.shipped.keys() | self._registered.keys())

    def _named_folders(self) -> list[Path]:
        folders = [
            Path(home_path(part, self.variable)) for part in os.environ.get(self.variable, "").split(os.pathsep) if part
        ]
        for folder in folders:
            if not folder.is_dir():
                raise FormatError(f"{self.variable} names the folder {folder}, which does not exist")
        return folders

    def _read_file(self, path: Path) -> TableT:
        # By content: a file that was edited within a tick of the clock may have the same time and size.
        with system_errors(path, FormatError):
            key = path.resolve(), hashlib.blake2b(path.read_bytes(), digest_size=16).digest()
        if key not in self._files:
            self._files[key] = self.read(self.load(path), str(path))
        return self._files[key]

    def _made(self, source: str | Path | Mapping[str, Any] | TableT) -> TableT:
        if isinstance(source, (str, Path)):
            return self._read_file(existing_table(Path(home_path(source, "table"))))
        if isinstance(source, Mapping):
            return self.read(source, "")
        if not callable(getattr(source, "digest", None)):
            raise FormatError(f"{shown(source)} is no table of {self.method}: give a file, its plain values or a table")
        return source


def existing_table(path: Path) -> Path:
    """Return the path of a table's file.

    Raises
    ------
    FormatError
        If there is no such file.
    """
    with system_errors(path, FormatError):
        is_file = path.is_file()
    if not is_file:
        raise FormatError("no such file of a table", file=str(path), value=str(path))
    return path
