"""Strategies that weigh the margin of a row against how many rows it covers."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import Array, RowNumbers
from altune.knobs.pool_coverage import PoolCoverage
from altune.knobs.query_strategy.base import QueryStrategy, largest
from altune.numerics.geometry.coverage import CoverageTerm, greedy_batch, z_scores


@register
class MarginCover(QueryStrategy):
    """Margin and coverage: rows with a small margin that cover many rows which no labelled row covers yet.

    Rows are picked one by one, each with the largest z(u) + ``cover``·z(cov) + ``batch_cover``·z(bcov), where
    u = 1 − margin, cov is how much a row adds to the coverage of the pool by the labelled rows, and bcov how much it
    adds to the coverage by this batch, weighted by u. Rows cover each other along a graph of ``neighbours`` nearest
    neighbours, with the similarity s = exp(−(d/σ)²); σ is the median distance to the 10th neighbour. With c the largest
    similarity to a labelled or picked row, and c′ to a picked one: cov(i) = (1 − c_i) + Σ_j max(0, s_ij − c_j) and
    bcov(i) = u_i(1 − c′_i) + Σ_j u_j·max(0, s_ij − c′_j). z-scores are within ±6 and use the mean and the standard
    deviation over the candidates at the start of the batch.

    The graph is computed once for each block, in O(N²·d), and shared by all recipes. In a pool of more than 20,000
    rows, the same 10,000 random rows compete in each loop.
    """

    needs = frozenset({"class_scores"})
    source = "altune"
    advice = "the first to try for three classes and more"

    method: Literal["margin_cover"] = "margin_cover"
    cover: float = Field(default=1.0, ge=0.0, le=2.0, description="weight of the coverage of the pool")
    batch_cover: float = Field(
        default=0.5, ge=0.0, le=1.0, description="weight of the coverage of uncertain rows by the batch"
    )
    neighbours: int = Field(default=20, ge=2, le=100, description="number of nearest neighbours that a row covers")

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return the rows picked one by one; if more are wanted than compete, the most uncertain others follow."""
        coverage = PoolCoverage(pool, self.neighbours)
        uncertainty = 1.0 - pool.known().margin
        competing = coverage.positions
        terms = [
            CoverageTerm(self.cover, coverage.of_labelled()),
            CoverageTerm(self.batch_cover, coverage.of_batch(uncertainty)),
        ]
        wanted = min(size, len(competing))
        fixed = z_scores(uncertainty[competing])
        picked = greedy_batch(coverage.graph, fixed, terms, coverage.candidates, wanted, rng)
        return with_others(pool, competing[picked], uncertainty, size, rng)


def with_others(pool: Pool, positions: RowNumbers, scores: Array, size: int, rng: np.random.Generator) -> RowNumbers:
    """Return the candidates at ``positions``, followed by those with the largest scores up to ``size`` rows."""
    missing = min(size, len(pool.candidates)) - len(positions)
    if missing > 0:
        others = scores.copy()
        others[positions] = -np.inf
        positions = np.concatenate([positions, largest(others, missing, rng)])
    return pool.candidates[positions]
