"""The query of one loop: the strategy scores the candidates at most once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from altune.knobs.query_strategy.base import QueryStrategy, ScoreStrategy, chosen_by

if TYPE_CHECKING:
    from altune.core.pool import Pool
    from altune.core.streams import Streams
    from altune.core.types import Array
    from altune.knobs.loop_size.base import UtilityOf
    from altune.knobs.query_strategy.base import Choice
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
        model = self._pool.model
        if of == "strategy" and isinstance(self._strategy, ScoreStrategy) and not (model is not None and model.failure):
            scores = self._scored(self._strategy)[0].view()
            scores.flags.writeable = False  # the selection ranks the same array
            return scores
        return self._pool.known().least_confidence

    def choose(self, size: int) -> Choice:
        """Return the rows of the loop, best first, and who chose each; ``size`` is at most the number of candidates."""
        strategy, pool = self._strategy, self._pool
        if isinstance(strategy, ScoreStrategy) and _selects_by_scores(type(strategy)):
            scores, rng = self._scored(strategy)
            choice = chosen_by(str(strategy.method), strategy.best(pool, scores, size, rng))
        else:
            choice = strategy.choose(pool, size, self._generator())
        return self._gate.choice(strategy, choice, pool.candidates, size)

    def _scored(self, strategy: ScoreStrategy) -> tuple[Array, np.random.Generator]:
        """Return the scores and the generator that drew them, which then breaks the ties of the selection."""
        if self._scores is None:
            rng = self._generator()
            scores = strategy.scores(self._pool, rng)
            self._scores = self._gate.scores(strategy, scores, len(self._pool.candidates)), rng
        return self._scores

    def _generator(self) -> np.random.Generator:
        return self._streams.generator("query", self._gate.loop)


def _selects_by_scores(cls: type[ScoreStrategy]) -> bool:
    """Return whether a strategy selects the rows with the largest scores, and nothing else."""
    return cls.select is ScoreStrategy.select and cls.choose is ScoreStrategy.choose
