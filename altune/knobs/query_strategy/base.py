"""The bases of query strategies, and the type of a parameter that holds a strategy."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, SerializeAsAny

from altune.core.pool import Pool
from altune.core.registry import Method, parse_method
from altune.core.types import Array, RowNumbers
from altune.knobs.learned_tables import TableKind


class Choice(NamedTuple):
    """The rows that a strategy selected, and what the history is to keep about them.

    Attributes
    ----------
    rows : distinct candidates, best first, ``(n,)``.
    arms : the name of who chose each row, ``(n,)``: a strategy's own name, or that of a strategy nested in it.
    propensities : probability with which whoever chose each row drew it, ``(n,)``, in (0, 1], NaN where it is not
        known; None if none is known.
    memo : plain values that the strategy wants to read in later loops, as ``pool.history.memo(loop)``; None for
        nothing. JSON must be able to write them.
    """

    rows: RowNumbers
    arms: NDArray[np.str_]
    propensities: Array | None = None
    memo: Any = None


def chosen_by(arm: str, rows: RowNumbers) -> Choice:
    """Return the choice of rows that all were chosen by one arm.

    >>> chosen_by("margin", np.array([4, 2])).arms.tolist()
    ['margin', 'margin']
    """
    return Choice(rows, np.full(len(rows), arm))


class QueryStrategy(Method):
    """Base of every method of ``query_strategy``.

    ``select`` is called once per loop, after the loop's model was trained, through ``choose``. It must not change the
    pool. ``reads_history`` declares that the strategy reads the model's probabilities or predictions in
    ``pool.history``; then they are recorded. ``tables`` are those of a learned strategy, which names one in its
    parameter ``table``.
    """

    knob = "query_strategy"
    reads_history: ClassVar[bool] = False
    tables: ClassVar[TableKind[Any] | None] = None

    @abstractmethod
    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``min(size, len(pool.candidates))`` distinct rows of ``pool.candidates``, best first.

        Parameters
        ----------
        pool : features, labels so far, the current model and its metadata (``pool.known()``).
        size : number of rows, 1 or more.
        rng : the only source of randomness; it breaks ties, which row order must not do.
        """

    def choose(self, pool: Pool, size: int, rng: np.random.Generator) -> Choice:
        """Return the rows of ``select`` with the name of who chose each: the method's own, if it is not overridden."""
        return chosen_by(str(self.method), self.select(pool, size, rng))

    def fingerprint(self) -> str:
        """Return a hash of what the strategy depends on beyond its parameters, such as a table that it names.

        By default that of the strategies nested in it, which is empty for most.
        """
        return "".join(strategy.fingerprint() for strategy in self._nested_strategies())

    def remarks(self, n_classes: int) -> list[str]:
        """Return what a user should know of the strategy for a number of classes, one line each; usually nothing."""
        return [line for strategy in self._nested_strategies() for line in strategy.remarks(n_classes)]

    @classmethod
    def table_lines(cls) -> list[str]:
        """Return what there is to know of the tables of a learned strategy, one line each; none for any other."""
        return []

    def _nested_strategies(self) -> list[QueryStrategy]:
        return [method for method in self.nested().values() if isinstance(method, QueryStrategy)]

    def reads_history_within(self) -> bool:
        """Return whether the strategy or one nested in it declares ``reads_history``."""
        return self.reads_history or any(strategy.reads_history_within() for strategy in self._nested_strategies())


class ScoreStrategy(QueryStrategy):
    """Base of strategies that score each candidate independently and select those with the largest scores."""

    @abstractmethod
    def scores(self, pool: Pool, rng: np.random.Generator) -> Array:
        """Return a finite score for each of ``pool.candidates``, ``(n_candidates,)``; the largest are selected."""

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the ``size`` candidates with the largest scores; ties are broken at random."""
        return self.best(pool, self.scores(pool, rng), size, rng)

    def best(self, pool: Pool, scores: Array, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the ``size`` candidates with the largest of the given scores; ties are broken at random."""
        return pool.candidates[largest(scores, size, rng)]


class DelegatingStrategy(QueryStrategy):
    """Base of strategies that let others choose: ``choose`` says which of them chose each row."""

    @abstractmethod
    def choose(self, pool: Pool, size: int, rng: np.random.Generator) -> Choice:
        """Return the rows, as ``select`` would, with the name of who chose each."""

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the rows of ``choose``."""
        return self.choose(pool, size, rng).rows


def largest(scores: Array, size: int, rng: np.random.Generator) -> RowNumbers:
    """Return the positions of the ``size`` largest scores, largest first, ties in random order.

    >>> largest(np.array([0.1, 0.9, 0.5]), 2, np.random.default_rng(0)).tolist()
    [1, 2]
    """
    order = rng.permutation(len(scores))
    if size < len(scores):  # only rows that can be among the largest are sorted: sorting a large pool is slow
        order = order[(scores >= np.partition(scores, -size)[-size])[order]]
    ranked = np.argsort(-scores[order], kind="stable")
    return order[ranked[:size]]


NestedStrategy = Annotated[
    SerializeAsAny[QueryStrategy], BeforeValidator(lambda value: parse_method("query_strategy", value))
]
"""The type of a parameter that holds a strategy."""
