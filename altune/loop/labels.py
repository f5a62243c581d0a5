"""The answers about the rows of one pool, and the label that they combine to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from altune.core.errors import RequestError
from altune.core.read_only import read_only
from altune.core.types import Codes, RowNumbers
from altune.knobs.labeling import Answers
from altune.loop.gate import Gate

if TYPE_CHECKING:
    from altune.core.pool import Pool
    from altune.knobs.labeling import Labeling


class Labels:
    """Keeps all answers of a trajectory.

    Parameters
    ----------
    pool : the pool of the trajectory.
    labeling : the recipe's method, which combines the answers about a row.

    Attributes
    ----------
    answers : all answers so far.
    known : whether each pool row has a label, ``(n_rows,)``.
    codes : the label of each pool row that has one, ``(n_rows,)``.
    """

    def __init__(self, pool: Pool, labeling: Labeling) -> None:
        self._pool = pool
        self._labeling = labeling
        self.answers = Answers()
        self.known = np.zeros(pool.n_rows, dtype=bool)
        self.codes: Codes = np.full(pool.n_rows, -1, dtype=np.intp)

    def add(self, rows: RowNumbers, annotators: RowNumbers, codes: Codes) -> RowNumbers:
        """Add answers, and return the rows that had no label before, in the order in which they first appear."""
        new = rows[~self.known[rows]]
        new = new[np.sort(np.unique(new, return_index=True)[1])]
        self.answers.add(rows, annotators, codes)
        self.known[new] = True
        return new

    def combine(self, loop: int) -> None:
        """Combine all answers so far into one label for each row, in the loop of a number."""
        rows = read_only(np.flatnonzero(self.known))
        codes = self._labeling.combine(self.answers, rows, self._pool.n_classes)
        self.codes[rows] = Gate(loop, self._pool.n_classes).labels(self._labeling, codes, len(rows))

    def usable(self) -> RowNumbers:
        """Return the rows with a label that may be trained on, sorted."""
        usable = self.known.copy()
        usable[self._pool.held_out] = False
        return np.flatnonzero(usable)

    def drop(self, rows: RowNumbers) -> None:
        """Take the labels of rows away.

        Raises
        ------
        RequestError
            If there is a model, and no label would remain to train on.
        """
        if self._pool.model is not None and not len(np.setdiff1d(self.usable(), rows)):
            raise RequestError("no label would remain to train on")
        self.known[rows] = False

    def extend(self) -> int:
        """Make room for rows that were added to the pool, and return how many there are."""
        added = self._pool.n_rows - len(self.known)
        self.known = np.concatenate([self.known, np.zeros(added, dtype=bool)])
        self.codes = np.concatenate([self.codes, np.full(added, -1, dtype=np.intp)])
        return added
