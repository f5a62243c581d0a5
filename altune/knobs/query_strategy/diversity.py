"""Strategies that spread over the features and use no model."""

from __future__ import annotations

from typing import Literal

import numpy as np

from altune.core.pool import Pool
from altune.core.registry import register
from altune.core.types import RowNumbers
from altune.knobs.pool_geometry import farthest_candidates, typical_candidates
from altune.knobs.query_strategy.base import QueryStrategy


@register
class KCenter(QueryStrategy):
    """Core-set (k-center): each row is the farthest from those bought or selected before, argmax_u min_l d(u, l).

    d is the Euclidean distance of the features.
    """

    source = "Gonzalez, Theor. Comput. Sci. 1985; Sener and Savarese, ICLR 2018"

    method: Literal["kcenter"] = "kcenter"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return candidates, each the farthest from all rows bought or selected before it."""
        return farthest_candidates(pool, size, rng)


@register
class TypiClust(QueryStrategy):
    """TypiClust: the most typical row of each cluster in turn, clusters with few labelled rows first.

    There are min(labelled rows + size, 500) k-means clusters; between clusters with as many labelled rows the larger
    one comes first, and those of at most 5 rows come last. Typicality is 1 / (mean distance to the min(20, half the
    cluster) nearest candidates of the cluster).
    """

    source = "Hacohen, Dekel, Weinshall, Active Learning on a Budget, ICML 2022"

    method: Literal["typiclust"] = "typiclust"

    def select(self, pool: Pool, size: int, rng: np.random.Generator) -> RowNumbers:
        """Return typical candidates, one from each cluster in turn."""
        return typical_candidates(pool, size, rng)
