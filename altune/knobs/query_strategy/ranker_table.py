"""The table of ``learned_ranker``: a weight for each column of metadata and each state of the run.

A file of a table is plain YAML::

    version: 1
    method: learned_ranker
    neighbours: 20
    states: [one, progress, confidence, classes]
    columns:
      u: {version: 1, weights: [1, 0, 0, 0]}
      entropy: {version: 1, weights: [0.02, -0.1, 0, 0]}
    training: {...}
    evidence: [{classes: "2", data_sets: 20, blocks: 8, mean: 0.001, low: -0.002, high: 0.004}, ...]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ConfigDict, TypeAdapter

from altune.core.errors import FormatError, did_you_mean, reading
from altune.core.files import canonical_digest
from altune.core.pool import Pool
from altune.core.types import Array
from altune.core.yaml import read_yaml, write_yaml
from altune.knobs.columns import COLUMNS
from altune.knobs.learned_tables import TableKind

TABLE_VERSION = 1
"""Version of the file format."""
STATES = ("one", "progress", "confidence", "classes")
"""State of a run, see :func:`state_of`."""
RULE = {"u": 1.0, "cov": 1.0, "bcov": 0.5}
"""Weights of the rule ``margin_cover``, in every state; its columns cov and bcov change within a batch."""
USUAL_CLASSES = 4.0
"""Number of classes at which the state ``classes`` is 0."""
GROUPS = {"2": (2, 2), "3-5": (3, 5), "6+": (6, 10**9)}
"""Groups of data sets by their number of classes, with the first and last number of each."""

GROUP_WORDS = {"2": "two classes", "3-5": "three to five classes", "6+": "six classes and more"}
"""The groups in words."""


@dataclass(frozen=True)
class Evidence:
    """What a table gained on data sets whose families were left out of its training, in one group by classes.

    Attributes
    ----------
    classes : the group, a key of :data:`GROUPS`.
    data_sets, families, blocks : number of data sets, of their families, and of blocks of each data set.
    mean : mean difference of the area under the learning curve to the rule.
    low, high : its 95 % interval, by a bootstrap over data sets and then their blocks; None for fewer than 5 of them.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    classes: str
    data_sets: int
    families: int
    blocks: int
    mean: float
    low: float | None
    high: float | None

    @property
    def gains(self) -> bool:
        """Whether the interval is above zero."""
        return self.low is not None and self.low > 0

    def __str__(self) -> str:
        sets = "1 data set" if self.data_sets == 1 else f"{self.data_sets} data sets"
        ends = "(too few data sets for an interval)" if self.low is None else f"[{self.low:+.4f}, {self.high:+.4f}]"
        return f"{self.mean:+.4f} {ends} over margin_cover on {sets} with {GROUP_WORDS[self.classes]}"


@dataclass(frozen=True, eq=False)
class RankerTable:
    """Weights of a linear score; equal tables have equal digests.

    Parameters
    ----------
    columns : names of the columns, which the rule's are among, in the order of the rows of ``weights``.
    weights : weight of each column in each state, ``(n_columns, 4)``.
    neighbours : number of nearest neighbours that a row covers.
    training : how the table was trained; empty if it was not.
    evidence : what it gained where it was not trained, one entry for each group by classes.
    """

    columns: tuple[str, ...]
    weights: Array
    neighbours: int = 20
    training: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()

    @classmethod
    def rule(cls, columns: Sequence[str] = ()) -> RankerTable:
        """Return the table of ``margin_cover``, with further columns of weight 0."""
        names = (*RULE, *(name for name in columns if name not in RULE))
        weights = np.zeros((len(names), len(STATES)))
        weights[: len(RULE), 0] = list(RULE.values())
        return cls(names, weights)

    def in_state(self, state: Array) -> dict[str, float]:
        """Return the weight of each column in a state, without those that are 0."""
        return {name: float(weight) for name, weight in zip(self.columns, self.weights @ state, strict=True) if weight}

    def evidence_for(self, n_classes: int) -> Evidence | None:
        """Return the evidence for a number of classes, None without any."""
        return next((found for found in self.evidence if found.classes == group_of(n_classes)), None)

    def trusted(self, n_classes: int) -> bool:
        """Return whether the evidence says that the table gains over the rule for this number of classes."""
        found = self.evidence_for(n_classes)
        return found is not None and found.gains

    def digest(self) -> str:
        """Return a hash of everything that affects a selection."""
        plain = self.to_dict()
        gains = sorted(found.classes for found in self.evidence if found.gains)
        return canonical_digest({"columns": plain["columns"], "neighbours": self.neighbours, "gains": gains})

    def to_dict(self) -> dict[str, Any]:
        """Return the plain values of the file."""
        return {
            "version": TABLE_VERSION,
            "method": "learned_ranker",
            "neighbours": self.neighbours,
            "states": list(STATES),
            "columns": {
                name: {"version": COLUMNS[name].version, "weights": [float(weight) for weight in row]}
                for name, row in zip(self.columns, self.weights, strict=True)
            },
            "training": dict(self.training),
            "evidence": [dict(vars(found)) for found in self.evidence],
        }

    def to_yaml(self) -> str:
        """Return the text of the file."""
        return write_yaml(self.to_dict())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RankerTable) and self.digest() == other.digest()

    def __hash__(self) -> int:
        return hash(self.digest())


