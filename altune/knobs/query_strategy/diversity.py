"""Strategies that spread over the features and ask no model."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import RowNumbers
from altune.knobs.pool_geometry import farthest_candidates, typical_candidates
from altune.knobs.query_strategy.base import QueryStrategy


@register
class KCenter(QueryStrategy):
    """Core-set, farthest first from the rows bought so far: argmax_u min_l d(u, l) on the features."""

    source: ClassVar[str] = "Gonzalez, Theor. Comput. Sci. 1985; Sener and Savarese, ICLR 2018"

    method: Literal["kcenter"] = "kcenter"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates, each the farthest from all rows bought and all picked before it."""
        return farthest_candidates(pool, size, rng)


@register
class TypiClust(QueryStrategy):
    """TypiClust: the most typical row of clusters with few labels, min(labelled + size, 500) of them.

    Clusters are visited by labelled rows (few first), then size (large first); those of at most 5 rows
    come last. Typicality is 1 / (mean distance to the min(20, half the cluster) nearest candidates of
    the cluster). The clusters depend on the features and their number alone, so recipes that are played on
    the same block share them.
    """

    source: ClassVar[str] = "Hacohen, Dekel, Weinshall, Active Learning on a Budget, ICML 2022"

    method: Literal["typiclust"] = "typiclust"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return typical candidates, one for each cluster in turn."""
        return typical_candidates(pool, size, rng)
