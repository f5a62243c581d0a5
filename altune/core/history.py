"""What happened so far on one pool: which rows were bought, by whose choice, and what the model thought of them.

Everything here follows from what the loop asked and the answers it got, so a campaign that is resumed from its answers
has the same history.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from altune.core.types import Array, Codes, RowNumbers


class History:
    """The rows that were bought to train on, in order, and what was known of each just before its label came.

    **A history is a biased sample.** Its rows were chosen, mostly because the model found them hard, so the share that
    the model predicted right is not its accuracy on the pool, and a class that is common here need not be common there.
    Only rows that were drawn at random are free of this, and rows with a known propensity can be weighted by its
    inverse.

    A row appears once, where it was first bought; an audit that buys its label again adds nothing. Rows held out for
    validation are not part of the history. The arrays are read-only, and those of one history have equal lengths.

    Parameters
    ----------
    n_classes : classes of the scenario.

    Examples
    --------
    >>> history = History(n_classes=2)
    >>> history.record(np.array([4, 7]), 0, np.array(["initial_sample.random"] * 2))
    >>> history.record(np.array([5]), 1, np.array(["margin"]), probabilities=np.array([[0.4, 0.6]]))
    >>> history.rows.tolist(), history.loops.tolist(), history.n_first, history.predictions.tolist()
    ([4, 7, 5], [0, 0, 1], 2, [-1, -1, 1])
    >>> history.labels(np.array([4, 5]), np.array([1, 0])).tolist()
    [1, -1, 0]
    """

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes
        self._n_rows = 0
        self._n_first = 0
        self._complete = True
        self._memos: dict[int, str] = {}
        self._parts: dict[str, list[NDArray[Any]]] = {
            "rows": [np.empty(0, dtype=np.intp)],
            "loops": [np.empty(0, dtype=np.intp)],
            "arms": [np.empty(0, dtype=np.str_)],
            "propensities": [np.empty(0)],
            "probabilities": [np.empty((0, n_classes))],
            "predictions": [np.empty(0, dtype=np.intp)],
        }

    def __len__(self) -> int:
        return self._n_rows

    @property
    def rows(self) -> RowNumbers:
        """Pool rows in the order they were bought, ``(n,)``."""
        return self._joined("rows")

    @property
    def loops(self) -> NDArray[np.intp]:
        """Loop in which each row was bought, ``(n,)``; 0 for the first sample."""
        return self._joined("loops")

    @property
    def arms(self) -> NDArray[np.str_]:
        """Who or what chose each row, ``(n,)``.

        ``initial_sample.`` and its method for the first sample, ``given`` for first rows that were given, and else the
        name that the query strategy reports in its :class:`~altune.knobs.query_strategy.Choice`.
        """
        return self._joined("arms")

    @property
    def propensities(self) -> Array:
        """Probability with which whoever chose a row drew it, ``(n,)``, in (0, 1]; NaN where none was reported."""
        return self._joined("propensities")

    @property
    def n_first(self) -> int:
        """Number of rows of the first sample; they come first."""
        return self._n_first

    @property
    def probabilities(self) -> Array:
        """Class scores by the model that chose each row, just before its label came, ``(n, n_classes)``.

        NaN for the first sample, which no model chose, and for a model without class scores.

        Raises
        ------
        RuntimeError
            If they were not recorded: the query strategy does not declare ``reads_history``, and nothing else computed
            them.
        """
        self._require_scores()
        return self._joined("probabilities")

    @property
    def predictions(self) -> Codes:
        """Class that this model predicted, ``(n,)``; −1 for the first sample. Raises like ``probabilities``."""
        self._require_scores()
        return self._joined("predictions")

    def labels(self, labelled: RowNumbers, labels: Codes) -> Codes:
        """Return the current label of each row of the history, ``(n,)``; −1 for a row that has none.

        Parameters
        ----------
        labelled, labels : ``pool.labelled`` and ``pool.labels``. A label is not kept in the history, because more
            answers may change it and an audit may drop it.
        """
        joined = np.full(len(self), -1, dtype=np.intp)
        if len(labelled):
            positions = np.minimum(np.searchsorted(labelled, self.rows), len(labelled) - 1)
            known = labelled[positions] == self.rows
            joined[known] = labels[positions[known]]
        return joined

    def memo(self, loop: int) -> Any:
        """Return what the query strategy noted when it chose the rows of a loop, None if it noted nothing."""
        return json.loads(self._memos[loop]) if loop in self._memos else None

    def record(
        self,
        rows: RowNumbers,
        loop: int,
        arms: NDArray[np.str_],
        *,
        propensities: Array | None = None,
        probabilities: Array | None = None,
        predictions: Codes | None = None,
        memo: Any = None,
    ) -> None:
        """Add rows that were bought. Called by the loop alone, before a model is trained on them.

        Parameters
        ----------
        rows : pool rows, ``(n_new,)``.
        loop : number of the loop; 0 for the first sample, which may come in several parts.
        arms : who chose each, ``(n_new,)``.
        propensities : probability with which each was drawn, None if unknown.
        probabilities : class scores by the current model, ``(n_new, n_classes)``; None without a model or if they are
            not known.
        predictions : the model's predictions, if it has no class scores.
        memo : plain values for :meth:`memo`, which JSON can write.
        """
        if loop == 0:
            self._n_first += len(rows)
            predictions = np.full(len(rows), -1, dtype=np.intp)
        elif predictions is None and probabilities is not None:
            predictions = np.argmax(probabilities, axis=1)
        self._n_rows += len(rows)
        self._complete &= predictions is not None or not len(rows)
        if memo is not None:
            self._memos[loop] = json.dumps(memo)
        unknown = np.full(len(rows), np.nan)
        self._add("rows", rows)
        self._add("loops", np.full(len(rows), loop, dtype=np.intp))
        self._add("arms", arms)
        self._add("propensities", unknown if propensities is None else propensities)
        if self._complete and predictions is not None:
            missing = np.full((len(rows), self.n_classes), np.nan)
            self._add("probabilities", missing if probabilities is None else probabilities)
            self._add("predictions", predictions)

    def _require_scores(self) -> None:
        if not self._complete:
            raise RuntimeError(
                "the history has no probabilities: they are recorded for a query strategy that declares "
                "`reads_history: ClassVar[bool] = True`"
            )

    def _add(self, name: str, values: NDArray[Any]) -> None:
        self._parts[name].append(values)

    def _joined(self, name: str) -> NDArray[Any]:
        """Return a column as one array; its parts are joined when it is read, not when they are added."""
        parts = self._parts[name]
        if len(parts) > 1:
            parts[:] = [np.concatenate(parts)]
        parts[0].flags.writeable = False
        return parts[0]
