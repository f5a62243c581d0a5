"""Spaces that build on others: ``include: standard``, or a list of names and files of which later ones win."""

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
    """A space file while it is read: the files that lead to it, itself last; empty for a space made in Python."""

    chain: tuple[Path, ...] = ()

    @classmethod
    def of(cls, file: str) -> Source:
        """Return the source of a space that is read from ``file``."""
        return cls((Path(file).resolve(),)) if file else cls()

    @property
    def folder(self) -> Path:
        """What relative names are relative to."""
        return self.chain[-1].parent if self.chain else Path()

    def included(self, value: Any) -> list[tuple[str, Path]]:
        """Return the place inside this file, and the file, of each space that it includes.

        Raises
        ------
        FormatError
            If ``value`` is neither a name nor a list of names, if one is unknown, stands twice, or leads back here.
        """
        if value is None:
            return []
        listed = isinstance(value, (list, tuple))
        names = [(f"{INCLUDE}[{place}]", name) for place, name in enumerate(value)] if listed else [(INCLUDE, value)]
        if not names:
            raise FormatError("an empty list; give at least one space", path=INCLUDE, value=value)
        found: list[tuple[str, Path]] = []
        for place, name in names:
            path = self._find(name, place)
            if any(path.resolve() == other.resolve() for _, other in found):
                raise FormatError(f"{name!r} stands here twice", path=place, value=name)
            found.append((place, path))
        return found

    def step(self, path: Path) -> Source:
        """Return the source of a file that this one includes."""
        return Source((*self.chain, path.resolve()))

    def _find(self, name: Any, place: str) -> Path:
        shipped = shipped_spaces()
        if not isinstance(name, (str, Path)) or not str(name).strip():
            raise FormatError(f"{name!r} is not a space; write a name or the path of a file", path=place, value=name)
        path = shipped[str(name)] if str(name) in shipped else (self.folder / name)
        if str(name) not in shipped and not path.is_file() and not is_file_name(name):
            known = did_you_mean(name, shipped)
            raise FormatError(f"no search space {name!r}; {known}, or the path of a YAML file", path=place, value=name)
        if path.resolve() in self.chain:
            first = self.chain.index(path.resolve())
            circle = " includes ".join(part.name for part in (*self.chain[first:], path))
            raise FormatError(f"the files include each other in a circle: {circle}", path=place, value=str(name))
        return path


def read_included(place: str, path: Path) -> Mapping[str, Any]:
    """Read an included file; where it is missing, the error names who includes it."""
    try:
        return read_yaml(path)
    except FormatError as error:
        if path.is_file():
            raise
        raise FormatError(f"{path}: {error.problem}", path=place, value=str(path)) from None
