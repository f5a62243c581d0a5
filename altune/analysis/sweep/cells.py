"""The cells of a sweep: the combinations of its lists."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from altune.analysis.sweep.entries import DataEntry, ModelEntry, SpaceEntry
from altune.core.files import canonical_digest

COORDINATES = ("data", "model", "space", "budget", "seed")
"""What distinguishes the cells, the slowest to change first."""
LONGEST_NAME = 60


@dataclass(frozen=True, eq=False)
class Cell:
    """One combination of a sweep.

    Attributes
    ----------
    data, model, space, budget, seed : coordinates of the cell; None if the file lists none.
    varied : coordinates other than the data that vary in the sweep.
    """

    data: DataEntry
    model: ModelEntry | None
    space: SpaceEntry
    budget: int | None
    seed: int
    varied: tuple[str, ...] = ()

    @property
    def coordinates(self) -> dict[str, Any]:
        """The coordinates by name."""
        model = None if self.model is None else self.model.name
        values = (self.data.name, model, self.space.name, self.budget, self.seed)
        return dict(zip(COORDINATES, values, strict=True))

    @property
    def folder(self) -> str:
        """Name of the folder. It has all coordinates, so that a longer list does not rename it."""
        words = {"budget": "{}", "seed": "seed{}"}
        parts = [words.get(name, "{}").format(value) for name, value in self.coordinates.items() if value is not None]
        return "-".join(safe_name(part) for part in parts)

    def __str__(self) -> str:
        words = {"budget": "{} labels", "seed": "seed {}"}
        coordinates = self.coordinates
        return ", ".join([self.data.name, *(words.get(name, "{}").format(coordinates[name]) for name in self.varied)])


def safe_name(text: str) -> str:
    """Return a name that is safe in a file's name; a changed name gets a short hash, so that names stay different.

    >>> safe_name("mlp"), safe_name("../my data")
    ('mlp', 'my_data.91a09a')
    """
    plain = re.sub(r"[^A-Za-z0-9_.]+", "_", text).strip("._")[:LONGEST_NAME]
    return plain if plain == text else f"{plain}.{canonical_digest({'name': text})[:6]}".lstrip(".")
