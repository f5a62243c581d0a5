"""Search spaces that include others: ``include: standard``, or a list in which later spaces replace earlier ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altune.core.errors import FormatError, did_you_mean
from altune.core.files import is_file_name
from altune.core.yaml import read_yaml
from altune.recipes.space.shipped import shipped_spaces

INCLUDE = "include"


@dataclass(frozen=True)
class Source:
    """A space file while it is read.

    Attributes
    ----------
    chain : the files that include each other up to this one; empty for a space made in Python.
    """

    chain: tuple[Path, ...] = ()

    @classmethod
    def of(cls, file: str) -> Source:
        """Return the source of a space that is read from ``file``."""
        return cls((Path(file).resolve(),)) if file else cls()

    @property
    def folder(self) -> Path:
        """The folder of the file, to which included paths are relative."""
        return self.chain[-1].parent if self.chain else Path()

    def included(self, value: Any) -> list[tuple[str, Path]]:
        """Return the path inside this file and the file of each included space.

        Raises
        ------
        FormatError
            If ``value`` is not a name or a list of names, or if one of them is unknown, occurs twice, or includes this
            file.
        """
        if value is None:
            return []
        listed = isinstance(value, (list, tuple))
        names = [(f"{INCLUDE}[{index}]", name) for index, name in enumerate(value)] if listed else [(INCLUDE, value)]
        if not names:
            raise FormatError("the list is empty; give at least one space", path=INCLUDE, value=value)
        spaces: list[tuple[str, Path]] = []
        for path, name in names:
            file = self._find(name, path)
            if any(file.resolve() == other.resolve() for _, other in spaces):
                raise FormatError(f"{name!r} occurs twice", path=path, value=name)
            spaces.append((path, file))
        return spaces

    def step(self, file: Path) -> Source:
        """Return the source of a file that this one includes."""
        return Source((*self.chain, file.resolve()))

    def _find(self, name: Any, path: str) -> Path:
        shipped = shipped_spaces()
        if not isinstance(name, (str, Path)) or not str(name).strip():
            raise FormatError(f"{name!r} is not a space; write a name or the path of a file", path=path, value=name)
        file = shipped[str(name)] if str(name) in shipped else (self.folder / name)
        try:
            is_file = file.is_file()
        except (OSError, ValueError) as error:
            raise FormatError(f"{name!r} cannot be read: {error}", path=path, value=name) from None
        if str(name) not in shipped and not is_file and not is_file_name(name):
            known = did_you_mean(name, shipped)
            raise FormatError(f"no search space {name!r}; {known}, or the path of a YAML file", path=path, value=name)
        if file.resolve() in self.chain:
            first = self.chain.index(file.resolve())
            circle = " includes ".join(link.name for link in (*self.chain[first:], file))
            raise FormatError(f"the files include each other in a circle: {circle}", path=path, value=str(name))
        return file


def read_included(path: str, file: Path) -> Mapping[str, Any]:
    """Read an included file. If it is missing, the error is at ``path`` of the file that includes it."""
    try:
        return read_yaml(file)
    except FormatError as error:
        if file.is_file():
            raise
        raise FormatError(f"{file}: {error.problem}", path=path, value=str(file)) from None