def state_of(pool: Pool) -> Array:
    """Return the state of a run, ``(4,)``, each entry centred so that a weight of ``one`` is that of a usual run.

    1; the progress ln n / ln B of n labels bought of a budget of B, minus ½; the confidence, which is the mean
    probability of the most probable class over the candidates, minus ½; and ln(K / 4) for K classes.
    """
    confidence = 1.0 - float(pool.known().least_confidence.mean())
    return np.array([1.0, pool.progress - 0.5, confidence - 0.5, np.log(pool.n_classes / USUAL_CLASSES)])


def group_of(n_classes: int) -> str:
    """Return the group of a number of classes.

    >>> group_of(2), group_of(5), group_of(32)
    ('2', '3-5', '6+')
    """
    return next(name for name, (first, last) in GROUPS.items() if first <= max(2, n_classes) <= last)


def read_ranker(plain: Mapping[str, Any], file: str = "") -> RankerTable:
    """Read a table from plain values.

    Parameters
    ----------
    plain : values of a file.
    file : name of the file, for messages.

    Raises
    ------
    FormatError
        If the values are not those of a table, or a column has another version in this altune.
    """
    with reading("a table of learned_ranker", file=file):
        _check_head(plain)
        names = _check_columns(plain["columns"])
        weights = np.array([plain["columns"][name]["weights"] for name in names], dtype=np.float64)
        if weights.shape != (len(names), len(STATES)) or not np.isfinite(weights).all():
            raise FormatError(f"each column needs {len(STATES)} finite weights", path="columns")
        evidence = TypeAdapter(tuple[Evidence, ...]).validate_python(plain.get("evidence") or ())
        return RankerTable(names, weights, int(plain["neighbours"]), dict(plain.get("training") or {}), evidence)


def _check_head(plain: Mapping[str, Any]) -> None:
    if plain.get("method") != "learned_ranker" or plain.get("version") != TABLE_VERSION:
        raise FormatError(
            f"not a table of learned_ranker in version {TABLE_VERSION}; `altune learn ranker` makes one",
            path="version",
            value=plain.get("version"),
        )
    if plain.get("states") != list(STATES):
        raise FormatError(f"must be [{', '.join(STATES)}]", path="states", value=plain.get("states"))
    if not 2 <= int(plain["neighbours"]) <= 100:
        raise FormatError("must be between 2 and 100", path="neighbours", value=plain["neighbours"])


def _check_columns(columns: Mapping[str, Any]) -> tuple[str, ...]:
    for name, entry in columns.items():
        if name not in COLUMNS:
            raise FormatError(f"no such column; {did_you_mean(name, COLUMNS)}", path=f"columns.{name}", value=name)
        if entry["version"] != COLUMNS[name].version:
            raise FormatError(
                f"the table was trained on version {entry['version']} of this column, and this altune has version "
                f"{COLUMNS[name].version}; train it again with `altune learn ranker`",
                path=f"columns.{name}",
                value=entry["version"],
            )
    for name in RULE:
        if name not in columns:
            raise FormatError("the column is missing", path=f"columns.{name}")
    return tuple(columns)


RANKERS: TableKind[RankerTable] = TableKind(
    method="learned_ranker",
    shipped={"default": Path(__file__).parent / "tables" / "learned_ranker.yaml"},
    suffix=".yaml",
    variable="ALTUNE_RANKERS",
    group="altune.rankers",
    function="altune.register_ranker",
    read=read_ranker,
    load=read_yaml,
)
"""The tables of ``learned_ranker``."""
