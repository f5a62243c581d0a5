"""What is known of the recommended recipe: how much it gained over simple recipes on many data sets.

The file ``data/evidence.yaml`` holds, for each data set, model, budget and share of wrong labels, the differences
between the recommended recipe and each of three others on each block. ``altune learn evidence`` rebuilds it. Nothing is
fitted to these data sets, and the families of the data at hand are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from altune.core.errors import FormatError, reading
from altune.core.files import write_text
from altune.core.types import Array
from altune.core.yaml import read_yaml, write_yaml
from altune.numerics.resampling import resampled_means_of_families

FILE = Path(__file__).parent / "data" / "evidence.yaml"
VERSION = 1
"""Version of the format of the file."""
SCALE = 10_000
"""Differences are stored as integers of this many parts of 1."""
AGAINST = {"random_sampling": "random sampling", "vanilla": "least confidence", "margin": "margin"}
"""The recipes that it is compared with, by the name of their baseline, and what they are called."""
HURT = 0.005
"""A recipe hurts on a data set if it is below random sampling by more than this."""
FIELDS = ("data", "family", "classes", "rows", "features", "model", "budget", "noise")
"""Fields of a studied case, in the order of the columns in the file."""
GROUPS: dict[str, tuple[int, int]] = {"2": (2, 2), "3 to 5": (3, 5), "6 or more": (6, 10**9)}
"""Groups of data sets by their numbers of classes."""


@dataclass(frozen=True, eq=False)
class Studied:
    """Where the recommended recipe was compared.

    Attributes
    ----------
    data, family : name of the data set, and of its family.
    classes, rows, features : its size, as it was played.
    model : name of the model.
    budget : budget in labels.
    noise : share of wrong labels, in [0, 1).
    gains : recommended recipe less each of :data:`AGAINST` on each block, ``(3, n_blocks)``.
    """

    data: str
    family: str
    classes: int
    rows: int
    features: int
    model: str
    budget: int
    noise: float
    gains: Array

    def to_line(self) -> str:
        """Return the case as a line of the file."""
        words = " ".join(str(getattr(self, field)) for field in FIELDS)
        parts = [" ".join(map(str, np.rint(row * SCALE).astype(int).tolist())) for row in self.gains]
        return " | ".join([words, *parts])

    @classmethod
    def from_line(cls, line: str) -> Studied:
        """Read a line of the file."""
        words, *parts = line.split("|")
        fields = words.split()
        rows = [[int(word) for word in part.split()] for part in parts]
        if len(fields) != len(FIELDS) or len(rows) != len(AGAINST) or len({len(row) for row in rows}) != 1:
            raise FormatError(f"must be {' '.join(FIELDS)} and {len(AGAINST)} rows", path="cases", value=line)
        data, family, classes, n_rows, features, model, budget, noise = fields
        gains = np.array(rows, dtype=float) / SCALE
        return cls(data, family, int(classes), int(n_rows), int(features), model, int(budget), float(noise), gains)


@dataclass(frozen=True)
class Gain:
    """How much was gained over one recipe, on average over data sets.

    Attributes
    ----------
    mean, low, high : mean difference in the objective, and its 95 % interval over families of data sets and blocks;
        the interval is NaN for a single family.
    """

    mean: float
    low: float
    high: float

    @property
    def words(self) -> str:
        """The gain with its interval.

        >>> Gain(0.0211, 0.0102, 0.0301).words
        '+0.021 [+0.010, +0.030]'
        """
        if np.isnan(self.low):
            return f"{self.mean:+.3f}"
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"

    def to_dict(self) -> dict[str, float | None]:
        """Return plain JSON values."""
        known = not np.isnan(self.low)
        return {"mean": self.mean, "low": self.low if known else None, "high": self.high if known else None}


@dataclass(frozen=True)
class Gains:
    """How much was gained on a group of data sets.

    Attributes
    ----------
    group : what the group has in common.
    n_data : number of data sets.
    over : the gain over each recipe of :data:`AGAINST`.
    hurt : names of the data sets on which it was below random sampling by more than :data:`HURT`.
    """

    group: str
    n_data: int
    over: Mapping[str, Gain]
    hurt: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        over = {name: gain.to_dict() for name, gain in self.over.items()}
        return {"group": self.group, "data_sets": self.n_data, "over": over, "hurt": list(self.hurt)}


@dataclass(frozen=True, eq=False)
class Evidence:
    """All cases in which the recommended recipe was compared.

    Attributes
    ----------
    cases : the cases.
    made : how they were made, in words by name.
    """

    cases: Sequence[Studied]
    made: Mapping[str, Any]

    def where(self, keep: Callable[[Studied], bool]) -> Evidence:
        """Return the cases that a function keeps."""
        return Evidence([case for case in self.cases if keep(case)], self.made)

    def without(self, families: Collection[str]) -> Evidence:
        """Return the cases of all other families."""
        return self.where(lambda case: case.family not in families)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, in the order of the cases."""
        return tuple(dict.fromkeys(case.model for case in self.cases))

    def gains(self, group: str = "all") -> Gains | None:
        """Return what was gained on average over the data sets; None without any.

        Each data set counts alike: its cases are averaged block by block.
        """
        data_sets = list(dict.fromkeys(case.data for case in self.cases))
        if not data_sets:
            return None
        units = {name: _mean_of([case.gains for case in self.cases if case.data == name]) for name in data_sets}
        family = {case.data: case.family for case in self.cases}
        families = [family[name] for name in data_sets]
        over = {}
        for row, name in enumerate(AGAINST):
            values = [unit[row] for unit in units.values()]
            low, high = _interval(values, families)
            over[name] = Gain(float(np.mean([value.mean() for value in values])), low, high)
        hurt = tuple(name for name, unit in units.items() if unit[0].mean() < -HURT)
        return Gains(group, len(data_sets), over, hurt)

    def by_classes(self) -> list[Gains]:
        """Return what was gained on all data sets, and on those of each group of numbers of classes."""
        parts = [self.gains()]
        for name, (least, most) in GROUPS.items():
            parts.append(self.where(lambda case, a=least, b=most: a <= case.classes <= b).gains(name))  # type: ignore[misc]
        return [part for part in parts if part is not None]

    def save(self, path: str | Path, comment: str = "") -> None:
        """Write the evidence to a YAML file, with a comment at its head."""
        lines = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
        write_text(path, lines + write_yaml(self.to_dict()))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that :meth:`from_dict` reads back, with differences rounded to 1/10,000."""
        return {"version": VERSION, "made": dict(self.made), "cases": [case.to_line() for case in self.cases]}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], file: str = "") -> Evidence:
        """Read evidence from plain values.

        Raises
        ------
        FormatError
            If it has another version, or a case is not well formed.
        """
        with reading("evidence", file=file):
            if plain.get("version") != VERSION:
                raise FormatError(f"version must be {VERSION}", path="version", value=plain.get("version"))
            return cls([Studied.from_line(str(line)) for line in plain["cases"]], dict(plain.get("made", {})))


@cache
def shipped_evidence() -> Evidence:
    """Return the evidence that altune ships."""
    return Evidence.from_dict(read_yaml(FILE), str(FILE))


def _mean_of(gains: Sequence[Array]) -> Array:
    """Return the mean over the cases of a data set, block by block, as far as all of them were played."""
    n_blocks = min(part.shape[1] for part in gains)
    mean: Array = np.mean([part[:, :n_blocks] for part in gains], axis=0)
    return mean


def _interval(values: Sequence[Array], families: Sequence[str]) -> tuple[float, float]:
    if len(set(families)) < 2:
        return float("nan"), float("nan")
    draws = resampled_means_of_families([[value] for value in values], families, np.random.default_rng(0))
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
