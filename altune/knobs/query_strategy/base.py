"""The bases of query strategies, and the type of a parameter that holds a strategy."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated

import numpy as np
from pydantic import BeforeValidator, SerializeAsAny

from altune.core.pool import Pool
from altune.core.registry import Method, parse_method
from altune.core.types import Array, RowNumbers


class QueryStrategy(Method):
    """Base of every method of ``query_strategy``.

    ``select`` is called once per loop, after the loop's model was trained. It must not change the pool.
    """

    knob = "query_strategy"

    @abstractmethod
    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return ``min(size, len(pool.candidates))`` distinct rows of ``pool.candidates``, best first.

        Parameters
        ----------
        pool : features, labels so far, the current model and its metadata (``pool.known()``).
        size : number of rows, 1 or more.
        rng : the only source of randomness; it breaks ties, which row order must not do.
        """


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
