"""The query of one loop: the strategy scores the candidates at most once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from altune.knobs.query_strategy.base import QueryStrategy, ScoreStrategy

if TYPE_CHECKING:
    from altune.core.pool import Pool
    from altune.core.streams import Streams
    from altune.core.types import Array, RowNumbers
    from altune.knobs.loop_size.base import UtilityOf
    from altune.loop.gate import Gate


class Query:
    """The query strategy in one loop.

    Parameters
    ----------
    strategy : the recipe's query strategy.
    pool : the pool of the trajectory.
    streams : the block's random streams.
    gate : checks of this loop.
    """

    def __init__(self, strategy: QueryStrategy, pool: Pool, streams: Streams, gate: Gate) -> None:
        self._strategy = strategy
        self._pool = pool
        self._streams = streams
        self._gate = gate
        self._scores: tuple[Array, np.random.Generator] | None = None

    def utilities(self, of: UtilityOf) -> Array:
        """Return the candidates' scores by the strategy, or their uncertainty, for a loop size that depends on them."""
        if of == "strategy" and isinstance(self._strategy, ScoreStrategy):
            scores = self._scored(self._strategy)[0].view()
            scores.flags.writeable = False  # the selection ranks the same array
            return scores
        return self._pool.known().least_confidence

    def select(self, size: int) -> RowNumbers:
        """Return the rows of the loop, best first; ``size`` is at most the number of candidates."""
        strategy, pool = self._strategy, self._pool
        if isinstance(strategy, ScoreStrategy) and type(strategy).select is ScoreStrategy.select:
            scores, rng = self._scored(strategy)
            rows = strategy.best(pool, scores, size, rng)
        else:
            rows = strategy.select(pool, size, self._generator())
        return self._gate.rows(strategy, rows, pool.candidates, least=size, most=size)

    def _scored(self, strategy: ScoreStrategy) -> tuple[Array, np.random.Generator]:
        """Return the scores and the generator that drew them, which then breaks the ties of the selection."""
        if self._scores is None:
            rng = self._generator()
            scores = strategy.scores(self._pool, rng)
            self._scores = self._gate.scores(strategy, scores, len(self._pool.candidates)), rng
        return self._scores

    def _generator(self) -> np.random.Generator:
        return self._streams.generator("query", self._gate.loop)
