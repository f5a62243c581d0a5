"""The description of how a data set became numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from altune.core.text import counted

ColumnKind = Literal["number", "yes/no", "category", "text", "date", "empty"]

NEARLY_EMPTY = 0.95
"""Share of missing values from which a column is called nearly empty."""
MOST_NAMED = 5
"""Number of columns that one sentence names."""
MOST_LISTED = 200
"""Number of columns of a table that are described one by one."""
_MANY: dict[ColumnKind, str] = {
    "number": "numbers",
    "yes/no": "yes/no",
    "category": "categories",
    "text": "texts",
    "date": "dates",
    "empty": "empty",
}


@dataclass(frozen=True)
class ColumnEncoding:
    """How one column became numbers, as fitted on the rows of a pool.

    Attributes
    ----------
    name : name of the column.
    kind : what it holds.
    becomes : what it became, in words.
    features : number of features that it became, the marks of missing values included.
    values : number of different values in the pool of a category or a text; None for other kinds.
    gaps : share of the pool rows in which it has no value.
    constant : whether all its features are the same in every pool row.
    identifier : why it looks like an identifier; empty if it does not.
    """

    name: str
    kind: ColumnKind
    becomes: str
    features: int
    values: int | None = None
    gaps: float = 0.0
    constant: bool = False
    identifier: str = ""

    @property
    def remarks(self) -> list[str]:
        """What is odd about the column, in a few words each."""
        return [
            *(["identifier?"] if self.identifier else []),
            *(["constant"] if self.constant and self.kind != "empty" else []),
            *(["nearly empty"] if NEARLY_EMPTY <= self.gaps < 1 else []),
        ]


@dataclass(frozen=True)
class Encoding:
    """How a data set became numbers, as fitted on the rows of a pool.

    Attributes
    ----------
    rows : number of rows of the pool.
    columns, features : number of columns before encoding, and of features after it.
    sparse : whether the features are a sparse matrix.
    scaling : how the features were scaled, in words.
    kinds : number of columns and of features of each kind of column.
    constant : number of columns that are the same in every pool row.
    listed : the columns of a table, at most 200; of an array only those about which there is something to say.

    Examples
    --------
    >>> from altune.data import Dataset
    >>> from altune.data.encoding import encode_described
    >>> data = Dataset([[1.0, 5.0], [3.0, 5.0], [9.0, 5.0]], ["a", "b", "a"])
    >>> print(encode_described(data, [0, 1], [2]).encoding.summary)
    2 columns become 2 features (2 numbers), scaled to mean 0 and variance 1
    """

    rows: int
    columns: int
    features: int
    sparse: bool
    scaling: str
    kinds: Mapping[ColumnKind, tuple[int, int]]
    constant: int = 0
    listed: tuple[ColumnEncoding, ...] = ()

    @property
    def summary(self) -> str:
        """Columns, features and scaling in one line."""
        kinds = ", ".join(
            f"{columns} {_name(kind, columns)}" + (f" as {features}" if features != columns else "")
            for kind, (columns, features) in self.kinds.items()
        )
        matrix = " of a sparse matrix" if self.sparse else ""
        return (
            f"{counted(self.columns, 'column')} {'becomes' if self.columns == 1 else 'become'} "
            f"{counted(self.features, 'feature')}{matrix} ({kinds}), {self.scaling}"
        )

    @property
    def remarks(self) -> list[str]:
        """What is odd about the columns beside :attr:`identifiers`, one line each; usually there is none."""
        empty = [f"{column.name!r} ({column.gaps:.0%})" for column in self.listed if "nearly empty" in column.remarks]
        constant = [repr(column.name) for column in self.listed if "constant" in column.remarks]
        lines = [f"nearly empty: {_some(empty, len(empty))}"] if empty else []
        if self.constant:
            lines.append(f"the same in every row of the pool: {_some(constant, self.constant)}")
        return lines

    @property
    def identifiers(self) -> list[str]:
        """A line for each of the first five columns that look like identifiers, and one for the rest."""
        return identifier_lines({column.name: column.identifier for column in self.listed if column.identifier})

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values that :meth:`from_dict` reads back."""
        return asdict(self) | {"listed": [asdict(column) for column in self.listed]}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Encoding:
        """Read what :meth:`to_dict` returned; further keys are ignored."""
        kinds = {kind: (int(columns), int(features)) for kind, (columns, features) in plain["kinds"].items()}
        listed = tuple(ColumnEncoding(**column) for column in plain["listed"])
        return cls(**{**{name: plain[name] for name in _STORED}, "kinds": kinds, "listed": listed})


_STORED = tuple(part.name for part in fields(Encoding))


def identifier_lines(reasons: Mapping[str, str]) -> list[str]:
    """Return a line for each of the first five columns that look like identifiers, and one for the rest.

    Parameters
    ----------
    reasons : why a column looks like an identifier, by its name.
    """
    lines = [
        f"column {name!r} looks like an identifier ({reason}); leave it out (--drop) unless its values carry meaning"
        for name, reason in reasons.items()
    ]
    return first_lines(lines, "more columns look like identifiers")


def first_lines(lines: list[str], rest: str) -> list[str]:
    """Return the first five lines, and one for the rest."""
    more = len(lines) - MOST_NAMED
    return [*lines[:MOST_NAMED], *([f"{more} {rest}"] if more > 0 else [])]


def _name(kind: ColumnKind, count: int) -> str:
    return _MANY[kind] if count != 1 else kind


def _some(names: list[str], count: int, most: int = MOST_NAMED) -> str:
    """Return a count of columns, and the names of the first that are known."""
    listed = ", ".join(names[:most]) + (", …" if count > most else "")
    return counted(count, "column") + (f" ({listed})" if names else "")
