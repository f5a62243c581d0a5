"""Knob 7: which rows to label next."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, SerializeAsAny

from altune.core.pool import Pool
from altune.core.registry import Method, parse_method
from altune.core.types import RowNumbers


class QueryStrategy(Method):
    """Base of every method of ``query_strategy``.

    Called once a loop, after the model in hand was trained. It must not change the pool.
    """

    knob: ClassVar[str] = "query_strategy"

    @abstractmethod
    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``min(size, len(pool.candidates))`` distinct rows of ``pool.candidates``, best first.

        Parameters
        ----------
        pool : features, labels so far, the model in hand and its metadata (``pool.known()``).
        size : rows wanted, 1 or more.
        rng : the only source of randomness; ties are broken by it, never by row order.
        """


class ScoreStrategy(QueryStrategy):
    """A strategy that scores each candidate by itself and takes the best."""

    @abstractmethod
    def scores(self, pool: Pool, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return a finite score for each of ``pool.candidates``, ``(n_candidates,)``; label the largest first."""

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the ``size`` candidates of the largest scores; ties fall by chance."""
        return pool.candidates[largest(self.scores(pool, rng), size, rng)]


def largest(scores: NDArray[np.float64], size: int, rng: np.random.Generator) -> RowNumbers:
    """Return the positions of the ``size`` largest scores, best first, ties in random order.

    >>> largest(np.array([0.1, 0.9, 0.5]), 2, np.random.default_rng(0)).tolist()
    [1, 2]
    """
    order = rng.permutation(len(scores))
    if size < len(scores):  # the few that can be among the best: sorting a large pool takes longer than the query
        order = order[(scores >= np.partition(scores, -size)[-size])[order]]
    ranked = np.argsort(-scores[order], kind="stable")
    return order[ranked[:size]]


def read_strategy(value: Any) -> Any:
    """Read a strategy nested in a parameter, wherever a method may stand."""
    return parse_method("query_strategy", value)


NestedStrategy = Annotated[SerializeAsAny[QueryStrategy], BeforeValidator(read_strategy)]
"""The type of a parameter that holds a strategy."""
