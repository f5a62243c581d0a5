"""The rows of a campaign: stored in its folder when they come, and encoded for the recipe.

They are kept in files that hold data alone (NumPy's format without pickles, or Parquet), so that a campaign does not
depend on files that may change or vanish. Each part that is added later is a file of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from altune.core.errors import DataError, StorageError
from altune.core.files import written_whole
from altune.core.raw_rows import RawRows
from altune.core.text import join_words
from altune.core.types import Features, RowNumbers
from altune.data import Dataset
from altune.data.encoding import encode_described
from altune.data.features import is_frame
from altune.simulation.prepared import kept_names

if TYPE_CHECKING:
    from altune.simulation.scenario import Scenario


def store_rows(folder: Path, number: int, features: Any) -> str:
    """Write features to a file of the folder and return its name.

    Parameters
    ----------
    folder : folder of the campaign.
    number : number of the part, from 1.
    features : what :class:`altune.Dataset` takes as ``X``: a DataFrame, a sparse matrix or an array.

    Raises
    ------
    DataError
        If the rows cannot be stored so that they are read back the same.
    StorageError
        If the file cannot be written.
    """
    suffix = ".parquet" if is_frame(features) else ".npz" if sp.issparse(features) else ".npy"
    name = f"rows-{number:04d}{suffix}"
    try:
        with written_whole(folder / name) as partial, partial.open("wb") as file:
            if suffix == ".parquet":
                features.reset_index(drop=True).to_parquet(file, index=False)
            elif suffix == ".npz":
                sp.save_npz(file, sp.csr_matrix(features))
            else:
                np.save(file, np.asarray(features, dtype=np.float64), allow_pickle=False)
    except OSError as error:
        raise StorageError(f"{folder / name}: cannot be written: {error.strerror}") from None
    except (ValueError, TypeError) as error:  # Arrow's errors are ones of these
        reason = str(error).splitlines()[0]
        raise DataError(f"the rows cannot be kept in a Parquet file: {reason}; give columns of one type each") from None
    return name


def stored_rows(folder: Path, name: str) -> Any:
    """Return the features of a file of :func:`store_rows`.

    Raises
    ------
    StorageError
        If it cannot be read.
    """
    import pandas as pd

    path = folder / name
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return sp.load_npz(path) if path.suffix == ".npz" else np.load(path, allow_pickle=False)
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception as error:
        raise StorageError(f"{path}: is damaged: {str(error).splitlines()[0]}; put back a copy of the file") from None


def joined(parts: Sequence[Any]) -> Any:
    """Return the rows of all parts one after the other.

    Raises
    ------
    DataError
        If a later part has other columns than the first.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    parts = [first, *(fitting(first, part) for part in parts[1:])]
    if is_frame(first):
        import pandas as pd

        return pd.concat(parts, ignore_index=True)
    return sp.vstack(parts).tocsr() if sp.issparse(first) else np.concatenate(parts)


def fitting(pool: Any, part: Any) -> Any:
    """Return new rows with the columns of the pool, in their order.

    Raises
    ------
    DataError
        If a column is missing, or the rows are of another kind than the pool.
    """
    if not is_frame(pool):
        part = part if sp.issparse(part) else np.asarray(part)
        if sp.issparse(pool) != sp.issparse(part) or part.ndim != 2 or part.shape[1] != pool.shape[1]:
            kind = "a sparse matrix" if sp.issparse(pool) else "an array"
            raise DataError(f"the pool is {kind} with {pool.shape[1]} columns; give the new rows alike")
        return part
    if not is_frame(part):
        raise DataError("the pool is a table; give the new rows as a table with the same columns")
    missing = [str(name) for name in pool.columns if name not in part.columns]
    if missing:
        raise DataError(f"the new rows lack {join_words([repr(name) for name in missing])}, which the pool has")
    return part[list(pool.columns)]


def as_pool(features: Any, classes: Sequence[object], name: str) -> Dataset:
    """Return rows without labels as a data set whose labels are placeholders: the classes in turn.

    Raises
    ------
    DataError
        If there are fewer rows than classes, or the features cannot be used.
    """
    n_rows = features.shape[0]
    if n_rows < len(classes):
        raise DataError(f"{name}: {n_rows} rows are fewer than {len(classes)} classes")
    labels = np.array(classes, dtype=object)[np.arange(n_rows) % len(classes)]
    return Dataset(features, labels, name=name, classes=classes)


@dataclass(frozen=True, eq=False)
class CampaignRows:
    """All rows of a campaign as a recipe is given them.

    Attributes
    ----------
    dataset : the rows with placeholders as labels.
    pool : the rows that may be labelled to train on, as positions; those that came later are the last.
    X : encoded features of all rows. The encoding was fitted on the pool of the beginning.
    feature_names : names of the encoded columns, None where encoding made new columns.
    """

    dataset: Dataset
    pool: RowNumbers
    X: Features
    feature_names: tuple[str, ...] | None

    @classmethod
    def of(cls, dataset: Dataset, first_rows: int, hold_out: Sequence[int], scenario: Scenario) -> CampaignRows:
        """Encode the rows.

        Parameters
        ----------
        dataset : all rows; those from ``first_rows`` on were added later.
        first_rows : number of rows of the beginning.
        hold_out : rows that measure the model, as positions.
        scenario : how features are scaled, and what a column of text becomes.
        """
        fitted_on = np.setdiff1d(np.arange(first_rows), np.asarray(hold_out, dtype=np.intp))
        others = np.setdiff1d(np.arange(dataset.n_rows), fitted_on)
        X_pool, X_others, _ = encode_described(
            dataset, fitted_on, others, scaling=scenario.scaling, text_features=scenario.text_features
        )
        order = np.argsort(np.concatenate([fitted_on, others]), kind="stable")
        both = joined([X_pool, X_others])
        pool = np.concatenate([fitted_on, np.arange(first_rows, dataset.n_rows)])
        return cls(dataset, pool, both[order], kept_names(dataset, int(both.shape[1])))

    def inputs(self, rows: RowNumbers, takes_raw: bool) -> Features:
        """Return rows as models are given them: encoded, or with their raw rows if one takes those."""
        X = self.X[rows]
        if not takes_raw:
            return X
        table = self.dataset.raw_table
        if table is None:
            raise DataError("the pool has no raw rows; give a DataFrame to a model that takes them")
        return RawRows.of(table, rows, X)
