"""The table that a data set was made of, as the user gave it, without keeping a second copy of its numbers.

A data set holds numeric columns as float64 and the others as they came. What is needed to get back to the user's table
is kept beside it: names, the types of the numeric columns, and the few columns that changed beyond their type.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from altune.core.files import canonical_digest

if TYPE_CHECKING:
    import pandas as pd

_EXACT_IN_FLOAT64 = 2.0**53


@dataclass(frozen=True, eq=False)
class Originals:
    """How to get from the features of a data set back to the user's table.

    Attributes
    ----------
    labels : the columns' own names.
    dtypes : types of the numeric columns that are no float64, by position.
    columns : columns of which the features hold less than the user gave, by position.
    """

    labels: Any
    dtypes: dict[int, Any]
    columns: dict[int, pd.Series[Any]]

    @classmethod
    def of(cls, frame: pd.DataFrame, features: Any) -> Originals:
        """Return what is needed to restore ``frame`` from the features that were made of it."""
        dtypes: dict[int, Any] = {}
        columns: dict[int, pd.Series[Any]] = {}
        exact = isinstance(features, np.ndarray) and _exact(features)
        for position, dtype in enumerate(frame.dtypes):
            held = _held(features, position)
            if dtype == held.dtype:
                continue
            if held.dtype == np.float64 and _restores(frame.iloc[:, position], held, exact):
                dtypes[position] = dtype
            else:
                columns[position] = frame.iloc[:, position].reset_index(drop=True).copy()
        return cls(frame.columns, dtypes, columns)

    def of_rows(self, rows: NDArray[np.intp]) -> Originals:
        """Return what restores some of the rows."""
        columns = {position: column.iloc[rows].reset_index(drop=True) for position, column in self.columns.items()}
        return replace(self, columns=columns)

    def restored(self, features: Any) -> pd.DataFrame:
        """Return the user's table, its rows numbered from 0; numbers that are float64 are not copied."""
        import pandas as pd

        if not self.dtypes and not self.columns:
            return pd.DataFrame(features, copy=False).set_axis(self.labels, axis=1)
        width = features.shape[1]
        parts = {position: self._column(features, position) for position in range(width)}
        frame = pd.DataFrame(parts, copy=False)
        frame.columns = self.labels
        return frame

    def digest(self, features: Any) -> str:
        """Return a hash of what the fingerprint of the features does not tell of the user's table."""
        texts = [repr(list(self.labels))]
        for position in range(features.shape[1]):
            held = self.columns[position] if position in self.columns else _held(features, position)
            dtype = self.dtypes.get(position, held.dtype)
            categories = repr((list(dtype.categories), dtype.ordered)) if hasattr(dtype, "categories") else ""
            texts += [f"{dtype}{categories}", *(map(repr, held) if position in self.columns else ())]
        return canonical_digest({"columns": texts})

    def _column(self, features: Any, position: int) -> pd.Series[Any]:
        import pandas as pd

        if position in self.columns:
            return self.columns[position]
        held = pd.Series(_held(features, position))
        return held.astype(self.dtypes[position]) if position in self.dtypes else held


def _held(features: Any, position: int) -> Any:
    return features[:, position] if isinstance(features, np.ndarray) else features.iloc[:, position]


def _exact(values: Any) -> bool:
    """Return whether whole numbers of these magnitudes are exact in float64."""
    return bool(
        np.fmax.reduce(values, axis=None) < _EXACT_IN_FLOAT64 and np.fmin.reduce(values, axis=None) > -_EXACT_IN_FLOAT64
    )


def _restores(column: pd.Series[Any], held: Any, exact: bool) -> bool:
    """Return whether a column of numbers comes back from float64 by its type alone; ``exact`` if all columns are."""
    import pandas as pd

    if isinstance(column.dtype, np.dtype):
        if column.dtype.kind in "iu" and column.dtype.itemsize == 8:
            return exact or _exact(np.asarray(held))
        return column.dtype.kind in "iub" or (column.dtype.kind == "f" and column.dtype.itemsize <= 8)
    try:
        return bool(pd.Series(held).astype(column.dtype).equals(column.reset_index(drop=True)))
    except Exception:  # types of other libraries fail in ways of their own
        return False
