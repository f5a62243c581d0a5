"""What a model says about the candidates of one loop.

Columns are aligned with ``rows``, the candidates of their loop, and are computed when they are first used. Later loops
can read them as *generations*, so that a strategy can use how a score changed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from altune.core.read_only import read_only, read_only_view
from altune.core.types import Codes, Features, RowNumbers, TrainedModel
from altune.core.uncertainty import entropy, least_confidence, margin

Column = NDArray[np.float64]
KEPT_GENERATIONS = 5
"""Number of loops whose columns are kept."""


class Metadata:
    """Columns over the candidates of one loop, computed on first use.

    Parameters
    ----------
    X : features of the whole pool, ``(n_rows, n_features)``.
    rows : the candidates, sorted, ``(n_candidates,)``.
    model : the model of this loop.
    earlier : metadata of earlier loops, the latest first.
    inputs : the pool as the model is given it; None for ``X``.
    """

    def __init__(
        self,
        X: Features,
        rows: RowNumbers,
        model: TrainedModel,
        earlier: tuple[Metadata, ...] = (),
        inputs: Features | None = None,
    ) -> None:
        self.rows = rows
        self._X: Features | None = X
        self._inputs: Features | None = X if inputs is None else inputs
        self._model: TrainedModel | None = model
        self._columns: dict[str, Column] = {}
        self._earlier = earlier
        self._then: dict[int, RowNumbers | None] = {}
        self._predictions: Codes | None = None

    @property
    def X(self) -> Features:
        """Features of the candidates, ``(n_candidates, n_features)``."""
        return self._candidates_of(self._X)

    @property
    def inputs(self) -> Features:
        """The candidates as the model is given them: ``X``, or raw rows."""
        return self._candidates_of(self._inputs)

    def _candidates_of(self, rows: Features | None) -> Features:
        if rows is None:
            raise RuntimeError("an earlier generation has only the columns that were computed in its loop")
        if len(self.rows) == rows.shape[0]:
            return rows
        return np.take(rows, self.rows, axis=0) if isinstance(rows, np.ndarray) else rows[self.rows]

    @property
    def probabilities(self) -> Column:
        """Class scores of the model, ``(n_candidates, n_classes)``; each row sums to 1."""
        return self._column("probabilities", lambda: self._current_model().class_scores(self.inputs))

    @property
    def predictions(self) -> Codes:
        """Most probable class of each candidate, ``(n_candidates,)``."""
        if self._predictions is None:
            self._predictions = read_only(np.argmax(self.probabilities, axis=1))
        return self._predictions

    @property
    def least_confidence(self) -> Column:
        """1 − p₁ of each candidate, ``(n_candidates,)``; large is uncertain."""
        return self._column("least_confidence", lambda: least_confidence(self.probabilities))

    @property
    def margin(self) -> Column:
        """p₁ − p₂ of each candidate, ``(n_candidates,)``; small is uncertain."""
        return self._column("margin", lambda: margin(self.probabilities))

    @property
    def entropy(self) -> Column:
        """Entropy in nats of each candidate, ``(n_candidates,)``; large is uncertain."""
        return self._column("entropy", lambda: entropy(self.probabilities))

    def computed(self, column: str) -> Column | None:
        """Return a column of this loop if it has been computed, else None."""
        return self._columns.get(column)

    def keep(self, column: str, compute: Callable[[], Column]) -> Column:
        """Return a column of this loop, which ``compute`` returns the first time; later loops read it as a generation.

        Parameters
        ----------
        column : its name.
        compute : returns the values of the candidates, ``(n_candidates, ...)``. They become read-only.
        """
        return self._column(column, compute)

    @property
    def generations(self) -> int:
        """Number of earlier loops whose columns are kept."""
        return len(self._earlier)

    def earlier(self, back: int, column: str) -> Column | None:
        """Return a column of ``back`` loops ago for the current candidates, None if it was not computed then."""
        if not 1 <= back <= len(self._earlier):
            return None
        then = self._earlier[back - 1]
        values = then._columns.get(column)
        if values is None:
            return None
        positions = self._positions(back)
        return None if positions is None else values[positions]

    def _positions(self, back: int) -> RowNumbers | None:
        """Return where the current candidates were among those of ``back`` loops ago, None if one was not there."""
        if back not in self._then:
            rows = self._earlier[back - 1].rows
            positions = np.minimum(np.searchsorted(rows, self.rows), len(rows) - 1)
            self._then[back] = positions if np.array_equal(rows[positions], self.rows) else None
        return self._then[back]

    def renewed(self, X: Features, rows: RowNumbers, inputs: Features) -> Metadata:
        """Return the metadata of the same model and the same earlier loops for other candidates."""
        return Metadata(X, rows, self._current_model(), self._earlier, inputs)

    def as_history(self) -> tuple[Metadata, ...]:
        """Release the model and the features, and return the columns of this loop and of earlier ones, latest first."""
        self._X = self._inputs = None
        self._model = None
        kept = (self, *self._earlier)[:KEPT_GENERATIONS]
        self._earlier, self._then = (), {}
        return kept

    def _column(self, name: str, compute: Callable[[], Column]) -> Column:
        if name not in self._columns:
            self._columns[name] = read_only_view(compute())
        return self._columns[name]

    def _current_model(self) -> TrainedModel:
        if self._model is None:
            raise RuntimeError("an earlier generation has only the columns that were computed in its loop")
        return self._model
