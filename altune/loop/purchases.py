"""Write the history of the pool: who chose the rows of a request, and what the model thought of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from altune.knobs.query_strategy.base import Choice, chosen_by

if TYPE_CHECKING:
    from altune.core.pool import Pool
    from altune.core.types import Array, Codes, RowNumbers
    from altune.knobs.query_strategy.base import QueryStrategy

NO_ROWS: RowNumbers = np.empty(0, dtype=np.intp)


class Purchases:
    """Writes the history of one trajectory.

    Parameters
    ----------
    pool : the pool of the trajectory; its ``history`` is written here.
    strategy : the recipe's query strategy; if it reads the model's probabilities in the history, they are computed.

    Attributes
    ----------
    rows : pool rows in the order they were first bought, held-out ones included.
    """

    def __init__(self, pool: Pool, strategy: QueryStrategy) -> None:
        self._pool = pool
        self._reads_history = strategy.reads_history_within()
        self._choice = chosen_by("", NO_ROWS)
        self.rows: RowNumbers = NO_ROWS

    def chosen(self, choice: Choice) -> None:
        """Keep who chose the rows of the next request, until their labels come."""
        self._choice = choice

    def bought(self, rows: RowNumbers, loop: int) -> None:
        """Record rows that were bought in a loop. The pool must still have them as candidates, or held them out."""
        pool, choice = self._pool, self._choice
        self.rows = np.concatenate([self.rows, rows])
        rows = rows[~np.isin(rows, pool.held_out)]
        in_order = np.argsort(choice.rows)
        positions = in_order[np.searchsorted(choice.rows, rows, sorter=in_order)]
        probabilities, predictions = (None, None) if loop == 0 else self._outputs(rows)
        pool.history.record(
            rows,
            loop,
            choice.arms[positions],
            propensities=None if choice.propensities is None else choice.propensities[positions],
            probabilities=probabilities,
            predictions=predictions,
            memo=choice.memo,
        )

    def _outputs(self, rows: RowNumbers) -> tuple[Array | None, Codes | None]:
        """Return the class scores of the current model, or its predictions if it has none; None if they are not read.

        The scores of all candidates are computed at once, as a strategy would: those of a part could differ in their
        last digits, and the history would depend on whether the strategy had used them.
        """
        pool, known = self._pool, self._pool.known()
        if known.computed("probabilities") is None:
            if not self._reads_history:
                return None, None
            if pool.model is not None and not pool.model.scores_classes:
                return None, pool.model.predict(pool.inputs[rows])
        return known.probabilities[np.searchsorted(known.rows, rows)], None
