"""Rows of the user's own table beside their encoded features, for models that take the table or its text.

The pool and the test rows are encoded as numbers for strategies and for most models. A model may ask for the rows as
they were before that. It is then given :class:`RawRows`, which are indexed like an array of features, so that training
sets, committees and folds need not know the difference. Only the model's own estimator sees what is in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from altune.core.errors import RequestError, did_you_mean
from altune.core.text import join_words

if TYPE_CHECKING:
    import pandas as pd

TakenRows = Literal["numbers", "frame", "text"]


class Takes(NamedTuple):
    """What the estimator of a model is given.

    Attributes
    ----------
    rows : ``numbers`` for encoded features, ``frame`` for a DataFrame of the original columns, ``text`` for an array of
        the strings of one column.
    column : the column of ``text``; None for the only column of text.
    """

    rows: TakenRows = "numbers"
    column: str | None = None

    @property
    def raw(self) -> bool:
        """Whether these are rows of the table, not encoded features."""
        return self.rows != "numbers"


NUMBERS = Takes()


@dataclass(frozen=True, eq=False)
class RawTable:
    """The table of a data set as the user gave it.

    Attributes
    ----------
    frame : names, types, categories and missing values of the user, numbered from 0, ``(n_rows, n_columns)``.
    texts : names of the columns of text.
    """

    frame: pd.DataFrame
    texts: tuple[str, ...] = ()
    _strings: dict[str, NDArray[np.object_]] = field(default_factory=dict, init=False, repr=False)

    def problem(self, takes: Takes) -> str:
        """Return why the table does not have what a model takes; empty if it has it."""
        if takes.rows != "text":
            return ""
        names = [str(name) for name in self.frame.columns]
        if takes.column is None:
            if len(self.texts) == 1:
                return ""
            if not self.texts:
                return "no column of text"
            return f"several columns of text, {join_words([repr(name) for name in self.texts])}; name one: column='...'"
        if takes.column not in names:
            return f"no column {takes.column!r}; {did_you_mean(takes.column, names)}"
        if not holds_strings(self._column(takes.column)):
            return f"no text in the column {takes.column!r}, but {self._column(takes.column).dtype}"
        return ""

    def text(self, rows: NDArray[np.intp], column: str | None) -> NDArray[np.object_]:
        """Return the strings of a column of text, of the only one for None; a missing value is an empty string."""
        name = self.texts[0] if column is None else column
        if name not in self._strings:
            values = self._column(name)
            strings = np.empty(len(values), dtype=object)
            strings[:] = ["" if gap else str(value) for value, gap in zip(values, values.isna(), strict=True)]
            self._strings[name] = strings
        return self._strings[name][rows]

    def _column(self, name: str) -> pd.Series[Any]:
        return self.frame.iloc[:, [str(label) for label in self.frame.columns].index(name)]


def holds_strings(column: pd.Series[Any]) -> bool:
    """Return whether a value of a column is text."""
    return any(isinstance(value, str) for value in column.array)


@dataclass(frozen=True, eq=False)
class RawRows:
    """Some rows of a pool or of the test rows, both raw and encoded. Indexing and joining copy no data.

    Parameters
    ----------
    table : the table of the data set.
    places : row numbers in the table of all rows of ``features``, ``(n_all,)``.
    features : encoded features of the same rows, ``(n_all, n_features)``.
    rows : which of these rows, as positions, ``(n_rows,)``.
    """

    table: RawTable
    places: NDArray[np.intp]
    features: Any
    rows: NDArray[np.intp]

    @classmethod
    def of(cls, table: RawTable, places: NDArray[np.intp], features: Any) -> RawRows:
        """Return all rows of encoded features with their raw rows."""
        return cls(table, places, features, np.arange(len(places)))

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns of the table."""
        return len(self.rows), int(self.table.frame.shape[1])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> RawRows:
        return RawRows(self.table, self.places, self.features, self.rows[rows])

    def joined(self, later: RawRows) -> RawRows:
        """Return these rows followed by other rows of the same pool."""
        return RawRows(self.table, self.places, self.features, np.concatenate([self.rows, later.rows]))

    @property
    def encoded(self) -> Any:
        """Encoded features of the rows, ``(n_rows, n_features)``."""
        return self.features[self.rows]

    @property
    def frame(self) -> pd.DataFrame:
        """The rows as a DataFrame of their own, numbered from 0."""
        return self.table.frame.iloc[self.places[self.rows]].reset_index(drop=True)

    def taken(self, takes: Takes) -> Any:
        """Return the rows as an estimator takes them."""
        if takes.rows == "frame":
            return self.frame
        return self.table.text(self.places[self.rows], takes.column) if takes.rows == "text" else self.encoded


def taken(X: Any, takes: Takes) -> Any:
    """Return rows as an estimator takes them.

    Parameters
    ----------
    X : raw rows, what the estimator takes itself, or encoded features, which have no raw rows.
    takes : what the estimator takes.

    Raises
    ------
    RequestError
        If an estimator that takes raw rows is given encoded features.
    """
    if isinstance(X, RawRows):
        return X.taken(takes)
    if takes.raw and not (hasattr(X, "iloc") if takes.rows == "frame" else _are_strings(X)):
        raise RequestError(
            f"a model with takes={takes.rows!r} was given encoded features; give it rows of pool.inputs, not of pool.X"
        )
    return X


def _are_strings(X: Any) -> bool:
    return isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype == object


@dataclass(frozen=True, eq=False)
class RawOffer:
    """What an environment offers to models that take raw rows.

    Attributes
    ----------
    data : name of the data set.
    kind : ``dense``, ``sparse`` or ``table``.
    columns : number of columns before encoding.
    table : returns the raw rows of the whole data set, None if it has none.
    labels : class codes of its rows, ``(n_rows,)``.
    found : what checks of models have found, so that each is made once.
    """

    data: str
    kind: str
    columns: int
    table: Callable[[], RawTable | None]
    labels: NDArray[np.intp]
    found: dict[Any, list[str]] = field(default_factory=dict)
